"""JSON with its keys and types checked, each failure one line with file and row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from motet.core import DataError, nearest
from motet.data.formats.text_file import read_bytes, read_text

Kind = TypeVar("Kind")
_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
_LONGEST = 60


def load_json(path: Path) -> Any:
    """The parsed file, plain or gzipped.

    Raises:
        DataError: no such file, or not JSON, with line and column.
    """
    return _parse(read_bytes(path), path, None)


def load_json_lines(path: Path) -> Iterator[Any]:
    """The parsed lines of a JSONL file, empty lines left out.

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
        raise DataError("JSON: got lists in lists without end; want a data file", path=path, row=row) from error


def field(entry: object, key: str, kind: type[Kind], *, path: Path, row: int | str | None = None) -> Kind:
    """One value of an object, with its type checked; true and false are no numbers, a whole number is also a float.

    Raises:
        DataError: `entry` is no object, has no such key, or has something else there.

    Examples:
        >>> field({"caption": "A dog."}, "caption", str, path=Path("captions.json"), row=0)
        'A dog.'
    """
    mapping = checked(entry, dict, "entry", path=path, row=row)
    if key not in mapping:
        known = [str(name) for name in mapping]
        raise DataError(f"key {key!r}: got an object without it; want it ({nearest(key, known)})", path=path, row=row)
    return checked(mapping[key], kind, key, path=path, row=row)


def checked(value: object, kind: type[Kind], what: str, *, path: Path, row: int | str | None = None) -> Kind:
    """The value, when it is of the kind.

    Raises:
        DataError: it is not.
    """
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DataError(f"{what}: got {short_repr(value)}; want {_NAMES.get(kind, kind.__name__)}", path=path, row=row)
    return value


def identity(entry: object, key: str, *, path: Path, row: int | str | None = None) -> str:
    """An id, which some releases write as a number and others as a text.

    Raises:
        DataError: no such key, or neither a whole number nor a text.
    """
    mapping = checked(entry, dict, "entry", path=path, row=row)
    value = mapping.get(key)
    kind = int if isinstance(value, int) else str
    return str(field(mapping, key, kind, path=path, row=row))


def number(entry: object, key: str, *, path: Path, row: int | str | None = None) -> int:
    """A whole number, which some releases write as a text of digits.

    Raises:
        DataError: no such key, or no whole number.
    """
    text = identity(entry, key, path=path, row=row)
    if not (text.isascii() and text.isdigit()):
        raise DataError(f"{key}: got {short_repr(text)}; want a whole number", path=path, row=row)
    return int(text)


def words(entry: object, key: str, *, path: Path, row: int | str | None = None) -> str:
    """A text with something in it, as it stands in the file.

    Raises:
        DataError: no such key, no text, or an empty one.
    """
    text = field(entry, key, str, path=path, row=row)
    if not text.strip():
        raise DataError(f"{key}: got an empty text; want words", path=path, row=row)
    return text


def short_repr(value: object) -> str:
    """A value as an error line shows it: cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
