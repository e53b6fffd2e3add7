"""Texts that read the same are the same."""

from motet.core.normalised_text import normalise


def test_accents_white_space_and_what_no_file_can_hold() -> None:
    assert normalise("cafe\u0301") == normalise("caf\u00e9") == "caf\u00e9"
    assert normalise("\ton  the\n\u00a0table ") == "on the table"
    assert normalise("a\ud800b") == "a?b"
    assert normalise("Caf\u00e9") != normalise("caf\u00e9")
