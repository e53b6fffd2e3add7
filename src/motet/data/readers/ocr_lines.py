"""Crops of text lines with a table of their texts: `val_gt.tsv` beside `val/`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import ConfigError, DataError, Example
from motet.data.formats.paths import default_name, image_at, path_inside
from motet.data.formats.text_file import read_lines

_ENDING = "_gt"


class _Row(NamedTuple):
    table_index: int
    entry: int
    file: str
    text: str


@dataclass(frozen=True)
class OcrLines:
    """Crops and `file<tab>text` tables, for text reading; labels: "text", a tuple of the one text.

    Args:
        tables: one or several TSV files without a header; a line has the crop's file and its text.
        images: the folder of the crops; by default, for `x_gt.tsv` or `x.tsv`, the folder `x` beside it, or where there
            is none the folder of the table.
        name: prefix of Example ids; by default the folder's name.

    Raises:
        DataError: no such file, a line without one tab, a crop that occurs twice. An empty text is raised when its
            row is read.
        ConfigError: no table.
    """

    tables: Path | str | tuple[Path | str, ...]
    images: Path | str | None = None
    name: str = ""
    _tables: tuple[tuple[Path, Path, str], ...] = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        paths = self.tables if isinstance(self.tables, tuple) else (self.tables,)
        if not paths:
            raise ConfigError("OcrLines.tables: got none; want at least one")
        folders = tuple((Path(table), self._folder(Path(table))) for table in paths)
        tables = tuple((table, folder, self._prefix(folder)) for table, folder in folders)
        rows = tuple(row for index, (table, folder, _) in enumerate(tables) for row in _read(index, table, folder))
        known: set[tuple[Path, str]] = set()
        for row in rows:
            table, folder, _ = tables[row.table_index]
            if (folder, row.file) in known:
                raise DataError(f"file: got {row.file!r} twice; want every crop once", path=table, row=row.entry)
            known.add((folder, row.file))
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is the crop's path."""
        row = self._rows[index]
        return (f"{self._tables[row.table_index][2]}/{row.file}",)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        table, folder, _ = self._tables[row.table_index]
        if not row.text:
            raise DataError("text: got an empty one; want the text of the crop", path=table, row=row.entry)
        image = image_at(folder / row.file, path=table, row=row.entry)
        (key,) = self.keys(index)
        return Example(id=key, images=(image,), image_ids=(key,), labels={"text": (row.text,)})

    def _folder(self, table: Path) -> Path:
        if self.images is not None:
            return Path(self.images)
        beside = table.with_name(table.stem.removesuffix(_ENDING))
        return beside if beside.is_dir() else table.parent

    def _prefix(self, folder: Path) -> str:
        return f"{self.name}/{folder.name}" if self.name else default_name(folder)


def _read(table_index: int, table: Path, folder: Path) -> Iterator[_Row]:
    lines = read_lines(table)
    if not any(line.strip() for line in lines):
        raise DataError("lines: got none; want file<tab>text", path=table)
    for entry, line in enumerate(lines):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != 2:
            raise DataError(f"columns: got {len(cells)}; want 2 (file, text)", path=table, row=entry)
        yield _Row(table_index, entry, path_inside(folder, cells[0].strip(), path=table, row=entry), cells[1].strip())
