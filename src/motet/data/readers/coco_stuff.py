"""COCO-Stuff: COCO images with one PNG of class numbers per image."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import Example
from motet.data.class_names.coco_stuff import COCO_STUFF_NAMES
from motet.data.formats.map_files import ClassMap, class_table
from motet.data.formats.map_rows import MapRow, image_names, map_example
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import coco_id

_CLASSES = class_table({number: number for number in range(len(COCO_STUFF_NAMES))}, invalid=(255,))


@dataclass(frozen=True)
class CocoStuff:
    """COCO images with the pixel maps of COCO-Stuff; labels: "segmentation", 182 classes, where 255 is invalid.

    The numbers 0 to 181 are the published ids 1 to 182 minus one, including the unused ids of things.

    Args:
        images: the folder of images, such as `train2017`.
        labels: the folder of PNGs with the same names.
        name: prefix of Example ids; by default "coco_stuff" and the folder's name.

    Raises:
        DataError: no such folder, or no images in it.
    """

    images: Path | str
    labels: Path | str
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_files", tuple(image_names(Path(self.images))))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return COCO_STUFF_NAMES

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is COCO's."""
        number = Path(self._files[index]).stem.rpartition("_")[2]
        return (coco_id(int(number)) if is_number(number) else f"coco/{number}",)

    def __getitem__(self, index: int) -> Example:
        images, file = Path(self.images), self._files[index]
        maps = (("segmentation", ClassMap(Path(self.labels) / f"{Path(file).stem}.png", _CLASSES)),)
        row_id = f"{self.name or f'coco_stuff/{images.name}'}/{Path(file).stem}"
        return map_example(MapRow(row_id, self.keys(index)[0], images / file, maps), path=images, index=index)
