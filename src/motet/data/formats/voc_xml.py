"""Boxes as XML in the form of Pascal VOC, which LabelImg, Roboflow and many others write: one file per image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from motet.core import BoxSet, DataError, nearest
from motet.data.formats.boxes import FileBox, pack_boxes, to_box_set
from motet.data.formats.paths import path_inside
from motet.data.formats.text_file import read_lines
from motet.data.formats.xml_file import integer_at, load_xml, number_at, text_at

Difficult = Literal["crowd", "keep", "leave out"]
DIFFICULT: tuple[Difficult, ...] = ("crowd", "keep", "leave out")


class VocObject(NamedTuple):
    """One object: its class, its corners as `FileBox.xyxy`, and whether the file calls it difficult."""

    name: str
    xyxy: tuple[float, float, float, float]
    difficult: bool


class VocAnnotation(NamedTuple):
    """The content of a file.

    Args:
        file: the name of the image in it; "" without one.
        size_hw: height and width of the image; None where the file does not state them.
        objects: in their order.
    """

    file: str
    size_hw: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def read_voc_xml(path: Path) -> VocAnnotation:
    """Reads a file.

    VOC counts pixels from 1 and stores the first and the last pixel of an object. A pixel x covers x - 1 to x here, so
    `xmin` 1, `xmax` 320 is the whole width of 320 pixels: 0.0 to 320.0. Tools that count from 0 write such files too;
    their boxes are then one pixel too far to the left and top, and clipped where they leave the image.

    Raises:
        DataError: not such XML, or an object without its name or corners; it names the object.
    """
    root = load_xml(path, "annotation")
    size = root.find("size")
    size_hw = None if size is None else (integer_at(size, "height", path=path), integer_at(size, "width", path=path))
    # Some tools write 0 x 0 for an unknown size.
    size_hw = None if size_hw == (0, 0) else size_hw
    objects = tuple(_object(element, path, row) for row, element in enumerate(root.iterfind("object")))
    return VocAnnotation((root.findtext("filename") or "").strip(), size_hw, objects)


def _object(element: Element, path: Path, row: int) -> VocObject:
    name = text_at(element, "name", path=path, row=row)
    x0, y0, x1, y1 = (
        number_at(element, f"bndbox/{corner}", path=path, row=row) for corner in ("xmin", "ymin", "xmax", "ymax")
    )
    difficult = (element.findtext("difficult") or "").strip()
    is_difficult = bool(difficult) and integer_at(element, "difficult", path=path, row=row) != 0
    return VocObject(name, (x0 - 1, y0 - 1, x1, y1), is_difficult)


def voc_names(annotations: Iterable[VocAnnotation | DataError], folder: Path) -> tuple[str, ...]:
    """Returns the classes of all annotations, sorted; those that cannot be read have none.

    Raises:
        DataError: there is no object in any of them.
    """
    found = {item.name for one in annotations if isinstance(one, VocAnnotation) for item in one.objects}
    if not found:
        raise DataError("names: got no object in any annotation; want at least one, or the classes", path=folder)
    return tuple(sorted(found))


def has_boxes(annotation: VocAnnotation | DataError, difficult: Difficult) -> bool:
    """Returns True for an annotation with boxes, and for a broken one, whose error raises when its row is read."""
    if isinstance(annotation, DataError):
        return True
    return any(not (item.difficult and difficult == "leave out") for item in annotation.objects)


def voc_boxes(
    annotation: VocAnnotation,
    size_hw: tuple[int, int],
    names: Sequence[str],
    difficult: Difficult,
    *,
    clip: bool,
    path: Path,
) -> BoxSet:
    """Returns the boxes of an annotation.

    Args:
        annotation: of the image.
        size_hw: height and width of the image.
        names: the classes.
        difficult: treatment of objects that are marked as difficult: "crowd": neither trained on nor evaluated, as in
            VOC's own evaluation; "keep": like any other object; "leave out": dropped.
        clip: see `to_box_set`.
        path: the file, for errors.

    Raises:
        DataError: a class that names lacks, or a wrong box, see `to_box_set`.
    """
    boxes = [
        FileBox(item.xyxy, _label(item, names, path, row), row, item.difficult and difficult == "crowd")
        for row, item in enumerate(annotation.objects)
        if not (item.difficult and difficult == "leave out")
    ]
    return to_box_set(pack_boxes(boxes), size_hw, clip=clip, path=path)


def _label(item: VocObject, names: Sequence[str], path: Path, row: int) -> int:
    if item.name not in names:
        hint = nearest(item.name, names)
        raise DataError(f"name: got {item.name!r}, a class that names lacks; want one of names ({hint})",
                        path=path, row=row)  # fmt: skip
    return names.index(item.name)


def read_voc_list(path: Path, folder: Path) -> list[str]:
    """Returns the keys of a list, one per line; a list of one class adds -1, 0 or 1, of which -1 is skipped.

    Args:
        path: the list.
        folder: of the annotations.

    Raises:
        DataError: another line, a key that leads out of the folder, or one that occurs twice.
    """
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
