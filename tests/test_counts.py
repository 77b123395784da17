import pytest

from pmsgan.counts import count


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("pair",), "0 pairs"),
        (1, ("pair",), "1 pair"),
        (2, ("pair",), "2 pairs"),
        (1, ("entry", "entries"), "1 entry"),
        (3, ("picture is", "pictures are"), "3 pictures are"),
    ],
)
def test_a_number_agrees_with_what_it_counts(
    number: int, words: tuple[str, ...], text: str
) -> None:
    assert count(number, *words) == text
