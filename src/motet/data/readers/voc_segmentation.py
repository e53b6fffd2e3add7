"""Pascal VOC's segmentation and PASCAL-Context: `JPEGImages/`, `SegmentationClass/` and the lists in `ImageSets/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example
from motet.data.formats.label_palette import Colour
from motet.data.formats.map_files import INVALID, ClassMap, ColourMap, class_table
from motet.data.formats.map_rows import MapRow, map_example
from motet.data.formats.paths import default_name, file_names, is_image, path_inside
from motet.data.formats.text_file import read_lines
from motet.data.readers.pascal_voc import VOC_NAMES

VOC_SEGMENTATION_NAMES = ("background", *VOC_NAMES)
PASCAL_CONTEXT_NAMES = (
    "background", "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat", "book", "bottle",
    "building", "bus", "cabinet", "car", "cat", "ceiling", "chair", "cloth", "computer", "cow", "cup", "curtain", "dog",
    "door", "fence", "floor", "flower", "food", "grass", "ground", "horse", "keyboard", "light", "motorbike",
    "mountain",
    "mouse", "person", "plate", "platform", "pottedplant", "road", "rock", "sheep", "shelves", "sidewalk", "sign",
    "sky",
    "snow", "sofa", "table", "track", "train", "tree", "truck", "tvmonitor", "wall", "water", "window", "wood",
)  # fmt: skip
_VOID, _BORDER = 255, (224, 224, 192)


@dataclass(frozen=True)
class VocSegmentation:
    """Pascal VOC's classes per pixel, one Example per image; labels: "segmentation", where 255 (the border) is invalid.

    Args:
        root: the folder with `JPEGImages/`, `SegmentationClass/` and `ImageSets/Segmentation/`.
        split: a list of `ImageSets/Segmentation/` ("train", "val", "trainval"); None for all label images.
        names: the classes by their numbers; by default VOC's 21. `PASCAL_CONTEXT_NAMES` are the 60 of PASCAL-Context.
        colours: the colour of each class, for label images in colours without a palette.
        labels: the folder of label images: "SegmentationClass", or "SegmentationClassContext" for PASCAL-Context.
        lists: the folder of lists in `ImageSets/`: "Segmentation", or "SegmentationContext".
        name: prefix of Example ids; by default the folder's name and the split.
        image_prefix: prefix of image ids, equal to that of `PascalVoc`; by default the folder's name.

    Raises:
        DataError: no such folder or list, or a list without images.
        ConfigError: another number of colours than of names.
    """

    root: Path | str
    split: str | None = "train"
    names: tuple[str, ...] = VOC_SEGMENTATION_NAMES
    colours: tuple[Colour, ...] = ()
    labels: str = "SegmentationClass"
    lists: str = "Segmentation"
    name: str = ""
    image_prefix: str = ""
    _keys: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _images: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.colours and len(self.colours) != len(self.names):
            raise ConfigError(
                f"VocSegmentation.colours: got {len(self.colours)}; want one for each of the {len(self.names)} names"
            )
        folder = Path(self.root) / self.labels
        if self.split is None:
            keys = [Path(name).stem for name in file_names(folder) if is_image(name)]
        else:
            lines = enumerate(read_lines(self._place))
            keys = [
                path_inside(folder, line.split()[0], path=self._place, row=row) for row, line in lines if line.strip()
            ]
        if not keys:
            raise DataError("images: got none; want at least one", path=self._place)
        object.__setattr__(self, "_keys", tuple(keys))
        object.__setattr__(self, "_images", _by_stem(Path(self.root) / "JPEGImages"))

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.image_prefix or default_name(Path(self.root))}/{self._keys[index]}",)

    def __getitem__(self, index: int) -> Example:
        root, key = Path(self.root), self._keys[index]
        image = root / "JPEGImages" / self._images.get(key, f"{key}.jpg")
        prefix = self.name or f"{default_name(root)}/{self.split or 'all'}"
        row = MapRow(f"{prefix}/{key}", self.keys(index)[0], image, (("segmentation", self._map(key)),))
        return map_example(row, path=self._place, index=index)

    @property
    def _place(self) -> Path:
        root = Path(self.root)
        return root / self.labels if self.split is None else root / "ImageSets" / self.lists / f"{self.split}.txt"

    def _map(self, key: str) -> ClassMap | ColourMap:
        path = Path(self.root) / self.labels / f"{key}.png"
        if self.colours:
            known = {_BORDER: INVALID} | {colour: place for place, colour in enumerate(self.colours)}
            return ColourMap(path, tuple(known.items()))
        return ClassMap(path, class_table({place: place for place in range(len(self.names))}, invalid=(_VOID,)))


def _by_stem(folder: Path) -> dict[str, str]:
    """Returns the images of a folder by their names without endings."""
    return {Path(name).stem: name for name in file_names(folder) if is_image(name)}
