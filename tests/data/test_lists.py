from pathlib import Path

import pytest

from pmsgan.data.lists import Row, read_rows, resolve_names, select_pairs
from pmsgan.data.pairs import Pair
from pmsgan.data.picture_file import PictureFile
from pmsgan.errors import DataError


def pair(name: str, photo: str, sketch: str) -> Pair:
    root = Path("/somewhere/CUFS")
    return Pair(name, PictureFile(root / photo), PictureFile(root / sketch))


PAIRS = [
    pair("AR/1", "AR/photos/1.jpg", "AR/sketches/1.jpg"),
    pair("XM2VTS/1", "XM2VTS/photos/1.jpg", "XM2VTS/sketches/1.jpg"),
    pair("CUHK/f-005-01", "CUHK/photos/f-005-01.jpg", "CUHK/sketches/F2-005-01-sz1.jpg"),
]


def names_in(text: str, path: Path) -> list[str]:
    path.write_bytes(text.encode())
    return [pair.name for pair in select_pairs(path, PAIRS)]


@pytest.mark.parametrize(
    "text",
    [
        "XM2VTS/1\nCUHK/f-005-01\n",
        "\ufeffXM2VTS/photos/1.jpg\r\n\r\nCUHK/photos/f-005-01.jpg\r\n",
        "XM2VTS/photos/1.jpg||XM2VTS/sketches/1.jpg||XM2VTS/mat/1.mat||27\n"
        "CUHK/photos/f-005-01.jpg||CUHK/sketches/F2-005-01-sz1.jpg||x||1\n",
        "old/CUFS/xm2vts/photos/1.png\nold/CUFS/CUHK/photos/f-005-01.png\n",
        "XM2VTS\\sketches\\1.jpg\n'CUHK/sketches/F2-005-01-sz1.jpg'\n",
        "XM2VTS/photos/1.jpg XM2VTS/sketches/1.jpg\nCUHK/photos/f-005-01.jpg, F2-005-01-sz1.jpg",
        "XM2VTS/photos/1.jpg\nother/none.jpg||CUHK/sketches/F2-005-01-sz1.jpg\n",
        "XM2VTS/1\nCUHK/f-005-01\nXM2VTS/photos/1\n",
        "# of 2026\n\n  \nXM2VTS/1\r\n#CUHK/none\r\nCUHK/f-005-01",
        "XM2VTS/photos/1,XM2VTS/sketches/1\nCUHK/f-005-01; F2-005-01-sz1\n",
        "XM2VTS/photos/1 XM2VTS/sketches/1 27\rf-005-01,f-005-01\r",
    ],
)
def test_a_list_may_have_many_forms(text: str, tmp_path: Path) -> None:
    assert names_in(text, tmp_path / "list") == ["XM2VTS/1", "CUHK/f-005-01"]


def test_a_list_may_be_written_on_windows(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes("XM2VTS/1\r\nCUHK/f-005-01\r\n".encode("utf-16"))
    chosen = select_pairs(tmp_path / "list", PAIRS)
    assert [pair.name for pair in chosen] == ["XM2VTS/1", "CUHK/f-005-01"]


def test_a_list_that_cannot_be_read_is_told_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "list"
    with pytest.raises(DataError, match=r"^cannot read .*list: No such file or directory$"):
        select_pairs(path, PAIRS)
    path.write_bytes(b"AR/1\r\nM\xfcller\n")
    with pytest.raises(
        DataError,
        match=r"list, line 2, is not UTF-8 text: save the file as "
        r"UTF-8$",
    ):
        select_pairs(path, PAIRS)
    path.write_text("# nothing yet\n")
    with pytest.raises(DataError, match="names no pairs: write one name per line"):
        select_pairs(path, PAIRS)


def test_what_could_be_several_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not there: 1 \(line 1\); 1 is ambiguous: add its folder"):
        names_in("1\nCUHK/f-005-01\n", tmp_path / "list")


def test_an_entry_of_a_set_that_is_missing_is_not_taken_from_another(tmp_path: Path) -> None:
    text = "AR/photos/1.jpg\nCUHK/photos/1.jpg\nXM2VTS/photos/1.jpg\n"
    with pytest.raises(
        DataError, match=r"names 1 pair that is not there: CUHK/photos/1\.jpg \(line 2\)$"
    ):
        names_in(text, tmp_path / "list")


def test_two_pictures_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    for text in ("AR/photos/1.jpg||XM2VTS/sketches/1.jpg\n", "AR/1,XM2VTS/1\n"):
        with pytest.raises(
            DataError,
            match=r"list, line 3: AR/\S*1\S* and \S+ belong to two "
            r"pairs",
        ):
            names_in(f"CUHK/f-005-01\n\n{text}", tmp_path / "list")


def test_names_may_have_commas_and_spaces(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("Smith, Anna 2.png\nb\n")
    assert read_rows(path, can_have_spaces=True) == [Row(1, ["Smith, Anna 2.png"]), Row(2, ["b"])]
    assert read_rows(path, can_have_spaces=False)[0] == Row(1, ["Smith", "Anna 2.png"])


def test_a_dot_does_not_end_a_name() -> None:
    found = resolve_names(["v1.2", "v1.3.png"], [("a", {"x/v1.2"}), ("b", {"x/v1.3"})])
    assert found.found == ["a", "b"]
