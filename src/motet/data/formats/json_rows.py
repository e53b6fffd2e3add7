"""Rows of JSON tables: a list of objects, a list under a key of an object, or one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from motet.core import DataError, nearest
from motet.data.formats.json_file import check_type, load_json, load_json_lines
from motet.data.formats.text_file import read_bytes

_BESIDE_ROWS = ("images", "categories", "licenses")


def json_rows(path: Path, *, key: str = "") -> Iterator[Mapping[str, Any]]:
    """Yields the rows of a JSON file.

    Args:
        path: a file with a list of objects, an object that has such a list, or one object per line.
        key: of the list, where an object has several.

    Raises:
        DataError: no such file, no JSON, another form, an object with several lists of objects and no key, or a row
            that is no object.
    """
    data = load_json(path) if not _has_lines(path) else list(load_json_lines(path))
    if isinstance(data, dict):
        lists = row_lists(data)
        chosen = key or next(iter(lists), "")
        if key and key not in lists:
            raise DataError(f"key {key!r}: got no list of objects; want one ({nearest(key, lists)})", path=path)
        if not key and len(lists) != 1:
            got = f"the lists {', '.join(map(repr, lists))}" if lists else "no list of objects"
            raise DataError(f"file: got an object with {got}; want a list of rows, or key= of one", path=path)
        data = data[chosen]
    for row, value in enumerate(check_type(data, list, "file", path=path)):
        yield check_type(value, dict, "row", path=path, row=row)


def row_lists(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the keys of an object whose values are lists of objects, but for those that COCO has beside its rows."""
    return tuple(
        str(key)
        for key, value in data.items()
        if key not in _BESIDE_ROWS and isinstance(value, list) and value and isinstance(value[0], dict)
    )


def _has_lines(path: Path) -> bool:
    """Returns True for a file named `.json` that has one object per line."""
    first, _, rest = read_bytes(path).lstrip().partition(b"\n")
    if not first.startswith(b"{") or not rest.strip():
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
