"""Text from data as terminals, pages and files can show it."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, among them the escape codes of terminals; tab and line feed are kept
    "\u2028\u2029"  # separators that some readers take for the end of a line
    "\u202a-\u202e\u2066-\u2069"  # marks that change the order in which letters are shown
    "\ud800-\udfff]"  # halves of a pair, which UTF-8 cannot hold: bytes of a file name that is not UTF-8
)


def printable(text: str) -> str:
    r"""Returns a text whose unprintable characters stand as their escapes; all other text is unchanged.

    Names of classes, columns and files come from data: they may hold codes that a terminal obeys, and bytes that no
    page can hold. The escapes are those of JSON, so that JSON stays JSON.

    Examples:
        >>> printable("zebra \x1b[31m"), printable("caf\u00e9")
        ('zebra \\u001b[31m', 'café')
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Returns a text on one line: ends of lines and all other invisible characters as Python's escapes.

    Examples:
        >>> print(one_line("a\nb \x1b[31m"))
        a\nb \x1b[31m
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
