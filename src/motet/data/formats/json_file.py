"""JSON files with their keys and types checked; every error is one line with file and row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from motet.core import DataError, nearest
from motet.data.formats.text_file import read_bytes, read_text

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


def load_json(path: Path) -> Any:
    """Parses a file, plain or gzipped.

    Raises:
        DataError: no such file, or not JSON, with line and column.
    """
    return _parse(read_bytes(path), path, None)


def load_json_lines(path: Path) -> Iterator[Any]:
    """Yields the parsed lines of a JSONL file; empty lines are skipped.

    Raises:
        DataError: as `load_json`, with the line as row.
    """
    for row, line in enumerate(read_text(path).split("\n")):
        if line.strip():
            yield _parse(line.encode(), path, row)


def _parse(data: bytes, path: Path, row: int | None) -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if row is None else f"column {error.colno}"
        raise DataError(f"JSON: got {error.msg} at {where}; want a whole JSON value", path=path, row=row) from error
    except UnicodeDecodeError as error:
        raise DataError(f"JSON: got the byte 0x{data[error.start]:02x}; want UTF-8", path=path, row=row) from error
    except RecursionError as error:
        raise DataError("JSON: got lists nested too deeply; want a data file", path=path, row=row) from error


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
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DataError(
            f"{name}: got {short_repr(value)}; want {_TYPE_NAMES.get(kind, kind.__name__)}", path=path, row=row
        )
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
    if not (text.isascii() and text.isdigit()):
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
    """Returns the form of a value in an error line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
