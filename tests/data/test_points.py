from pathlib import Path

import pytest

from pmsgan.data.points import find_eyes, parse_eye_points, read_eyes, read_points
from pmsgan.errors import ConfigError, DataError

HEAD = "name,left_x,left_y,right_x,right_y\n"


def test_eyes_are_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "eyes.csv"
    path.write_text("name,left_x,left_y,right_x,right_y\na.png,1,2,3.5,4\n")
    assert read_eyes(path) == {"a.png": ((1.0, 2.0), (3.5, 4.0))}
    path.write_text(f'\ufeff{HEAD}\n# old\n"b, c.png",1, 2,3.5,4\n'.replace("\n", "\r\n"))
    assert read_eyes(path) == {"b, c.png": ((1.0, 2.0), (3.5, 4.0))}
    for text, reason in (
        ("name,left_x\na,1\n", "lacks the column left_y"),
        (f"{HEAD}\na,1,2,3,x\n", "eyes.csv, line 3: right_y is 'x', which is not a number"),
        (f"# eyes\n{HEAD}a,1,nan,3,4\n", "line 3: left_y is 'nan', which is not a number"),
        (f"{HEAD}a,1,2\n", "line 2: right_x is missing"),
        (f"{HEAD}a,1,2,,4\n", "line 2: right_x is missing"),
        (f"{HEAD}{'a' * 200_000}\n", "line 2, is not a line of CSV"),
        ("", "lacks the column"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=reason):
            read_eyes(path)
    with pytest.raises(DataError, match=r"^cannot read .*missing\.csv: No such file or directory$"):
        read_eyes(tmp_path / "missing.csv")


def test_a_line_that_is_wrong_costs_one_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "eyes.csv"
    lines = [
        "name,left_x,left_y,right_x,right_y", "a.png,1,2,3,4", "b.png,nan,2,3,4",
        "c.png,1,inf,3,4", f"d.png,{'9' * 200_000},2,3,4", "e.png,1", "f.png,x,2,3,4",
        "g.png,5,6,7,8",
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    assert read_eyes(path) == {"a.png": ((1, 2), (3, 4)), "g.png": ((5, 6), (7, 8))}
    assert len(caplog.messages) == 5
    for number, message in enumerate(caplog.messages, 3):
        assert message.startswith(f"left out: {path}, line {number}")
        assert len(message) < 400
    assert caplog.messages[0].endswith("left_x is 'nan', which is not a number")
    path.write_text("\n".join([*lines[:1], *lines[2:4]]))
    with pytest.raises(DataError, match=r"eyes\.csv, line 2: left_x is 'nan'"):
        read_eyes(path)


def test_points_that_are_no_places_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.pts").write_text("nan 51\n70 52\n")
    with pytest.raises(DataError, match=r"a\.pts has 1 point,"):
        read_points(tmp_path / "a.pts")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.3pts", "30 51\n70 52\n50 90\n"),
        ("a.txt", "30,51\n70,52\n50,60\n40,80\n60,80\n"),
        ("a.pos", "70 52 30 51\n"),
        ("a.pos", "reye 30 51\nnose 1 2\nleye 70 52\n"),
        ("a.pos", "1 30 51\n2 70 52\n3 9 9\n"),
        ("a.dat", "35\n" + "".join(f"{n} {n}\n" for n in range(16)) + "30 51\n0 0\n70 52\n"
         + "1 1\n" * 16),
    ],
)  # fmt: skip
def test_eyes_are_read_from_points(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_points(tmp_path / name) == ((30.0, 51.0), (70.0, 52.0))


def test_other_points_can_be_the_eyes(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("1 2\n3 4\n5 6\n")
    assert read_points(path, parse_eye_points("3,1")) == ((1.0, 2.0), (5.0, 6.0))
    with pytest.raises(DataError, match=r"a\.dat has 3 points, but the eyes should be 1,4"):
        read_points(path, (1, 4))
    path.write_bytes(b"1 2\n\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.dat, line 2, is not UTF-8 text"):
        read_points(path)
    assert parse_eye_points(None) is None
    for text in ("1", "1,2,3", "0,2", "a,b", "1;2"):
        with pytest.raises(ConfigError, match="such as 17,19"):
            parse_eye_points(text)


def test_points_belong_to_pictures_by_their_names(tmp_path: Path) -> None:
    eyes = tmp_path / "points"
    for name, x in (("AR/1.dat", 1), ("XM2VTS/1.dat", 2), ("more/00007fa_93.3pts", 7)):
        (eyes / name).parent.mkdir(parents=True, exist_ok=True)
        (eyes / name).write_text(f"{x} 0\n{x + 1} 0\n")
    names = ["AR/1", "XM2VTS/1", "00007", "2"]
    eyes_of = find_eyes(eyes, {name: Path(f"{name}.png") for name in names})
    assert [eyes_of(name)[0][0] for name in names[:3]] == [1.0, 2.0, 7.0]
    with pytest.raises(DataError, match=r"points says nothing about 2\.png"):
        eyes_of("2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no files of points"):
        find_eyes(tmp_path / "empty", {})


def test_a_table_of_eyes_has_names_or_paths(tmp_path: Path) -> None:
    table = tmp_path / "eyes.csv"
    rows = ["b.jpg,1,0,2,0", "x/a,3,0,4,0", "y/a.png,5,0,6,0"]
    table.write_text("\n".join(["name,left_x,left_y,right_x,right_y", *rows]))
    eyes_of = find_eyes(table, {it: Path(it) for it in ("sub/b", "x/a", "y/a")})
    assert [eyes_of(it)[0][0] for it in ("sub/b", "x/a", "y/a")] == [1.0, 3.0, 5.0]
