"""Visual Genome objects and their attributes: `objects.json`, `attributes.json`, and a vocabulary of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import ConfigError, DataError, Example
from motet.data.formats.boxes import FileBox, PackedBoxes, pack_boxes, to_box_set
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.json_file import check_type, get_field, get_id, get_number, load_json
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import image_at
from motet.data.formats.text_file import read_lines
from motet.data.formats.visual_genome import VisualGenomeIds, visual_genome_file

MAX_ATTRIBUTES = 16  # per box, as in the training of bottom-up attention


class _Row(NamedTuple):
    image: int
    entry: int
    boxes: PackedBoxes | DataError


@dataclass(frozen=True)
class VisualGenomeObjects:
    """Visual Genome boxes with attributes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the file.

    There are 80,000 names of objects. An object with a name in the vocabulary is kept under the first such name, with
    at most 16 different attributes of the vocabulary of attributes; other objects and attributes are dropped, as in
    bottom-up attention (Anderson et al. 2018), whose lists (1,600 objects, 400 attributes) are the usual ones.

    Args:
        objects: `objects.json`.
        images: the folder that holds `VG_100K/` and `VG_100K_2/`, or the images themselves.
        attributes: `attributes.json`; None for boxes without attributes.
        objects_vocab: one name per line, with synonyms after commas (`objects_vocab.txt`); None for the `num_names`
            most frequent names of the file.
        attributes_vocab: the same for attributes.
        num_names: number of names, where there is no vocabulary.
        num_attributes: number of attributes, where there is no vocabulary.
        split: a list of images: numbers or paths, one per line, of which the first word is read (`train.txt` of
            bottom-up attention: "VG_100K/713545.jpg xml/713545.xml"); None for all images.
        image_data: `image_data.json`. With it, images that are also in COCO get COCO's id, so that a clean split sees
            that they are the same (half of Visual Genome is).
        name: prefix of Example ids; by default "vg/objects".
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them. Many boxes of
            Visual Genome exceed it, so this is the default here.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type, an image or an object's id that occurs twice,
            a vocabulary without words. An error within a box raises when its row is read.
        ConfigError: fewer than one name.
    """

    objects: Path | str
    images: Path | str
    attributes: Path | str | None = None
    objects_vocab: Path | str | None = None
    attributes_vocab: Path | str | None = None
    num_names: int = 1600
    num_attributes: int = 400
    split: Path | str | None = None
    image_data: Path | str | None = None
    name: str = "vg/objects"
    empty: bool = True
    clip: bool = True
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    attribute_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _ids: VisualGenomeIds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.num_names < 1 or self.num_attributes < 1:
            got = f"{self.num_names}, {self.num_attributes}"
            raise ConfigError(f"VisualGenomeObjects.num_names, num_attributes: got {got}; want at least one of each")
        path = Path(self.objects)
        entries = _by_image(path)
        known = {} if self.attributes is None else _attributes(Path(self.attributes))
        names = _vocabulary(self.objects_vocab, self.num_names, _all_names(entries, path))
        attributes = _vocabulary(
            self.attributes_vocab, self.num_attributes, (a for each in known.values() for a in each)
        )
        chosen = entries if self.split is None else _split_entries(Path(self.split), entries)
        rows = [
            _Row(image, entry, capture(_boxes, value, entry, path, names, attributes, known))
            for image, (entry, value) in chosen.items()
        ]
        if not self.empty:
            rows = [row for row in rows if isinstance(row.boxes, DataError) or len(row.boxes)]
        if not rows or not names:
            raise DataError(
                f"objects: got {len(rows)} images, {len(names)} names; want at least one of each", path=path
            )
        object.__setattr__(self, "names", _in_order(names))
        object.__setattr__(self, "attribute_names", _in_order(attributes))
        object.__setattr__(self, "_rows", tuple(rows))
        object.__setattr__(self, "_ids", VisualGenomeIds.load(self.image_data))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (self._ids.image_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.objects)
        boxes = unwrap(row.boxes)
        file = image_at(visual_genome_file(Path(self.images), row.image), path=path, row=row.entry)
        found = to_box_set(boxes, image_size_hw(file.path), clip=self.clip, path=path)
        return Example(
            id=f"{self.name}/{row.image}", images=(file,), image_ids=self.keys(index), labels={"boxes": found}
        )


def _by_image(path: Path) -> dict[int, tuple[int, object]]:
    """Returns the row and the entry of each image."""
    found: dict[int, tuple[int, object]] = {}
    for row, entry in enumerate(check_type(load_json(path), list, "file", path=path)):
        mapping = check_type(entry, dict, "entry", path=path, row=row)
        key = "image_id" if "image_id" in mapping else "id"  # release 1.0 has "id"
        image = get_number(mapping, key, path=path, row=row)
        if image in found:
            raise DataError(f"{key}: got {image} twice; want every image once", path=path, row=row)
        found[image] = (row, entry)
    return found


def _attributes(path: Path) -> dict[str, tuple[str, ...]]:
    """Returns the attributes of each object, each once, in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    shared: dict[str, str] = {}  # one string for each word: "white" occurs a hundred thousand times
    for row, entry in _by_image(path).values():
        for place, thing in enumerate(get_field(entry, "attributes", list, path=path, row=row)):
            location = f"{row}.attributes.{place}"
            mapping = check_type(thing, dict, "attributes", path=path, row=location)
            words = _words(mapping.get("attributes") or [], path, location)
            if words:
                key = _object_id(mapping, path, location)
                both = dict.fromkeys((*found.get(key, ()), *(shared.setdefault(word, word) for word in words)))
                found[key] = tuple(both)
    return found


def _all_names(entries: Mapping[int, tuple[int, object]], path: Path) -> Iterable[str]:
    for row, entry in entries.values():
        for place, thing in enumerate(get_field(entry, "objects", list, path=path, row=row)):
            yield from _names(thing, path, f"{row}.objects.{place}")


def _names(thing: object, path: Path, location: str) -> list[str]:
    mapping = check_type(thing, dict, "object", path=path, row=location)
    if "names" not in mapping and isinstance(mapping.get("name"), str):
        return _words([mapping["name"]], path, location)
    return _words(get_field(mapping, "names", list, path=path, row=location), path, location)


def _words(words: object, path: Path, location: str) -> list[str]:
    several = check_type(words, list, "names", path=path, row=location)
    return [" ".join(check_type(word, str, "name", path=path, row=location).lower().split()) for word in several]


def _object_id(thing: object, path: Path, location: str) -> str:
    mapping = check_type(thing, dict, "object", path=path, row=location)
    return get_id(mapping, "object_id" if "object_id" in mapping else "id", path=path, row=location)


def _vocabulary(file: Path | str | None, max_words: int, words: Iterable[str]) -> dict[str, int]:
    """Returns the index of each word; synonyms share one."""
    if file is None:
        counts = Counter(word for word in words if word)
        frequent = sorted(counts, key=lambda word: (-counts[word], word))[:max_words]
        return {word: index for index, word in enumerate(frequent)}
    path = Path(file)
    found: dict[str, int] = {}
    lines = [line for line in read_lines(path) if line.strip()]
    for row, line in enumerate(lines):
        for word in (" ".join(word.lower().split()) for word in line.split(",")):
            if not word:
                raise DataError(f"vocabulary: got {line[:60]!r}; want words between commas", path=path, row=row)
            if found.setdefault(word, row) != row:
                raise DataError(f"vocabulary: got {word!r} in two lines; want it in one", path=path, row=row)
    if not lines:
        raise DataError("vocabulary: got no word; want at least one", path=path)
    return found


def _in_order(vocabulary: Mapping[str, int]) -> tuple[str, ...]:
    """Returns the first word of each index."""
    first: dict[int, str] = {}
    for word, index in vocabulary.items():
        first.setdefault(index, word)
    return tuple(first[index] for index in sorted(first))


def _split_entries(split: Path, entries: Mapping[int, tuple[int, object]]) -> dict[int, tuple[int, object]]:
    found: dict[int, tuple[int, object]] = {}
    for row, line in enumerate(read_lines(split)):
        if not line.strip():
            continue
        stem = Path(line.split()[0]).stem
        if not (is_number(stem) and int(stem) in entries):
            raise DataError(f"image: got {line[:60]!r}; want the number of an image with objects", path=split, row=row)
        if int(stem) in found:
            raise DataError(f"image: got {stem} twice; want every image once", path=split, row=row)
        found[int(stem)] = entries[int(stem)]
    return found


def _boxes(
    entry: object,
    row: int,
    path: Path,
    names: Mapping[str, int],
    attributes: Mapping[str, int],
    known: Mapping[str, Sequence[str]],
) -> PackedBoxes:
    boxes: list[FileBox] = []
    for place, thing in enumerate(get_field(entry, "objects", list, path=path, row=row)):
        location = f"{row}.objects.{place}"
        label = next((names[name] for name in _names(thing, path, location) if name in names), None)
        if label is None:
            continue
        x, y, width, height = (get_field(thing, key, float, path=path, row=location) for key in ("x", "y", "w", "h"))
        words = known.get(_object_id(thing, path, location), ()) if known else ()
        found = tuple(dict.fromkeys(attributes[word] for word in words if word in attributes))[:MAX_ATTRIBUTES]
        boxes.append(FileBox((x, y, x + width, y + height), label, location, attributes=found))
    return pack_boxes(boxes)
