"""WebDataset shards: plain tars in which the members of a row share their name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from motet.core import ConfigError, DataError, DiskImage, Example
from motet.data.formats.columns import Columns, Names, add_answer, collect_class_names, make_columns
from motet.data.formats.json_file import parse_json, short_repr
from motet.data.formats.paths import default_name, file_names
from motet.data.formats.tar_index import Members, TarRows, tar_rows
from motet.preprocess.image_formats import image_suffixes

_JSON = "json"


class _Row(NamedTuple):
    shard: int
    key: str
    members: Members


@dataclass(frozen=True)
class WebDataset:
    """Rows of one or several plain tars, read in any order through an index of their members.

    A column of the mapping is an ending ("txt", "cls", "caption.txt") or a key of the row's JSON ("json.question");
    `Table` describes the labels.

    Args:
        tars: a tar, several, or a folder of them in the order of their names. Compressed ones are refused.
        image: the ending of the image ("jpg"); by default the first member that is an image, if there is one.
        text: the column of the question or sentence; several for a pair.
        labels: annotation -> column, or columns, as for `Table`; `{"class": "cls"}`, `{"captions": "txt"}`.
        index: the folder of the cached indexes; by default that of the tars. The index of a tar that has changed is
            renewed.
        image_id: the id of an image over all data sets, as a format over the row's key: "coco/{key}"; by default the
            shard and the key.
        names: the classes and their order; by default all in "cls". Needed where "class" is a key of the JSON.
        separator: the text between several texts in one member.
        name: prefix of Example ids; by default the folder's name.

    Raises:
        DataError: no such file, a tar that is compressed or broken, or one without rows. A row that lacks a member, or
            has broken JSON, raises when it is read.
        ConfigError: an impossible mapping.
    """

    tars: Path | str | tuple[Path | str, ...]
    image: str = ""
    text: Names = ()
    labels: Mapping[str, Names] = field(default_factory=dict)
    index: Path | str | None = None
    image_id: str = ""
    names: tuple[str, ...] = ()
    separator: str = ""
    name: str = ""
    _columns: Columns = field(init=False, repr=False, compare=False)
    _shards: tuple[Path, ...] = field(init=False, repr=False, compare=False)
    _tables: tuple[TarRows, ...] = field(init=False, repr=False, compare=False)
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = make_columns(
            image=self.image, text=self.text, labels=self.labels, image_id=self.image_id, separator=self.separator,
            names=self.names,
        )  # fmt: skip
        if columns.image_id_columns not in ((), ("key",)):
            raise ConfigError(f"WebDataset.image_id: got {self.image_id!r}; want a format over the key, 'coco/{{key}}'")
        shards = _shards(self.tars)
        folder = None if self.index is None else Path(self.index)
        tables = tuple(tar_rows(path, folder) for path in shards)
        if not any(tables):
            raise DataError("tar: got no rows; want members such as 000.jpg and 000.txt", path=shards[0])
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "_shards", shards)
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "_ends", tuple(accumulate(len(table) for table in tables)))
        if "class" in columns.labels and not columns.names:
            object.__setattr__(self, "names", self._all_classes(columns.labels["class"][0]))
            object.__setattr__(self, "_columns", replace(columns, names=self.names))

    def __len__(self) -> int:
        return self._ends[-1]

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        shard, place = self._find(index)
        table = self._tables[shard]
        if not self._image_ending(table.endings_of(place)):
            return ()
        key = table.keys[place]
        return (self._columns.formatted_id({"key": key}) or self._id(shard, key),)

    def __getitem__(self, index: int) -> Example:
        row = self._row(*self._find(index))
        path, columns = self._shards[row.shard], self._columns
        cells = dict(self._cells(row))
        return Example(
            id=self._id(row.shard, row.key),
            images=self._images(row),
            image_ids=self.keys(index),
            text=columns.texts(cells, path=path, row=row.key),
            labels=add_answer(columns.annotations(cells, path=path, row=row.key)),
        )

    @cached_property
    def _prefix(self) -> str:
        return self.name or default_name(self._shards[0].parent)

    def _find(self, index: int) -> tuple[int, int]:
        """Returns the shard of a row and its place there."""
        index = range(self._ends[-1])[index]
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard - 1] if shard else 0)

    def _row(self, shard: int, place: int) -> _Row:
        return _Row(shard, *self._tables[shard][place])

    def _id(self, shard: int, key: str) -> str:
        return f"{self._prefix}/{self._stems[shard]}/{key}"

    @cached_property
    def _stems(self) -> tuple[str, ...]:
        return tuple(path.stem for path in self._shards)

    def _image_ending(self, endings: Iterable[str]) -> str:
        if self.image:
            return self.image.lower()
        return next((ending for ending in endings if f".{ending.rpartition('.')[2]}" in image_suffixes()), "")

    def _images(self, row: _Row) -> tuple[DiskImage, ...]:
        ending, path = self._image_ending(row.members), self._shards[row.shard]
        if not ending:
            return ()
        if ending not in row.members:
            raise DataError(f"image: got {sorted(row.members)}; want a member .{ending}", path=path, row=row.key)
        return (DiskImage(path, *row.members[ending]),)

    def _cells(self, row: _Row) -> Iterator[tuple[str, Any]]:
        """Yields the mapped columns of a row; its JSON is parsed once."""
        content: Any = None
        for column in self._columns.all_columns:
            if column == self.image or column in self._columns.image_id_columns:
                continue
            if column.startswith(f"{_JSON}."):
                content = self._json(row) if content is None else content
                yield column, content.get(column.removeprefix(f"{_JSON}."))
            else:
                yield column, self._text(row, column).strip()

    def _json(self, row: _Row) -> dict[str, Any]:
        path = self._shards[row.shard]
        value = parse_json(self._text(row, _JSON), path=path, row=row.key)
        if not isinstance(value, dict):
            raise DataError(f"json: got {short_repr(value)}; want an object", path=path, row=row.key)
        return value

    def _text(self, row: _Row, ending: str) -> str:
        path = self._shards[row.shard]
        if ending not in row.members:
            raise DataError(f"{ending}: got {sorted(row.members)}; want a member .{ending}", path=path, row=row.key)
        try:
            return DiskImage(path, *row.members[ending]).read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{ending}: got bytes that are not UTF-8; want text", path=path, row=row.key) from error

    def _all_classes(self, column: str) -> tuple[str, ...]:
        if column.startswith(f"{_JSON}."):
            raise ConfigError(f"WebDataset.names: got none for the class in {column!r}; want the classes, in order")
        rows = (self._row(*self._find(index)) for index in range(len(self)))
        return collect_class_names(self._text(row, column).strip() for row in rows if column in row.members)


def _shards(tars: Path | str | tuple[Path | str, ...]) -> tuple[Path, ...]:
    tars = tars if isinstance(tars, tuple) else (tars,)
    if not tars:
        raise ConfigError("WebDataset.tars: got none; want at least one")
    paths: list[Path] = []
    for path in map(Path, tars):
        if not path.is_dir():
            paths.append(path)
            continue
        inside = [path / name for name in file_names(path) if name.endswith(".tar")]
        if not inside:
            raise DataError("tars: got a folder without .tar files; want at least one", path=path)
        paths += inside
    if len({path.stem for path in paths}) != len(paths):
        raise ConfigError(
            f"WebDataset.tars: got two tars of one name among {[path.name for path in paths]}; want different names"
        )
    return tuple(paths)
