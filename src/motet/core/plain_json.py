"""Parses JSON that other people wrote: every error is a ValueError of one line, and no value that later code trips on.

`json.loads` raises three other kinds of errors too, and returns halves of characters, which no file can hold. NaN and
Infinity, which are not of the standard, are read as Python writes them; whoever wants a number refuses them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# An escape of half a character whose other half does not follow, or precede it.
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


def parse_json(data: bytes | str, *, halves: bool = False) -> Any:
    """Returns the value of a whole JSON text.

    Args:
        data: bytes in UTF-8, 16 or 32, with or without a mark of the order; or text.
        halves: whether halves of characters are kept: motet writes the bytes of file names that are not UTF-8 so.

    Raises:
        ValueError: not JSON as RFC 8259 has it, lists nested too deeply, a number of more than 4,300 digits, or
            half a character. The message is one line without an end mark.

    Examples:
        >>> parse_json(b'{"a": [1, 2.5]}')
        {'a': [1, 2.5]}
        >>> parse_json("[1,")
        Traceback (most recent call last):
        ValueError: Expecting value at column 4; want a whole JSON value
    """
    if isinstance(data, bytes):
        try:
            data = data.decode(json.detect_encoding(data))
        except UnicodeDecodeError as error:
            raise ValueError(f"the byte 0x{data[error.start]:02x}; want UTF-8") from error
    try:
        found = json.loads(data.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in data else ""
        raise ValueError(f"{error.msg} at {line}column {error.colno}; want a whole JSON value") from error
    except RecursionError as error:
        raise ValueError("lists nested too deeply; want a data file") from error
    except ValueError as error:
        if "digits" not in str(error):
            raise
        raise ValueError("a number of more than 4,300 digits; want at most 19") from error
    # The first test alone is fast, and almost no file has such an escape.
    if not halves and ("\\ud" in data or "\\uD" in data) and _HALF.search(data) and any(map(_has_half, _texts(found))):
        raise ValueError("a text with half a character (\\ud800 to \\udfff alone); want whole ones")
    return found


def _has_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _texts(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        match left.pop():
            case str(text):
                yield text
            case list(parts):
                left += parts
            case dict(pairs):
                left += pairs
                left += pairs.values()
