"""Numbers of things in messages."""


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with what it counts: `1 pair`, `2 pairs`.

    Args:
        number: how many.
        one: the noun, and the verb where one follows, as of a single thing: `picture is`.
        several: the same words as of several things, by default `one` with an s.
    """
    return f"{number} {one if number == 1 else several or f'{one}s'}"
