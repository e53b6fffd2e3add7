"""Rows of NLVR and NLVR2: JSON lines of a sentence that is true or false of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError
from motet.data.formats.deferred import capture
from motet.data.formats.json_file import get_field, get_text, load_json_lines, short_repr

TRUE_FALSE_NAMES = ("false", "true")


class NlvrRow(NamedTuple):
    """One sentence of a file.

    Args:
        identifier: its id in the file, such as "dev-850-0-0".
        directory: the folder of its images; "" where the file does not name it.
        sentence_class: the sentence and its class, or the error of a broken row.
        entry: its line in the file.
    """

    identifier: str
    directory: str
    sentence_class: tuple[str, int] | DataError
    entry: int


def read_nlvr(path: Path, identifiers: re.Pattern[str], example: str) -> tuple[NlvrRow, ...]:
    """Reads all rows of a file.

    Args:
        path: JSON lines with `sentence`, `label`, `identifier`, and `directory` or none.
        identifiers: the form of an identifier.
        example: an identifier of that form, for the error.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, an identifier that occurs twice or has another
            form, no row.
    """
    rows = tuple(_rows(path, identifiers, example))
    if not rows:
        raise DataError("file: got no sentence; want at least one", path=path)
    return rows


def _rows(path: Path, identifiers: re.Pattern[str], example: str) -> Iterator[NlvrRow]:
    known: set[str] = set()
    for entry, line in enumerate(load_json_lines(path)):
        key = get_field(line, "identifier", str, path=path, row=entry)
        if identifiers.fullmatch(key) is None:
            raise DataError(f"identifier: got {short_repr(key)}; want one like {example}", path=path, row=entry)
        if key in known:
            raise DataError(f"identifier: got {key} twice; want every one once", path=path, row=entry)
        known.add(key)
        directory = line.get("directory", "")
        yield NlvrRow(key, str(directory), capture(_sentence_class, line, path, entry), entry)


def _sentence_class(line: object, path: Path, row: int) -> tuple[str, int]:
    label = get_field(line, "label", str, path=path, row=row)
    if label.lower() not in TRUE_FALSE_NAMES:
        raise DataError(f"label: got {short_repr(label)}; want True or False", path=path, row=row)
    return get_text(line, "sentence", path=path, row=row), TRUE_FALSE_NAMES.index(label.lower())
