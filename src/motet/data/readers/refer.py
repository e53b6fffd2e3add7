"""RefCOCO, RefCOCO+ and RefCOCOg: `refs(unc).p` and `instances.json`, expressions for one object of a photo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example, nearest
from motet.core.plain_pickle import read_plain
from motet.data.formats.candidates import Candidate, get_corners, referred_candidates
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.json_file import check_type, get_field, get_number, get_size_hw, get_text, load_json, short_repr
from motet.data.formats.paths import coco_id, image_at, path_inside
from motet.data.formats.text_file import read_bytes

_OFFICIAL = re.compile(r"refs\((\w+)\)\.\w+")


class _Image(NamedTuple):
    file: str
    size_hw: tuple[int, int] | None
    boxes: tuple[Candidate, ...]


class _Row(NamedTuple):
    key: str
    image: int
    box_id: str
    text: str | DataError
    entry: int


@dataclass(frozen=True)
class ReferCoco:
    """RefCOCO, RefCOCO+ or RefCOCOg, one Example per expression; labels: "region" (its box), "match" (its index).

    The candidates are the boxes of all objects of the photo in `instances.json`. "match" is the set with the index of
    the target; "region" is its box, (x0, y0, x1, y1) in pixels of the file.

    The pickle is read as plain data only: one that needs anything else is refused, and nothing of it is run.

    Args:
        refs: `refs(unc).p`, `refs(google).p`, `refs(umd).p`, or the same list as JSON.
        instances: `instances.json` of the same folder.
        images: the folder `train2014/`.
        split: the part: "train", "val", "test", "testA", "testB"; "" for all.
        name: prefix of Example ids; by default "refcoco/unc", from folder and file.

    Raises:
        DataError: no such file, a broken or a malicious pickle, a missing key, an id that occurs twice, a part
            without an expression. An expression of an unknown box, an empty one, and a box outside its photo are
            raised when the row is read.
    """

    refs: Path | str
    instances: Path | str
    images: Path | str
    split: str = ""
    name: str = ""
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _images: Mapping[int, _Image] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.refs)
        images = _images(Path(self.instances), Path(self.images))
        entries = _entries(path)
        rows = tuple(_rows(entries, path, self.split))
        if not rows:
            parts = {str(entry.get("split")) for entry in entries if isinstance(entry, dict)}
            hint = nearest(self.split, parts)
            raise DataError(
                f"refs: got no expression of the part {self.split!r}; want at least one ({hint})", path=path
            )
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_images", images)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is COCO's."""
        return (coco_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.refs)
        text = unwrap(row.text)
        if row.image not in self._images:
            raise DataError(
                f"image_id: got {row.image}; want the id of an image of {self.instances}", path=path, row=row.entry
            )
        image = self._images[row.image]
        file = image_at(Path(self.images) / image.file, path=path, row=row.entry)
        size_hw = check_size(image.size_hw, file.path, path=Path(self.instances), row=row.image)
        boxes, target = referred_candidates(image.boxes, row.box_id, size_hw, path=path, row=row.entry)
        return Example(
            id=f"{self._prefix()}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            text=text,
            candidates=boxes,
            labels={"region": boxes[target], "match": frozenset({target})},
        )

    def _prefix(self) -> str:
        path = Path(self.refs)
        found = _OFFICIAL.fullmatch(path.name)
        return self.name or f"{path.absolute().parent.name}/{found[1] if found else path.stem}"


def _entries(path: Path) -> list[object]:
    data = load_json(path) if path.name.endswith((".json", ".json.gz")) else read_plain(read_bytes(path), path=path)
    return check_type(data, list, "refs", path=path)


def _rows(entries: list[object], path: Path, split: str) -> Iterator[_Row]:
    known: set[str] = set()
    for entry, ref in enumerate(entries):
        ref_split = get_field(ref, "split", str, path=path, row=entry)
        if split and ref_split != split:
            continue
        key = str(get_number(ref, "ref_id", path=path, row=entry))
        image, box = (get_number(ref, name, path=path, row=entry) for name in ("image_id", "ann_id"))
        for sentence in get_field(ref, "sentences", list, path=path, row=entry):
            row_key = f"{ref_split}/{key}/{get_number(sentence, 'sent_id', path=path, row=entry)}"
            if row_key in known:
                raise DataError(f"sent_id: got {row_key} twice; want every id once", path=path, row=entry)
            known.add(row_key)
            yield _Row(row_key, image, str(box), capture(get_text, sentence, "sent", path=path, row=entry), entry)


def _images(path: Path, folder: Path) -> dict[int, _Image]:
    data = load_json(path)
    boxes: dict[int, list[Candidate]] = {}
    for row, entry in enumerate(get_field(data, "annotations", list, path=path)):
        image, key = get_number(entry, "image_id", path=path, row=row), get_number(entry, "id", path=path, row=row)
        boxes.setdefault(image, []).append(Candidate(str(key), get_corners(entry, "bbox", path=path, row=row)))
    found: dict[int, _Image] = {}
    for row, entry in enumerate(get_field(data, "images", list, path=path)):
        key = get_number(entry, "id", path=path, row=row)
        file = path_inside(folder, get_field(entry, "file_name", str, path=path, row=row), path=path, row=row)
        size_hw = get_size_hw(entry, path=path, row=row)
        found[key] = _Image(file, size_hw, tuple(boxes.get(key, ())))
    if not found:
        raise DataError(f"images: got {short_repr(data)}; want at least one image", path=path)
    return found
