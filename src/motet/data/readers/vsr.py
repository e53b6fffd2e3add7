"""VSR: sentences about where things are, true or false of a COCO photo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.json_file import get_field, get_text, load_json_lines, short_repr
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import default_name, image_at, is_file, path_inside, photo_id
from motet.data.formats.statements import TRUE_FALSE_NAMES


class _Statement(NamedTuple):
    sentence: str
    label: int
    relation: str


class _Row(NamedTuple):
    file: str
    folder: str
    statement: _Statement | DataError
    entry: int


@dataclass(frozen=True)
class Vsr:
    """Visual Spatial Reasoning, one Example per sentence; labels: "class" (0 false, 1 true), "relation" ("behind").

    Args:
        sentences: `all_vsr_validated_data.jsonl`, or `train.jsonl`, `dev.jsonl`, `test.jsonl` of a split: `image`,
            `image_link`, `caption`, `label`, `relation`.
        images: the folder of the photos, or one that holds COCO's `train2017/` and `val2017/`, which the link names.
        name: prefix of Example ids; by default from the file's name and its folder's.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, no row. An empty sentence and another label
            raise when the row is read.
    """

    sentences: Path | str
    images: Path | str
    name: str = ""
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.sentences)
        rows = tuple(_rows(path, Path(self.images)))
        if not rows:
            raise DataError("file: got no sentence; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return TRUE_FALSE_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is COCO's."""
        name = Path(self._rows[index].file).name
        stem = name.rpartition(".")[0]
        return (f"coco/{int(stem)}" if is_number(stem) else photo_id(name),)

    def __getitem__(self, index: int) -> Example:
        row, path, folder = self._rows[index], Path(self.sentences), Path(self.images)
        statement = unwrap(row.statement)
        places = [folder / row.file, *([folder / row.folder / row.file] if row.folder else [])]
        file = next((place for place in places if is_file(place)), places[-1])
        return Example(
            id=f"{self.name or default_name(path)}/{row.entry}",
            images=(image_at(file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=statement.sentence,
            labels={"class": statement.label, "relation": statement.relation},
        )


def _rows(path: Path, folder: Path) -> Iterator[_Row]:
    for entry, line in enumerate(load_json_lines(path)):
        file = path_inside(folder, get_field(line, "image", str, path=path, row=entry), path=path, row=entry)
        link = str(line.get("image_link", "")).split("/")
        split = link[-2] if len(link) > 1 and link[-2] in ("train2017", "val2017") else ""
        yield _Row(file, split, capture(_statement, line, path, entry), entry)


def _statement(line: object, path: Path, row: int) -> _Statement:
    label = get_field(line, "label", int, path=path, row=row)
    if label not in (0, 1):
        raise DataError(f"label: got {short_repr(label)}; want 0 for false or 1 for true", path=path, row=row)
    sentence = get_text(line, "caption", path=path, row=row)
    return _Statement(sentence, label, get_field(line, "relation", str, path=path, row=row))
