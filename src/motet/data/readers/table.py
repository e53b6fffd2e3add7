"""Tables of one's own (CSV, TSV, JSON, JSONL, Parquet) with a mapping from columns to the parts of an Example."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, Example
from motet.data.formats.columns import (
    Columns,
    Names,
    add_answer,
    collect_class_names,
    is_texts,
    make_columns,
    merge_labels,
)
from motet.data.formats.image_cells import CellContext, cell_ids, cell_images
from motet.data.formats.packed_cells import PackedCells
from motet.data.formats.paths import default_name
from motet.data.formats.table_file import TableForm, as_number, load_columns, table_suffix


@dataclass(frozen=True)
class Table:
    """Rows of a table, for any task; the labels are those of the mapping.

    "class" is an index into `names`. "captions", "captions_<language>", "answers" and "text" are tuples of texts.
    "answer" is a text; if only "answers" is mapped, it is the most frequent of them. Any other label is the cell itself
    (in CSV and TSV as a number if it is one).

    Args:
        path: `.csv` or `.txt` (cells between commas, semicolons, tabs or bars, with quotes as in RFC 4180), `.tsv`
            (with quotes where they are a spreadsheet's), `.jsonl`, `.json` (a list of objects, alone or under a key),
            `.parquet`, or a folder of Parquet files. CSV and JSON may be gzipped.
        image: the column of the image: a path, or in Parquet encoded bytes, or the struct that Hugging Face writes; a
            list of these, or several columns, for several images.
        text: the column of the question or sentence; several for a pair.
        labels: annotation -> column, or columns, of its values; a cell of JSON or Parquet may be a list of them.
            Several columns of "class" are one per class, with 1 in that of the row's class.
        image_root: the folder that paths are relative to; by default that of the table. Nothing outside it is read.
        image_id: the id of an image over all data sets, as a format over columns, such as "coco/{image_id}"; by
            default its path, or the row where it has none.
        names: the classes and their order; by default all that occur, sorted. Give the other parts those of the
            training part.
        separator: the text between several texts in one cell ("|"); "" where a cell holds one.
        gather: merge the rows of one image and text into one Example, as captioning needs it where each caption has a
            row.
        only: read only rows with these cells, column -> value: {"split": "train"}.
        pattern: the file of an image cell, such as "{}.jpg" for ids without an ending, or "train_{:0>4}.png".
        encoding: of a CSV, TSV or TXT; by default UTF-8, or UTF-16 where it begins with a byte-order mark.
        header: the names of the columns of a CSV, TSV or TXT that has no line of them.
        key: of the list of rows in a JSON object that has several lists.
        name: prefix of Example ids; by default the folder's and the file's name.

    Raises:
        DataError: no such file, a missing column, a row with another number of cells than the header. An error within a
            row's cells raises when that row is read.
        ConfigError: an impossible mapping or pattern, a form that is not the format's, or Parquet without the extra
            that reads it.
    """

    path: Path | str
    image: Names = ()
    text: Names = ()
    labels: Mapping[str, Names] = field(default_factory=dict)
    image_root: Path | str | None = None
    image_id: str = ""
    names: tuple[str, ...] = ()
    separator: str = ""
    gather: bool = False
    only: Mapping[str, str] = field(default_factory=dict)
    pattern: str = ""
    encoding: str = ""
    header: tuple[str, ...] = ()
    key: str = ""
    name: str = ""
    _columns: Columns = field(init=False, repr=False, compare=False)
    _cells: dict[str, Sequence[Any]] = field(init=False, repr=False, compare=False)
    _rows: Sequence[tuple[int, ...]] | Sequence[int] = field(init=False, repr=False, compare=False)
    _where: CellContext = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = make_columns(
            image=self.image, text=self.text, labels=self.labels, image_id=self.image_id, separator=self.separator,
            names=self.names,
        )  # fmt: skip
        path = Path(self.path)
        form = TableForm(self.encoding, self.header, self.key)
        cells = load_columns(path, (*columns.all_columns, *self.only), form)
        rows = _rows_with(cells, self.only)
        if not columns.all_columns or not rows:
            raise DataError("table: got no rows; want at least one, and at least one column mapped", path=path)
        if table_suffix(path) in (".csv", ".tsv", ".txt"):
            _parse_numbers(cells, columns)
        if "class" in columns.labels and not columns.names:
            columns = replace(columns, names=_class_names(columns.labels["class"], cells))
            object.__setattr__(self, "names", columns.names)
        if self.pattern:
            _complete_files(cells, columns.image, self.pattern)
        root = path.parent if self.image_root is None else Path(self.image_root)
        prefix = self.name or default_name(path)
        columns.formatted_id({column: values[rows[0]] for column, values in cells.items()})
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "_cells", cells)
        object.__setattr__(self, "_where", CellContext(path, root, prefix, default_name(root)))
        object.__setattr__(self, "_rows", _gathered(cells, columns, rows) if self.gather else rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        row = self._numbers(index)[0]
        if self.image_id and (image_id := self._columns.formatted_id(self._row(row))):
            return (image_id,)
        return cell_ids([self._cells[column][row] for column in self._columns.image], self._where, row)

    def __getitem__(self, index: int) -> Example:
        numbers = self._numbers(index)
        row, path = numbers[0], self._where.path
        cells = self._row(row)
        labels = [self._columns.annotations(self._row(number), path=path, row=number) for number in numbers]
        return Example(
            id=f"{self._where.row_prefix}/{row}",
            images=cell_images([cells[column] for column in self._columns.image], self._where, row),
            image_ids=self.keys(index),
            text=self._columns.texts(cells, path=path, row=row),
            labels=add_answer(merge_labels(labels, path=path, row=row)),
        )

    def _numbers(self, index: int) -> tuple[int, ...]:
        rows = self._rows[index]
        return (rows,) if isinstance(rows, int) else rows

    def _row(self, row: int) -> dict[str, Any]:
        return {column: values[row] for column, values in self._cells.items()}


def _class_names(columns: tuple[str, ...], cells: dict[str, Sequence[Any]]) -> tuple[str, ...]:
    return columns if len(columns) > 1 else collect_class_names(cells[columns[0]])


def _complete_files(cells: dict[str, Sequence[Any]], columns: tuple[str, ...], pattern: str) -> None:
    """Replaces ids by the names of their image files."""
    try:
        names = {pattern.format("1"), pattern.format("2")}
    except (ValueError, IndexError, KeyError) as error:
        raise ConfigError(f"Table.pattern: got {pattern!r} ({error}); want a place for the cell: '{{}}.jpg'") from error
    if len(names) == 1:
        raise ConfigError(f"Table.pattern: got {pattern!r}; want a place for the cell: '{{}}.jpg'")
    for column in columns:
        completed = (
            pattern.format(cell) if isinstance(cell := _as_id(value), str) and cell else value
            for value in cells[column]
        )
        # A cell of Parquet may be an encoded image, which is no JSON.
        cells[column] = PackedCells.of(completed) if isinstance(cells[column], PackedCells) else list(completed)


def _as_id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _parse_numbers(cells: dict[str, Sequence[Any]], columns: Columns) -> None:
    """Converts the cells of labels that are neither texts nor classes to numbers, where they are numbers."""
    used = {*columns.image, *columns.text, *columns.image_id_columns}
    for label, names in columns.labels.items():
        if label not in ("class", "answer") and not is_texts(label):
            for column in set(names) - used:
                cells[column] = PackedCells.of(as_number(cell) for cell in cells[column])


def _rows_with(cells: dict[str, Sequence[Any]], only: Mapping[str, str]) -> Sequence[int]:
    """Returns the rows that are read, by their numbers in the file."""
    all_rows = range(len(next(iter(cells.values()), ())))
    if not only:
        return all_rows
    return array(
        "q", (row for row in all_rows if all(str(cells[column][row]) == value for column, value in only.items()))
    )


def _gathered(cells: dict[str, Sequence[Any]], columns: Columns, rows: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """Returns the rows of each (image, text), in the order of their first row."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = tuple(repr(cells[column][row]) for column in (*columns.image, *columns.text))
        groups.setdefault(key, []).append(row)
    return tuple(tuple(group) for group in groups.values())
