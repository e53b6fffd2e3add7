"""Numbers that are written as texts, in file names, ids and cells."""

from __future__ import annotations

_MAX_DIGITS = 18  # of a number of 64 bits; Python refuses to read one of 4,301


def is_number(text: str) -> bool:
    """Returns True for the digits of a whole number that fits 64 bits.

    Examples:
        >>> is_number("0012"), is_number("-1"), is_number("9" * 5000)
        (True, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
