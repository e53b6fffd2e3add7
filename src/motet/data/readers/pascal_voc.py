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
from motet.data.formats.paths import default_name, file_names, image_at, is_file, path_inside
from motet.data.formats.text_file import read_lines
from motet.data.formats.xml_file import integer_at, load_xml, number_at, text_at
from motet.preprocess.image_formats import image_suffixes

VOC_NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
Difficult = Literal["crowd", "keep", "leave out"]


class _Object(NamedTuple):
    name: str
    xyxy: tuple[float, float, float, float]
    difficult: bool


class _Annotation(NamedTuple):
    file: str
    size_hw: tuple[int, int] | None
    objects: tuple[_Object, ...]


@dataclass(frozen=True)
class PascalVoc:
    """Pascal VOC boxes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the file.

    VOC counts pixels from 1 and stores the first and the last pixel of an object. A pixel x covers x - 1 to x here, so
    `xmin` 1, `xmax` 320 is the whole width of 320 pixels: 0.0 to 320.0. (Tools that count from 0 write such files too;
    their boxes are then one pixel too far to the left and top, and clipped where they leave the image.)

    Args:
        root: the folder with `Annotations/`, `JPEGImages/` and `ImageSets/Main/`.
        split: a list of `ImageSets/Main/` ("train", "trainval", ...), or a path to one; None for all annotations.
        names: the classes and their order; by default all of the annotations of the folder, sorted, so that all
            splits agree. `VOC_NAMES` are the 20 published ones.
        difficult: treatment of objects that are marked as difficult: "crowd": neither trained on nor evaluated, as in
            VOC's own evaluation; "keep": like any other object; "leave out": dropped.
        name: prefix of Example ids; by default the folder's name and the split.
        image_prefix: prefix of image ids; by default the folder's name.
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such folder or list, a list without images. An error within an annotation or an image
            raises when its row is read.
        ConfigError: an unknown value of `difficult`.
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
    _annotations: tuple[_Annotation | DataError, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.difficult not in ("crowd", "keep", "leave out"):
            raise ConfigError(f"PascalVoc.difficult: got {self.difficult!r}; want 'crowd', 'keep' or 'leave out'")
        folder = Path(self.root) / "Annotations"
        all_keys = [name.removesuffix(".xml") for name in file_names(folder) if name.endswith(".xml")]
        keys = all_keys if self.split is None else _listed(self._split_file, folder)
        # Without names every annotation is read here, not only those of the split, since a split may lack a class.
        read = {
            key: capture(_annotation, folder / f"{key}.xml") for key in dict.fromkeys((*keys, *self._others(all_keys)))
        }
        rows = [key for key in keys if self.empty or self._has_boxes(read[key])]
        if not rows:
            raise DataError("split: got no image; want at least one", path=self._split_file)
        object.__setattr__(self, "names", self.names or _all_names(read.values(), folder))
        object.__setattr__(self, "_keys", tuple(rows))
        object.__setattr__(self, "_annotations", tuple(read[key] for key in rows))

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.image_prefix or default_name(Path(self.root))}/{self._keys[index]}",)

    def __getitem__(self, index: int) -> Example:
        key, annotation = self._keys[index], unwrap(self._annotations[index])
        path = Path(self.root) / "Annotations" / f"{key}.xml"
        file = image_at(self._image(key, annotation.file, path), path=path, row=key)
        size_hw = check_size(annotation.size_hw, file.path, path=path, row=key)
        boxes = [
            FileBox(item.xyxy, self._label(item, path, row), row, item.difficult and self.difficult == "crowd")
            for row, item in enumerate(annotation.objects)
            if not (item.difficult and self.difficult == "leave out")
        ]
        return Example(
            id=f"{self._prefix}/{key}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"boxes": to_box_set(pack_boxes(boxes), size_hw, clip=self.clip, path=path)},
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

    def _others(self, all_keys: list[str]) -> list[str]:
        return [] if self.names else all_keys

    def _has_boxes(self, annotation: _Annotation | DataError) -> bool:
        """Returns True for a row with boxes, and for a broken row, whose error raises when it is read."""
        if isinstance(annotation, DataError):
            return True
        return any(not (item.difficult and self.difficult == "leave out") for item in annotation.objects)

    def _image(self, key: str, file: str, path: Path) -> Path:
        """Returns the image file by the name in the annotation, or else by the name of the annotation."""
        folder = Path(self.root) / "JPEGImages"
        named = folder / path_inside(folder, file, path=path, row=key) if file else folder / f"{key}.jpg"
        if is_file(named):
            return named
        candidates = (folder / f"{key}{suffix}" for suffix in sorted(image_suffixes()))
        return next((place for place in candidates if is_file(place)), named)

    def _label(self, item: _Object, path: Path, row: int) -> int:
        if item.name not in self.names:
            hint = nearest(item.name, self.names)
            raise DataError(f"name: got {item.name!r}, a class that names lacks; want one of names ({hint})",
                            path=path, row=row)  # fmt: skip
        return self.names.index(item.name)


def _listed(path: Path, folder: Path) -> list[str]:
    """Returns the keys of a list, one per line; a list of one class adds -1, 0 or 1, of which -1 is skipped."""
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
    found = {item.name for one in known if isinstance(one, _Annotation) for item in one.objects}
    if not found:
        raise DataError("names: got no object in any annotation; want at least one, or the classes", path=folder)
    return tuple(sorted(found))


def _annotation(path: Path) -> _Annotation:
    root = load_xml(path, "annotation")
    size = root.find("size")
    size_hw = None if size is None else (integer_at(size, "height", path=path), integer_at(size, "width", path=path))
    # Some tools write 0 x 0 for an unknown size.
    size_hw = None if size_hw == (0, 0) else size_hw
    objects = tuple(_object(element, path, row) for row, element in enumerate(root.iterfind("object")))
    return _Annotation((root.findtext("filename") or "").strip(), size_hw, objects)


def _object(element: Element, path: Path, row: int) -> _Object:
    name = text_at(element, "name", path=path, row=row)
    x0, y0, x1, y1 = (
        number_at(element, f"bndbox/{corner}", path=path, row=row) for corner in ("xmin", "ymin", "xmax", "ymax")
    )
    difficult = element.findtext("difficult")
    is_difficult = False if difficult is None else integer_at(element, "difficult", path=path, row=row) != 0
    return _Object(name, (x0 - 1, y0 - 1, x1, y1), is_difficult)
