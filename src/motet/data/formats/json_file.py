"""JSON files with their keys and types checked; every error is one line with file and row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from motet.core import DataError, nearest, plain_json
from motet.data.formats.file_lines import FileLines
from motet.data.formats.number_text import is_number
from motet.data.formats.text_file import read_bytes

T = TypeVar("T")
_TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
_MAX_SHOWN = 60
_MAX_INT = 2**63 - 1


def load_json(path: Path) -> Any:
    """Parses a file, plain or gzipped.

    Raises:
        DataError: no such file, or not JSON, with line and column.
    """
    return parse_json(read_bytes(path), path=path)


def load_json_lines(path: Path) -> Iterator[Any]:
    """Yields the parsed lines of a JSONL file; empty lines are skipped.

    Raises:
        DataError: as `load_json`, with the line as row.
    """
    for row, line in enumerate(FileLines(path)):
        if line.strip():
            yield parse_json(line, path=path, row=row)


def parse_json(data: bytes | str, *, path: Path, row: int | str | None = None) -> Any:
    """Parses a JSON text of a file.

    Raises:
        DataError: see `plain_json.parse_json`.
    """
    try:
        return plain_json.parse_json(data)
    except ValueError as error:
        raise DataError(f"JSON: got {error}", path=path, row=row) from error


def get_field(entry: object, key: str, kind: type[T], *, path: Path, row: int | str | None = None) -> T:
    """Returns one value of an object with its type checked; true and false are not numbers, an int is also a float.

    Raises:
        DataError: `entry` is not an object, lacks the key, or has a value of another type.

    Examples:
        >>> get_field({"caption": "A dog."}, "caption", str, path=Path("captions.json"), row=0)
        'A dog.'
    """
    mapping = check_type(entry, dict, "entry", path=path, row=row)
    if key not in mapping:
        known = [str(name) for name in mapping]
        raise DataError(f"key {key!r}: got an object without it; want it ({nearest(key, known)})", path=path, row=row)
    return check_type(mapping[key], kind, key, path=path, row=row)


def check_type(value: object, kind: type[T], name: str, *, path: Path, row: int | str | None = None) -> T:
    """Returns the value if it has the type.

    Raises:
        DataError: it has another type.
    """
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= _MAX_INT else math.inf
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DataError(
            f"{name}: got {short_repr(value)}; want {_TYPE_NAMES.get(kind, kind.__name__)}", path=path, row=row
        )
    if isinstance(value, int | float) and not -_MAX_INT <= value <= _MAX_INT:
        raise DataError(f"{name}: got {short_repr(value)}; want a finite number of at most 64 bits", path=path, row=row)
    return value


def get_id(entry: object, key: str, *, path: Path, row: int | str | None = None) -> str:
    """Returns an id, which some releases write as a number and others as a text; 7.0 is 7.

    Raises:
        DataError: no such key, or neither a whole number nor a text.
    """
    mapping = check_type(entry, dict, "entry", path=path, row=row)
    value = mapping.get(key)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    kind = int if isinstance(value, int) else str
    return str(get_field(mapping, key, kind, path=path, row=row))


def get_key(entry: object, key: str, *, path: Path, row: int | str | None = None) -> int | str:
    """Returns an id that may be any text, such as a UUID; a text of digits is the same as the number.

    Raises:
        DataError: no such key, or neither a whole number nor a text.
    """
    text = get_id(entry, key, path=path, row=row)
    return int(text) if text.isascii() and text.isdigit() else text


def get_number(entry: object, key: str, *, path: Path, row: int | str | None = None) -> int:
    """Returns a whole number, which some releases write as a text of digits.

    Raises:
        DataError: no such key, or not a whole number.
    """
    text = get_id(entry, key, path=path, row=row)
    if not is_number(text):
        raise DataError(f"{key}: got {short_repr(text)}; want a whole number", path=path, row=row)
    return int(text)


def get_floats(entry: object, key: str, count: int, want: str, *, path: Path, row: int | str) -> tuple[float, ...]:
    """Returns a list of numbers of a fixed length.

    Args:
        entry: an object of the file.
        key: its key.
        count: the length.
        want: the names of the numbers, for the error: "left, top, width, height".
        path: the file, for the error.
        row: the row, for the error.

    Raises:
        DataError: no such key, another length, or something that is not a number.
    """
    values = get_field(entry, key, list, path=path, row=row)
    numbers = tuple(check_type(value, float, key, path=path, row=row) for value in values)
    if len(numbers) != count:
        raise DataError(f"{key}: got {short_repr(list(numbers))}; want {want}", path=path, row=row)
    return numbers


def get_size_hw(entry: dict[str, Any], *, path: Path, row: int | str) -> tuple[int, int] | None:
    """Returns the height and width that an entry states in pixels; None where both are missing, null or 0.

    Raises:
        DataError: one of them is missing or is not a whole number.
    """
    if not entry.get("height") and not entry.get("width"):
        return None
    return get_number(entry, "height", path=path, row=row), get_number(entry, "width", path=path, row=row)


def get_text(entry: object, key: str, *, path: Path, row: int | str | None = None) -> str:
    """Returns a text that is not empty, unchanged.

    Raises:
        DataError: no such key, not a text, or an empty one.
    """
    text = get_field(entry, key, str, path=path, row=row)
    if not text.strip():
        raise DataError(f"{key}: got an empty text; want words", path=path, row=row)
    return text


def short_repr(value: object) -> str:
    """Returns the form of a value in an error line, cut where it is long; what is cut is not looked at.

    Examples:
        >>> short_repr({"boxes": [(1, 2.5)], "n": None})
        "{'boxes': [(1, 2.5)], 'n': None}"
    """
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _MAX_SHOWN:
            return f"{text[: _MAX_SHOWN - 3]}..."
    return text


def _pieces(value: object) -> Iterator[str]:
    """Yields `repr(value)` piece by piece."""
    match value:
        case str() | bytes():
            yield repr(value[: _MAX_SHOWN + 1])
        case dict():
            yield "{"
            for place, (key, part) in enumerate(value.items()):
                yield from _join(place, _pieces(key))
                yield ": "
                yield from _pieces(part)
            yield "}"
        case list():
            yield "["
            for place, part in enumerate(value):
                yield from _join(place, _pieces(part))
            yield "]"
        case tuple():
            yield "("
            for place, part in enumerate(value):
                yield from _join(place, _pieces(part))
            yield ",)" if len(value) == 1 else ")"
        case int() if abs(value) > _MAX_INT:
            yield f"a number of {value.bit_length()} bits"
        case _:
            yield repr(value)


def _join(place: int, pieces: Iterable[str]) -> Iterator[str]:
    return itertools.chain([", "] if place else [], pieces)
