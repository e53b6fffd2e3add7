"""VSR: is what a sentence says of where things are true of a COCO photo?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import hold, release
from motet.data.formats.json_file import field, load_json_lines, short_repr, words
from motet.data.formats.paths import image_at, inside, photo_id, place_name
from motet.data.readers.nlvr import TRUTH_NAMES


class _Row(NamedTuple):
    file: str
    folder: str
    said: tuple[str, int, str] | DataError
    entry: int


@dataclass(frozen=True)
class Vsr:
    """Visual Spatial Reasoning, an Example a sentence; labels: "class" (0 false, 1 true), "relation" ("behind").

    Args:
        sentences: `all_vsr_validated_data.jsonl`, or `train.jsonl`, `dev.jsonl`, `test.jsonl` of a split: `image`,
            `image_link`, `caption`, `label`, `relation`.
        images: the folder of the photos, or one that holds COCO's `train2017/` and `val2017/`, which the link names.
        name: what ids start with; by default from the file's name and its folder's.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, no row. An empty sentence and another label are
            raised when the row is read.
    """

    sentences: Path | str
    images: Path | str
    name: str = ""
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.sentences)
        rows = tuple(_rows(path, Path(self.images)))
        if not rows:
            raise DataError("file: got no sentence; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)

    @property
    def names(self) -> tuple[str, ...]:
        """What "class" is an index of."""
        return TRUTH_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row: COCO's."""
        name = Path(self._rows[index].file).name
        stem = name.rpartition(".")[0]
        return (f"coco/{int(stem)}" if stem.isascii() and stem.isdigit() else photo_id(name),)

    def __getitem__(self, index: int) -> Example:
        row, path, folder = self._rows[index], Path(self.sentences), Path(self.images)
        text, annotation, relation = release(row.said)
        places = [folder / row.file, *([folder / row.folder / row.file] if row.folder else [])]
        file = next((place for place in places if place.is_file()), places[-1])
        return Example(
            id=f"{self.name or place_name(path)}/{row.entry}",
            images=(image_at(file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=text,
            labels={"class": annotation, "relation": relation},
        )


def _rows(path: Path, folder: Path) -> Iterator[_Row]:
    for entry, line in enumerate(load_json_lines(path)):
        file = inside(folder, field(line, "image", str, path=path, row=entry), path=path, row=entry)
        link = str(line.get("image_link", "")).split("/")
        named = link[-2] if len(link) > 1 and link[-2] in ("train2017", "val2017") else ""
        yield _Row(file, named, hold(_said, line, path, entry), entry)


def _said(line: object, path: Path, row: int) -> tuple[str, int, str]:
    label = field(line, "label", int, path=path, row=row)
    if label not in (0, 1):
        raise DataError(f"label: got {short_repr(label)}; want 0 for false or 1 for true", path=path, row=row)
    text = words(line, "caption", path=path, row=row)
    return text, label, field(line, "relation", str, path=path, row=row)
