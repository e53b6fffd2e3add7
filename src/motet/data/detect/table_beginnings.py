"""The first rows of a table, and the form of its file: encoding, header, the key of its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError
from motet.data.detect.dataset import Split
from motet.data.detect.guess import Row
from motet.data.detect.survey import split_of
from motet.data.formats.delimited import delimited_rows
from motet.data.formats.json_file import load_json
from motet.data.formats.json_rows import row_lists
from motet.data.formats.paths import is_image
from motet.data.formats.table_file import PLAIN, TableForm, first_rows, table_suffix
from motet.data.formats.text_file import read_bytes

_WESTERN = "cp1252"
_LETTER_RUNS = re.compile(r"[^\x00-\x7f]+")
_LONGEST_RUN = 3  # letters with accents beside each other, in the languages of this encoding


class TableBeginning(NamedTuple):
    """The first rows of a table.

    Args:
        rows: the rows.
        form: of the file.
        split: of the rows, where the key of their list names it.
        note: on the form, for the line that `motet init` prints.
    """

    rows: list[Row]
    form: TableForm = PLAIN
    split: Split = ""
    note: str = ""

    def arguments(self) -> dict[str, object]:
        """Returns the arguments of `Table` for the form."""
        given = {"encoding": self.form.encoding, "header": self.form.header, "key": self.form.key}
        return {name: value for name, value in given.items() if value}


def table_beginnings(path: Path, count: int) -> Iterator[TableBeginning]:
    """Yields the first rows of a table; of a JSON object with several lists of rows those of each.

    Raises:
        DataError: a file that is no table.
        ConfigError: Parquet without the extra that reads it.
    """
    match table_suffix(path):
        case ".csv" | ".tsv" | ".txt":
            yield _delimited(path, count)
        case ".json":
            yield from _json(path, count)
        case _:
            yield TableBeginning(list(first_rows(path, count)))


def _delimited(path: Path, count: int) -> TableBeginning:
    encoding = legacy_encoding(path)
    first = next(delimited_rows(path, encoding=encoding), [])
    header = _header(first)
    form = TableForm(encoding=encoding, header=header)
    notes = [f"read as {encoding}" if encoding else "", "without a header" if header else ""]
    note = ", ".join(one for one in notes if one)
    return TableBeginning(list(first_rows(path, count, form)), form, note=f" ({note})" if note else "")


def _header(first: list[str]) -> tuple[str, ...]:
    """Returns names for the columns where the first row is one of images already; none where it is a header."""
    if len(first) < 2 or not any(is_image(cell.strip()) and len(cell.strip()) > 4 for cell in first):
        return ()
    place = next(place for place, cell in enumerate(first) if is_image(cell.strip()))
    return tuple("image" if column == place else f"column {column + 1}" for column in range(len(first)))


def _json(path: Path, count: int) -> Iterator[TableBeginning]:
    try:
        yield TableBeginning(list(first_rows(path, count)))
    except DataError:
        data = load_json(path)
        # Lists under other keys than those of splits are the tables of one format, such as COCO's.
        keys = [key for key in row_lists(data) if split_of(Path(key), Path())] if isinstance(data, dict) else []
        if not keys:
            raise
        for key in keys:
            form = TableForm(key=key)
            yield TableBeginning(list(first_rows(path, count, form)), form, split_of(Path(key), Path()), f" ({key})")


def legacy_encoding(path: Path) -> str:
    """Returns "cp1252" for a file that Windows wrote in a Western European language; "" for UTF-8 and all others.

    Raises:
        DataError: no readable file.
    """
    data = read_bytes(path)
    try:
        data.decode("utf-8")
        return ""
    except UnicodeDecodeError:
        pass
    if b"\0" in data:
        return ""
    try:
        runs = _LETTER_RUNS.findall(data.decode(_WESTERN))
    except UnicodeDecodeError:
        return ""
    # In another encoding nearly every letter of a word would be such a character.
    return _WESTERN if max(map(len, runs)) <= _LONGEST_RUN else ""
