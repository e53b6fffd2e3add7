"""SYNTHIA-RAND-CITYSCAPES: rendered streets in `RGB/`, with `GT/LABELS/` and `Depth/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from motet.core import ConfigError, Example
from motet.data.class_names.cityscapes import CITYSCAPES_NAMES, cityscapes_class
from motet.data.formats.map_files import ClassMap, DepthMap, MapFile, class_table
from motet.data.formats.map_rows import MapRow, image_names, map_example

SYNTHIA_NAMES = (
    "sky", "building", "road", "sidewalk", "fence", "vegetation", "pole", "car", "traffic sign", "pedestrian",
    "bicycle", "motorcycle", "parking slot", "road work", "traffic light", "terrain", "rider", "truck", "bus", "train",
    "wall", "lane marking",
)  # fmt: skip
"""In the order of the stored numbers, which start at 1; 0 is void."""
_OWN = class_table({number + 1: number for number in range(len(SYNTHIA_NAMES))}, invalid=(0,))
_AS_CITYSCAPES = class_table(
    {
        number + 1: cityscapes_class("person" if name == "pedestrian" else name)
        for number, name in enumerate(SYNTHIA_NAMES)
    },
    invalid=(0,),
)
_CENTIMETRES, _BEYOND = 0.01, 65535


@dataclass(frozen=True)
class Synthia:
    """SYNTHIA's random street views; labels: "segmentation" and, where `Depth/` exists, "depth".

    Labels are images of 16 bits whose first channel is the class, the second the instance; depths are centimetres.

    Args:
        root: the folder with `RGB/`.
        classes: "own": its 22 classes; "cityscapes": the 19 of Cityscapes, of which it has 16; lane markings, parking
            slots and road works are invalid then.
        name: prefix of Example ids.

    Raises:
        DataError: no such folder, or no images in it.
        ConfigError: an unknown value of `classes`.
    """

    root: Path | str
    classes: Literal["own", "cityscapes"] = "own"
    name: str = "synthia"
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.classes not in ("own", "cityscapes"):
            raise ConfigError(f"Synthia.classes: got {self.classes!r}; want 'own' or 'cityscapes'")
        object.__setattr__(self, "_files", tuple(image_names(Path(self.root) / "RGB")))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return SYNTHIA_NAMES if self.classes == "own" else CITYSCAPES_NAMES

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"synthia/{Path(self._files[index]).stem}",)

    def __getitem__(self, index: int) -> Example:
        root, file = Path(self.root), self._files[index]
        stored = root / "GT" / "LABELS" / f"{Path(file).stem}.png"
        table = _OWN if self.classes == "own" else _AS_CITYSCAPES
        maps: list[tuple[str, MapFile]] = [("segmentation", ClassMap(stored, table))]
        # Some copies have the folder nested in itself.
        depths = [folder for folder in (root / "Depth" / "Depth", root / "Depth") if folder.is_dir()]
        if depths:
            maps.append(("depth", DepthMap(depths[0] / f"{Path(file).stem}.png", _CENTIMETRES, (0, _BEYOND))))
        row = MapRow(f"{self.name}/{Path(file).stem}", self.keys(index)[0], root / "RGB" / file, tuple(maps))
        return map_example(row, path=root / "RGB", index=index)
