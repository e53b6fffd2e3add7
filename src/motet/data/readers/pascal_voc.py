"""Pascal VOC: `Annotations/*.xml`, `JPEGImages/` and the lists in `ImageSets/Main/`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from motet.core import ConfigError, DataError, Example, nearest
from motet.data.formats.boxes import FileBox, pack_boxes, to_box_set
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.paths import IMAGE_SUFFIXES, default_name, file_names, image_at, path_inside
from motet.data.formats.text_file import read_lines
from motet.data.formats.xml_file import integer_at, load_xml, number_at, text_at

VOC_NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
Difficult = Literal["crowd", "keep", "leave out"]


class _Thing(NamedTuple):
    name: str
    xyxy: tuple[float, float, float, float]
    difficult: bool


class _Annotation(NamedTuple):
    file: str
    size_hw: tuple[int, int] | None
    things: tuple[_Thing, ...]


@dataclass(frozen=True)
class PascalVoc:
    """Pascal VOC boxes, an Example an image; labels: "boxes", a `BoxSet` in pixels of the file.

    VOC counts pixels from 1 and means the first and the last pixel of a thing. A pixel x covers x - 1 to x here, so
    `xmin` 1, `xmax` 320 is the whole width of 320 pixels: 0.0 to 320.0. (Tools that count from 0 write such files too;
    their boxes then lie one pixel off to the left and top, and what leaves the image by it is cut.)

    Args:
        root: the folder with `Annotations/`, `JPEGImages/` and `ImageSets/Main/`.
        split: a list of `ImageSets/Main/` ("train", "trainval", ...), or a path to one; None for all annotations.
        names: the classes and their order; by default all that the annotations of the folder have, sorted, so that all
            splits agree. `VOC_NAMES` are the 20 published ones.
        difficult: what becomes of objects that are marked so: "crowd": neither learned from nor judged, as in VOC's own
            evaluation; "keep": like any other; "leave out".
        name: what ids start with; by default the folder's name and the split.
        image_prefix: what image ids start with; by default the folder's name.
        empty: whether images without boxes are rows.
        clip: cut boxes at the border, and leave out those that have no area then, instead of refusing them.

    Raises:
        DataError: no such folder or list, a list without images. What is wrong with an annotation or an image is
            raised when its row is read.
        ConfigError: another word for `difficult`.
    """

    root: Path | str
    split: Path | str | None = "train"
    names: tuple[str, ...] = ()
    difficult: Difficult = "crowd"
    name: str = ""
    image_prefix: str = ""
    empty: bool = True
    clip: bool = False
    _keys: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _known: tuple[_Annotation | DataError, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.difficult not in ("crowd", "keep", "leave out"):
            raise ConfigError(f"PascalVoc.difficult: got {self.difficult!r}; want 'crowd', 'keep' or 'leave out'")
        folder = Path(self.root) / "Annotations"
        every = [name.removesuffix(".xml") for name in file_names(folder) if name.endswith(".xml")]
        keys = every if self.split is None else _listed(self._split_file, folder)
        # Without names every annotation is read once here, not those of the split alone: a split may lack a class.
        read = {
            key: capture(_annotation, folder / f"{key}.xml") for key in dict.fromkeys((*keys, *self._others(every)))
        }
        kept = [key for key in keys if self.empty or self._counts(read[key])]
        if not kept:
            raise DataError("split: got no image; want at least one", path=self._split_file)
        object.__setattr__(self, "names", self.names or _all_names(read.values(), folder))
        object.__setattr__(self, "_keys", tuple(kept))
        object.__setattr__(self, "_known", tuple(read[key] for key in kept))

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row."""
        return (f"{self.image_prefix or default_name(Path(self.root))}/{self._keys[index]}",)

    def __getitem__(self, index: int) -> Example:
        key, known = self._keys[index], unwrap(self._known[index])
        path = Path(self.root) / "Annotations" / f"{key}.xml"
        file = image_at(self._image(key, known.file, path), path=path, row=key)
        size_hw = check_size(known.size_hw, file.path, path=path, row=key)
        given = [
            FileBox(thing.xyxy, self._label(thing, path, row), row, thing.difficult and self.difficult == "crowd")
            for row, thing in enumerate(known.things)
            if not (thing.difficult and self.difficult == "leave out")
        ]
        return Example(
            id=f"{self._prefix}/{key}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"boxes": to_box_set(pack_boxes(given), size_hw, clip=self.clip, path=path)},
        )

    @property
    def _split_file(self) -> Path:
        if self.split is None:
            return Path(self.root) / "Annotations"
        official = Path(self.root) / "ImageSets" / "Main" / f"{self.split}.txt"
        return official if isinstance(self.split, str) and not Path(self.split).is_file() else Path(self.split)

    @property
    def _prefix(self) -> str:
        part = "all" if self.split is None else Path(self.split).stem
        return self.name or f"{default_name(Path(self.root))}/{part}"

    def _others(self, every: list[str]) -> list[str]:
        return [] if self.names else every

    def _counts(self, known: _Annotation | DataError) -> bool:
        """Whether the row stays when images without boxes do not; a broken one does, to be raised when it is read."""
        if isinstance(known, DataError):
            return True
        return any(not (thing.difficult and self.difficult == "leave out") for thing in known.things)

    def _image(self, key: str, file: str, path: Path) -> Path:
        """The image: as the annotation calls it, or else as the annotation itself is called."""
        folder = Path(self.root) / "JPEGImages"
        named = folder / path_inside(folder, file, path=path, row=key) if file else folder / f"{key}.jpg"
        if named.is_file():
            return named
        beside = (folder / f"{key}{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        return next((place for place in beside if place.is_file()), named)

    def _label(self, thing: _Thing, path: Path, row: int) -> int:
        if thing.name not in self.names:
            hint = nearest(thing.name, self.names)
            raise DataError(f"name: got {thing.name!r}, a class without a name here; want one of names ({hint})",
                            path=path, row=row)  # fmt: skip
        return self.names.index(thing.name)


def _listed(path: Path, folder: Path) -> list[str]:
    """The keys of a list: one a line, in lists of one class with -1, 0 or 1 behind it (then those with 1 or 0)."""
    keys: list[str] = []
    for row, line in enumerate(read_lines(path)):
        cells = line.split()
        if not cells or (len(cells) == 2 and cells[1] == "-1"):
            continue
        if len(cells) > 2 or (len(cells) == 2 and cells[1] not in ("0", "1")):
            raise DataError(f"line: got {line[:60]!r}; want the name of an image", path=path, row=row)
        key = path_inside(folder, cells[0], path=path, row=row)
        keys.append(key)
    if len(set(keys)) != len(keys):
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise DataError(f"image: got {twice!r} twice; want every image once", path=path)
    return keys


def _all_names(known: Iterable[_Annotation | DataError], folder: Path) -> tuple[str, ...]:
    found = {thing.name for one in known if isinstance(one, _Annotation) for thing in one.things}
    if not found:
        raise DataError("names: got no object in any annotation; want at least one, or the classes", path=folder)
    return tuple(sorted(found))


def _annotation(path: Path) -> _Annotation:
    root = load_xml(path, "annotation")
    size = root.find("size")
    size_hw = None if size is None else (integer_at(size, "height", path=path), integer_at(size, "width", path=path))
    # Some tools leave the size at 0 x 0: they did not know it.
    size_hw = None if size_hw == (0, 0) else size_hw
    things = tuple(_thing(element, path, row) for row, element in enumerate(root.iterfind("object")))
    return _Annotation((root.findtext("filename") or "").strip(), size_hw, things)


def _thing(element: Element, path: Path, row: int) -> _Thing:
    name = text_at(element, "name", path=path, row=row)
    x0, y0, x1, y1 = (
        number_at(element, f"bndbox/{corner}", path=path, row=row) for corner in ("xmin", "ymin", "xmax", "ymax")
    )
    difficult = element.findtext("difficult")
    marked = False if difficult is None else integer_at(element, "difficult", path=path, row=row) != 0
    return _Thing(name, (x0 - 1, y0 - 1, x1, y1), marked)
