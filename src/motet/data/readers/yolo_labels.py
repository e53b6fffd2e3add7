"""YOLO labels: one text file per image, one line per box, in fractions of the image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from motet.core import ConfigError, DataError, DiskImage, Example
from motet.data.formats.boxes import FileBox, pack_boxes, to_box_set
from motet.data.formats.class_list import read_class_names
from motet.data.formats.find_file import spelled_alike
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.json_file import short_repr
from motet.data.formats.linked_folders import walk_folder
from motet.data.formats.paths import coco_id, default_name, is_file, is_image
from motet.data.formats.text_file import read_lines

_LARGEST_SHARE = 2.0  # boxes that pass the border by less are cut there
_NUMBER = re.compile(r"(?:.*_)?0*(\d{1,18})")


@dataclass(frozen=True)
class YoloLabels:
    """YOLO boxes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the file.

    A line is `class centre-x centre-y width height`, in fractions of the image's sides. A line of `class x1 y1 x2 y2 x3
    y3 ...` is an outline (YOLO's segments and oriented boxes), whose bounding box is used. A pose label is a box with
    keypoints after it, which are left out.

    Args:
        images: the folder of the images (`images/train`); images in its subfolders are read too, and in
            those that it links to.
        labels: the folder of the text files (`labels/train`), each with the name of its image; another
            spelling of it counts too, see `find_file`.
        names: the classes in order.
        names_file: a file of the names instead: `data.yaml`, or a text file with one per line.
        name: prefix of Example ids; by default the folder's name.
        image_prefix: prefix of image ids, before the image's path in its folder; by default the folder's name.
            "coco" for COCO's images, so that they have the same ids as in other readers.
        empty: make rows of images without boxes too, whose text file is empty.
        unlabelled: make rows of images without a text file too, as images without objects. YOLO's own training does
            so; where only some of the images are labelled, it would train on wrong annotations.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.
        listed: a file with the images of the rows, one path per line, as Darknet has it; only their names count. None
            for all images.
        keypoint_values: numbers of keypoints after the box in every line of pose labels: 51 for `kpt_shape: [17, 3]`.

    Raises:
        DataError: no such folder, no row, or a file of names without a name. A text file without its image, and an
            error within a line, raise when the row is read.
        ConfigError: neither names nor a file of them, or others than in the file.
    """

    images: Path | str
    labels: Path | str
    names: tuple[str, ...] = ()
    names_file: Path | str | None = None
    name: str = ""
    image_prefix: str = ""
    empty: bool = True
    unlabelled: bool = False
    clip: bool = False
    listed: Path | str | None = None
    keypoint_values: int = 0
    _rows: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = self.names if self.names_file is None else read_class_names(Path(self.names_file))
        # A reader that comes back from a saved run has both, and they agree.
        if not names or (self.names and tuple(self.names) != tuple(names)):
            got = "other names than names_file has" if names else "neither names nor names_file"
            raise ConfigError(f"YoloLabels: got {got}; want one of both: labels are numbers only")
        images = _below(Path(self.images))
        if self.listed is not None:
            lines = {PurePosixPath(line.strip()).name for line in read_lines(Path(self.listed))}
            images = [file for file in images if PurePosixPath(file).name in lines]
        rows = self._paired(images, _below(Path(self.labels)))
        if not rows:
            where = self.labels if self.listed is None else self.listed
            raise DataError("labels: got no text file for any image; want at least one", path=where)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_rows", rows)

    def _paired(self, images: Sequence[str], texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Returns image and text file of each row, in the order of their names; "" for a missing one."""
        by_stem = {_stem(file): file for file in reversed(images) if is_image(file)}
        text_of = {_stem(file): file for file in texts if file.endswith(".txt")}
        image_of = spelled_alike(text_of.keys() - by_stem.keys(), by_stem.keys() - text_of.keys())
        text_of = {image_of.get(stem, stem): file for stem, file in text_of.items()}
        if self.listed is not None:
            text_of = {stem: file for stem, file in text_of.items() if stem in by_stem}
        text_of = {stem: file for stem, file in text_of.items() if stem in by_stem or self._is_label(file)}
        stems = sorted(text_of.keys() | (by_stem.keys() if self.unlabelled else set()))
        rows = ((by_stem.get(stem, ""), text_of.get(stem, "")) for stem in stems)
        return tuple(row for row in rows if self.empty or self._filled(row[1]))

    def _is_label(self, file: str) -> bool:
        """Checks for boxes in a file that no image is called like: tools add classes.txt, lists and notes."""
        first = next((line for line in read_lines(Path(self.labels) / file) if line.strip()), "0")
        return PurePosixPath(file).name != "classes.txt" and first.split()[0].replace(".", "", 1).isdecimal()

    def _filled(self, text: str) -> bool:
        return bool(text) and any(line.strip() for line in read_lines(Path(self.labels) / text))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        image, text = self._rows[index]
        stem = _stem(image or text)
        number = _NUMBER.fullmatch(PurePosixPath(stem).name)
        if self.image_prefix == "coco" and number is not None:
            return (coco_id(int(number[1])),)
        return (f"{self.image_prefix or default_name(Path(self.images))}/{image or text}",)

    def __getitem__(self, index: int) -> Example:
        image, text = self._rows[index]
        path = Path(self.labels) / text if text else Path(self.images) / image
        if not image:
            raise DataError(
                f"image: got none called {_stem(text)} in {self.images}; want one", path=path, row=_stem(text)
            )
        file = Path(self.images) / image
        if not is_file(file):
            raise DataError(f"image: got no file {file}; want the image of this row", path=path, row=_stem(image))
        size_hw = image_size_hw(file)
        lines = read_lines(path) if text else []
        boxes = [self._box(line, size_hw, path, row) for row, line in enumerate(lines) if line.strip()]
        return Example(
            id=f"{self._prefix}/{_stem(image)}",
            images=(DiskImage(file),),
            image_ids=self.keys(index),
            labels={"boxes": to_box_set(pack_boxes(boxes), size_hw, clip=self.clip, path=path)},
        )

    @property
    def _prefix(self) -> str:
        folder = default_name(Path(self.images))
        return self.name or (folder if self.listed is None else f"{folder}/{Path(self.listed).stem}")

    def _box(self, line: str, size_hw: tuple[int, int], path: Path, row: int) -> FileBox:
        label, *numbers = (_number(cell, path, row) for cell in self._cells(line, path, row))
        if not (label == label // 1 and 0 <= label < len(self.names)):
            want = f"0 to {len(self.names) - 1}, one of the names"
            raise DataError(f"class: got {label:g}, a class without a name; want {want}", path=path, row=row)
        if not are_shares(numbers):
            want = "shares of the image's width and height from 0 to 1, not pixels"
            raise DataError(f"numbers: got {short_repr(line.strip())}; want {want}", path=path, row=row)
        height, width = size_hw
        if len(numbers) == 4:
            x, y, w, h = numbers
            corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        else:
            xs, ys = numbers[0::2], numbers[1::2]
            corners = (min(xs), min(ys), max(xs), max(ys))
        xyxy = (corners[0] * width, corners[1] * height, corners[2] * width, corners[3] * height)
        return FileBox(xyxy, int(label), row)

    def _cells(self, line: str, path: Path, row: int) -> list[str]:
        """Returns the class and the numbers of a box or an outline, without keypoints."""
        cells = line.split()
        box = "class, centre x, centre y, width, height"
        if self.keypoint_values:
            if len(cells) != 5 + self.keypoint_values:
                want = f"{5 + self.keypoint_values} ({box}, and {self.keypoint_values} of keypoints)"
                raise DataError(f"numbers: got {len(cells)}; want {want}", path=path, row=row)
            return cells[:5]
        if len(cells) != 5 and (len(cells) < 7 or len(cells) % 2 == 0):
            want = f"5 ({box}), or a class and at least 3 points"
            raise DataError(f"numbers: got {len(cells)}; want {want}", path=path, row=row)
        return cells


def are_shares(numbers: Sequence[float]) -> bool:
    """Returns True for numbers that can be shares of an image's sides; pixels are larger.

    Examples:
        >>> are_shares((0.5, 1.02)), are_shares((40.0, 30.0))
        (True, False)
    """
    return not any(number < -1 or number > _LARGEST_SHARE for number in numbers)


def _number(cell: str, path: Path, row: int) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise DataError(f"number: got {short_repr(cell)}; want a number", path=path, row=row) from error


def _stem(file: str) -> str:
    return str(PurePosixPath(file).with_suffix(""))


def _below(folder: Path) -> list[str]:
    """Returns the files below a folder, relative to it, sorted, without hidden ones.

    Raises:
        DataError: no such folder.
    """
    if not folder.is_dir():
        raise DataError("folder: got no folder; want one that is readable", path=folder)
    found: list[str] = []
    for above, files in walk_folder(folder):
        place = above.relative_to(folder)
        found += [(place / name).as_posix() for name in files]
    return sorted(found)
