"""Data sets of Hugging Face `datasets`: saved to disk, a folder of Parquet files or the like, or a name on the Hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from motet.core import DataError, Example
from motet.data.formats.columns import Columns, Names, add_answer, collect_class_names, make_columns
from motet.data.formats.hf_splits import load_split
from motet.data.formats.image_cells import CellContext, cell_ids, cell_images
from motet.data.formats.paths import default_name
from motet.data.formats.table_file import check_columns

_BATCH = 1000
_HIDDEN = -1  # the class of test rows with secret labels, as in GLUE on the Hub


@dataclass(frozen=True)
class HfDataset:
    """Rows of a `datasets` data set, with the mapping of `Table`; images stay encoded and the table stays on disk.

    "class" is an index into `names`, which are those of the data set's own `ClassLabel` where it has one. Rows whose
    class is -1 (the test parts of GLUE) have no "class": they are for prediction, not for training.

    Args:
        path: the folder that `save_to_disk` wrote, a folder that `load_dataset` reads, or a name on the Hub.
        split: "train", "test", "train[:80%]" (the latter not for a folder that `save_to_disk` wrote).
        image: the column of the image: an `Image` feature, a path, or encoded bytes; a list of these, or several
            columns.
        text: the column of the question or sentence; several for a pair.
        labels: annotation -> column, or columns, as for `Table`.
        config: the configuration, where a data set has several.
        image_root: the folder that paths are relative to; by default the data set's folder. Nothing outside it is read
            (of a data set by name: the paths are those that `datasets` gives).
        image_id: the id of an image over all data sets, as a format over columns, such as "coco/{image_id}"; by
            default its path, or the row where it has none. Give it where several rows share an image.
        names: the classes, where the data set does not name them.
        separator: the text between several texts in one cell.
        name: prefix of Example ids; by default the data set's name and the split.

    Raises:
        DataError: no data set, no such split, or a missing column. An error within a row raises when that row is
            read.
        ConfigError: the extra motet[hf] is not installed, or an impossible mapping.
    """

    path: Path | str
    split: str = "train"
    image: Names = ()
    text: Names = ()
    labels: Mapping[str, Names] = field(default_factory=dict)
    config: str | None = None
    image_root: Path | str | None = None
    image_id: str = ""
    names: tuple[str, ...] = ()
    separator: str = ""
    name: str = ""
    _columns: Columns = field(init=False, repr=False, compare=False)
    _data: Any = field(init=False, repr=False, compare=False)
    _ids: tuple[tuple[str, ...], ...] | None = field(init=False, repr=False, compare=False)
    _where: CellContext = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = make_columns(
            image=self.image, text=self.text, labels=self.labels, image_id=self.image_id, separator=self.separator,
            names=self.names,
        )  # fmt: skip
        path = Path(self.path)
        data = load_split(self.path, self.split, self.config)
        check_columns(columns.all_columns, data.column_names, path)
        if len(data) == 0 or not columns.all_columns:
            raise DataError("data set: got no rows; want at least one, and at least one column mapped", path=path)
        if "class" in columns.labels and not columns.names:
            columns = replace(columns, names=_names(data, columns.labels["class"]))
            object.__setattr__(self, "names", columns.names)
        # Rows stay in Arrow's form: nothing is decoded, and nothing is rewritten on disk as by a cast.
        data = data.select_columns(list(columns.all_columns)).with_format("arrow")
        local = path.exists()
        prefix = self.name or f"{default_name(path) if local else self.path}/{self.split}"
        default_root = path if local else Path(path.absolute().anchor)
        root = default_root if self.image_root is None else Path(self.image_root)
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_where", CellContext(path, root, prefix, default_name(root)))
        object.__setattr__(self, "_ids", _ids(data, columns, self._where))

    def __len__(self) -> int:
        return len(self._data)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row, without reading an image."""
        if index >= len(self):
            raise IndexError(index)
        if self._ids is not None:
            return self._ids[index]
        return cell_ids([None] * len(self._columns.image), self._where, index)

    def __getitem__(self, index: int) -> Example:
        image_ids, path = self.keys(index), self._where.path
        cells = {column: values[0] for column, values in self._data[index].to_pydict().items()}
        return Example(
            id=f"{self._where.row_prefix}/{index}",
            images=cell_images([cells[column] for column in self._columns.image], self._where, index),
            image_ids=image_ids,
            text=self._columns.texts(cells, path=path, row=index),
            labels=add_answer(self._columns.annotations(cells, path=path, row=index, hidden=_HIDDEN)),
        )


def _names(data: Any, columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(columns) > 1:
        return columns  # one column per class
    column = columns[0]
    feature = data.features[column]
    return tuple(feature.names) if hasattr(feature, "names") else collect_class_names(_cells(data, column))


def first_rows(data: Any, count: int) -> list[dict[str, Any]]:
    """Returns the first rows as plain values, images as `{"bytes", "path"}`."""
    batches = data.with_format("arrow").iter(batch_size=count)
    rows: list[dict[str, Any]] = next((batch.to_pylist() for batch in batches), [])
    return rows


def _cells(data: Any, column: str) -> Iterator[object]:
    """Yields the cells of a small column, read in batches."""
    for batch in data.select_columns([column]).with_format("arrow").iter(batch_size=_BATCH):
        yield from batch.column(column).to_pylist()


def _ids(data: Any, columns: Columns, where: CellContext) -> tuple[tuple[str, ...], ...] | None:
    """Returns the image ids of all rows, read from the small columns alone; None where they are the row's number."""
    if columns.image_id:
        parts = zip(*(_cells(data, column) for column in columns.image_id_columns), strict=True)
        ids = (columns.formatted_id(dict(zip(columns.image_id_columns, part, strict=True))) for part in parts)
        return tuple((formatted or f"{where.row_prefix}/{row}",) for row, formatted in enumerate(ids))
    if all(_one_encoded(data.features[column]) for column in columns.image):
        return None
    found: list[tuple[str, ...]] = []
    for batch in data.select_columns(list(columns.image)).with_format("arrow").iter(batch_size=_BATCH):
        cells = [_paths(batch.column(column), data.features[column]) for column in columns.image]
        found += [cell_ids(list(row), where, len(found) + place) for place, row in enumerate(zip(*cells, strict=True))]
    return tuple(found)


def _one_encoded(feature: Any) -> bool:
    import datasets

    return isinstance(feature, datasets.Image) or getattr(feature, "dtype", "") in ("binary", "large_binary")


def _holds_images(feature: Any) -> bool:
    import datasets

    return isinstance(feature, datasets.List) and isinstance(feature.feature, datasets.Image)


def _paths(column: Any, feature: Any) -> list[object]:
    """Returns the paths of a column; of encoded images only their number, so that their bytes are not read."""
    from pyarrow import compute

    if _one_encoded(feature):
        return [None] * len(column)
    if _holds_images(feature):
        return [[None] * (length or 0) for length in compute.list_value_length(column).to_pylist()]
    cells: list[object] = column.to_pylist()
    return cells
