import pytest

from pmsgan.data.names import match_names, natural_key, singular, words


def test_numbers_are_sorted_by_their_value() -> None:
    names = ["10", "9", "b2", "B10", "a", "02", "2"]
    assert sorted(names, key=natural_key) == ["02", "2", "9", "10", "a", "b2", "B10"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CUHK_training_cropped-photos", ["CUHK", "training", "cropped", "photos"]),
        ("trainA", ["train", "A"]),
        ("Test Sketches", ["Test", "Sketches"]),
        ("0007", ["0007"]),
    ],
)
def test_words_are_told_apart(name: str, found: list[str]) -> None:
    assert words(name) == found


def test_plurals_count_as_the_word() -> None:
    plurals = ["Photos", "sketches", "boxes", "faces", "glass", "anime"]
    assert list(map(singular, plurals)) == ["photo", "sketch", "box", "face", "glass", "anime"]


def test_equal_names_are_matched_first() -> None:
    matched = match_names(["1", "1_a", "2"], ["1", "2", "1_a"])
    assert (matched.lonely, matched.loose) == ([], [])


def test_case_and_endings_do_not_count_where_they_leave_no_choice() -> None:
    matched = match_names(["A/one", "two"], ["a/One", "two_mask"])
    assert matched.loose == [("A/one", "a/One"), ("two", "two_mask")]
    assert matched.lonely == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["1"], ["10"]),  # a number is whole
        (["a"], ["ab"]),  # so is a word
        (["1"], ["1_a", "1_b"]),  # there is a choice
        (["x/1"], ["y/1"]),
        (["m-002-1"], ["mp-002-1"]),  # only sketches of CUFS may have another sign
    ],
)
def test_what_could_be_something_else_stays_alone(ours: list[str], theirs: list[str]) -> None:
    matched = match_names(ours, theirs)
    assert matched.pairs == []
    assert sorted(matched.lonely) == sorted([*ours, *theirs])


def test_the_names_of_ar_are_those_of_cufs() -> None:
    assert match_names(["m-002-1", "w-002-1"], ["Mp-002-1-sz1", "Wp-002-1-sz1"]).lonely == []
