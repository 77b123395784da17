from pmsgan.cli.progress import printable


def test_a_terminal_is_shown_names_and_not_given_orders() -> None:
    assert printable("caf\u00e9 \u732b.png") == "caf\u00e9 \u732b.png"
    assert printable("a\x1b[2J\nb\udcff") == "a\\x1b[2J\\nb\\udcff"
