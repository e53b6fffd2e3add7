"""ADE20K's scene parsing benchmark: `images/training/*.jpg` with `annotations/training/*.png`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import Example
from motet.data.class_names.ade20k import ADE20K_NAMES
from motet.data.formats.map_files import ClassMap, class_table
from motet.data.formats.map_rows import MapRow, image_names, map_example

_CLASSES = class_table({number + 1: number for number in range(len(ADE20K_NAMES))}, invalid=(0,))


@dataclass(frozen=True)
class Ade20k:
    """ADE20K's scene parsing benchmark with 150 classes; labels: "segmentation", where 0 (other) is invalid.

    Args:
        root: the folder with `images/` and `annotations/` (published as `ADEChallengeData2016`).
        split: "training" or "validation".
        name: prefix of Example ids; by default "ade20k" and the split.

    Raises:
        DataError: no such folder, or no images in it.
    """

    root: Path | str
    split: str = "training"
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_files", tuple(image_names(Path(self.root) / "images" / self.split)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return ADE20K_NAMES

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"ade20k/{Path(self._files[index]).stem}",)

    def __getitem__(self, index: int) -> Example:
        folder, file = Path(self.root) / "images" / self.split, self._files[index]
        labels = Path(self.root) / "annotations" / self.split / f"{Path(file).stem}.png"
        maps = (("segmentation", ClassMap(labels, _CLASSES)),)
        row_id = f"{self.name or f'ade20k/{self.split}'}/{Path(file).stem}"
        return map_example(MapRow(row_id, self.keys(index)[0], folder / file, maps), path=folder, index=index)
