"""Write numbers with nouns in the singular or plural."""


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with what it counts: `1 pair`, `2 pairs`.

    Args:
        number: how many.
        one: the noun for one thing, with its verb if one follows: `picture is`.
        several: the same for several things; by default `one` with an s.
    """
    return f"{number} {one if number == 1 else several or f'{one}s'}"
