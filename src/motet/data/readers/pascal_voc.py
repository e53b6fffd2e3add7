"""Pascal VOC: `Annotations/*.xml`, `JPEGImages/` and the lists in `ImageSets/Main/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from motet.data.formats.paths import default_name
from motet.data.formats.voc_xml import Difficult
from motet.data.formats.wrapped_reader import WrappedReader
from motet.data.readers.voc_xml import VocXml

VOC_NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


@dataclass(frozen=True)
class PascalVoc(WrappedReader):
    """Pascal VOC boxes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the file.

    Pixels are counted as `read_voc_xml` says. For XML of the same form in other folders there is `VocXml`.

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

    def __post_init__(self) -> None:
        root = Path(self.root)
        part = "all" if self.split is None else Path(self.split).stem
        rows = VocXml(
            root / "Annotations",
            root / "JPEGImages",
            None if self.split is None else self._split_file,
            names=self.names,
            difficult=self.difficult,
            name=self.name or f"{default_name(root)}/{part}",
            image_prefix=self.image_prefix or default_name(root),
            empty=self.empty,
            clip=self.clip,
        )
        object.__setattr__(self, "names", rows.names)
        object.__setattr__(self, "_rows", rows)

    @property
    def _split_file(self) -> Path:
        official = Path(self.root) / "ImageSets" / "Main" / f"{self.split}.txt"
        return official if isinstance(self.split, str) and not Path(self.split).is_file() else Path(str(self.split))
