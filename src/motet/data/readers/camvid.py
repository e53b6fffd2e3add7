"""CamVid as SegNet's tutorial publishes it: `train/`, `trainannot/`, and a list of pairs in `train.txt`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from motet.core import DataError, Example
from motet.data.formats.map_annotations import MapLabels
from motet.data.formats.map_files import ClassMap, class_table
from motet.data.formats.paths import default_name, file_names, image_at, is_image, path_inside
from motet.data.formats.text_file import read_lines

CAMVID_NAMES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
_UNLABELLED = 11
_CLASSES = class_table({number: number for number in range(len(CAMVID_NAMES))}, invalid=(_UNLABELLED,))


@dataclass(frozen=True)
class CamVid:
    """CamVid's streets with 11 classes; labels: "segmentation", where 11 (unlabelled) is invalid.

    The lists contain absolute paths of their author (`/SegNet/CamVid/train/x.png`), so only the last folder and the
    name of each path are used. Without a list, all images of the folder are rows.

    Args:
        root: the folder with `train/`, `trainannot/` and `train.txt`.
        split: "train", "val" or "test".
        name: prefix of Example ids; by default the folder's name and the split.

    Raises:
        DataError: no such folder, a list without rows, or a line that is not a pair.
    """

    root: Path | str
    split: str = "train"
    name: str = ""
    _pairs: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = Path(self.root)
        listed = root / f"{self.split}.txt"
        pairs = _listed(listed, root) if listed.is_file() else _in_folders(root, self.split)
        if not pairs:
            raise DataError("images: got none; want at least one", path=listed if listed.is_file() else root)
        object.__setattr__(self, "_pairs", tuple(pairs))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return CAMVID_NAMES

    def __len__(self) -> int:
        return len(self._pairs)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{default_name(Path(self.root))}/{PurePosixPath(self._pairs[index][0]).stem}",)

    def __getitem__(self, index: int) -> Example:
        root, (image, annotation) = Path(self.root), self._pairs[index]
        file = image_at(root / image, path=root, row=index)
        map_file = image_at(root / annotation, path=root, row=index).path
        prefix = self.name or f"{default_name(root)}/{self.split}"
        return Example(
            id=f"{prefix}/{PurePosixPath(image).stem}",
            images=(file,),
            image_ids=self.keys(index),
            labels=MapLabels(file.path, {"segmentation": ClassMap(map_file, _CLASSES)}),
        )


def _listed(path: Path, root: Path) -> list[tuple[str, str]]:
    pairs = []
    for row, line in enumerate(read_lines(path)):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 2:
            raise DataError(f"line: got {line[:60]!r}; want an image and its label file", path=path, row=row)
        image, annotation = (
            path_inside(root, "/".join(PurePosixPath(cell).parts[-2:]), path=path, row=row) for cell in cells
        )
        pairs.append((image, annotation))
    return pairs


def _in_folders(root: Path, split: str) -> list[tuple[str, str]]:
    names = [name for name in file_names(root / split) if is_image(name)]
    return [(f"{split}/{name}", f"{split}annot/{PurePosixPath(name).stem}.png") for name in names]
