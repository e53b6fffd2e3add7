"""Regions of a picture with their features: what a system sees that looks at things instead of a grid of pixels.

There are two ways to them, and both give (n, d) features of (n, 4) boxes.

Found beforehand, by a detector: a `RegionSource` reads them from files in loader workers. `motet.data.formats.regions`
has one for each published layout, and writes such files with any detector.

From the system's own frozen trunk: boxes come from a `BoxGrid`, or were found beforehand by whatever finds boxes (a
`BoxSource`), or are given, as the candidates of a pointing task, and `motet.nn.regions.pool_regions` reads the trunk's
map in them, inside the system. A batch then carries boxes and either pixels or the stored map, exactly as it does for a
system without regions: nothing new is stored, and boxes may differ from row to row and from epoch to epoch.
"""

from __future__ import annotations

import io
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from motet.core import ConfigError, DataError, ImageFile

# What tools that count pixels from 0 and from 1 differ by at the border.
BORDER_PX = 1.0
_SHAPES_DIFFER = 0.03  # of height / width: more than rounding to whole pixels gives
_KNOWN_SIZES = 200_000


@dataclass(frozen=True)
class ImageRegions:
    """Places of one picture.

    Args:
        features: what a detector or trunk says of each, float32.
        boxes_xyxy: left, top, right, bottom in pixels of the picture, float32.
        size_hw: height and width of the picture that the boxes are in pixels of.
        classes: the detector's probabilities of its classes (the targets of masked regions); None where it gives none.
    """

    features: Float[np.ndarray, "n d"]
    boxes_xyxy: Float[np.ndarray, "n 4"]
    size_hw: tuple[int, int]
    classes: Float[np.ndarray, "n k"] | None = None

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def first(self, max_regions: int) -> Self:
        """At most so many of them; detectors write the surest first."""
        classes = None if self.classes is None else self.classes[:max_regions]
        return replace(self, features=self.features[:max_regions], boxes_xyxy=self.boxes_xyxy[:max_regions], classes=classes)

    def resized(self, size_hw: tuple[int, int]) -> Self:
        """The same places of the same picture at another size."""
        return replace(self, boxes_xyxy=rescale_boxes(self.boxes_xyxy, self.size_hw, size_hw), size_hw=size_hw)


@runtime_checkable
class RegionSource(Protocol):
    """Regions that were found beforehand, read in loader workers: it pickles, and no open file crosses a fork."""

    @property
    def width(self) -> int:
        """How long each feature is."""
        ...

    @property
    def num_classes(self) -> int:
        """How many classes a region has probabilities of; 0 where there are none."""
        ...

    def regions(self, image: ImageFile, image_id: str) -> ImageRegions:
        """The regions of a picture, boxes in pixels of its file.

        Raises:
            DataError: none of this picture, or broken ones.
        """
        ...

    def at(self, image: ImageFile, image_id: str, boxes_xyxy: Float[np.ndarray, "m 4"]) -> ImageRegions:
        """Features of given boxes (in pixels of the file), in their order: the candidates of a pointing task.

        Raises:
            DataError: as `regions`, and boxes whose features cannot be told.
        """
        ...


@runtime_checkable
class BoxSource(Protocol):
    """Boxes that were found beforehand, without features: a system reads its own trunk's map in them."""

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        """The boxes of a picture, the surest first, in pixels of its file.

        Raises:
            DataError: none of this picture, or broken ones.
        """
        ...


@dataclass(frozen=True)
class DetectedBoxes:
    """The boxes of a source of regions; the system's own trunk says what they look like.

    Args:
        source: of regions, whose features are not read by the system.
    """

    source: RegionSource

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        return self.source.regions(image, image_id).boxes_xyxy


@dataclass(frozen=True)
class BoxGrid:
    """Boxes of several sizes and shapes laid evenly over a picture: class-agnostic proposals that need no network.

    A box of side `side` covers that share of the picture's height and width; a shape stretches its width by the square
    root of the ratio and shrinks its height by it. Boxes of one size stand `step` of their own side apart at most, from
    edge to edge. The whole picture is the first box.

    Args:
        sides: shares of the picture.
        shapes: width over height, relative to the picture's own.
        step: distance of neighbours, in sides.

    Raises:
        ConfigError: a side outside 0 to 1, a shape or a step that is not positive.

    Examples:
        >>> BoxGrid(sides=(0.5,), shapes=(1.0,), step=1.0).boxes((20, 40)).astype(int).tolist()[:3]
        [[0, 0, 40, 20], [0, 0, 20, 10], [20, 0, 40, 10]]
    """

    sides: tuple[float, ...] = (0.22, 0.32, 0.46)
    shapes: tuple[float, ...] = (1.0,)
    step: float = 0.5

    def __post_init__(self) -> None:
        if not self.sides or not all(0 < side <= 1 for side in self.sides):
            raise ConfigError(f"BoxGrid.sides: got {self.sides}; want shares of the picture, above 0 and up to 1")
        if not self.shapes or min(self.shapes) <= 0 or self.step <= 0:
            raise ConfigError(f"BoxGrid: got shapes {self.shapes}, step {self.step}; want positive numbers")

    def boxes(self, size_hw: tuple[int, int]) -> Float[np.ndarray, "n 4"]:
        """The boxes in pixels of a picture of this size, the same number for every picture."""
        height, width = size_hw
        shares = [np.array([[0.0, 0.0, 1.0, 1.0]])]
        for side in self.sides:
            for shape in self.shapes:
                shares.append(self._tiled(min(1.0, side * shape**0.5), min(1.0, side / shape**0.5)))
        boxes: np.ndarray = np.concatenate(shares) * np.array([width, height, width, height])
        return boxes.astype(np.float32)

    def _tiled(self, wide: float, high: float) -> np.ndarray:
        lefts, tops = self._starts(wide), self._starts(high)
        return np.array([[left, top, left + wide, top + high] for top in tops for left in lefts])

    def _starts(self, side: float) -> np.ndarray:
        # Rounded first: (1 - 0.4) / 0.2 is a little more than 3.
        count = int(np.ceil(round((1 - side) / (side * self.step), 6))) + 1
        return np.linspace(0, 1 - side, count)


@dataclass(frozen=True)
class StandOut:
    """Which boxes of a grid are looked at: those that stand out most from what lies around them in the trunk's map.

    Args:
        count: how many of a picture.
        overlap: of two boxes that overlap more, only the better one stays.
        ring: how much larger than the box what lies around it is.

    Raises:
        ConfigError: a number outside its range.
    """

    count: int = 24
    overlap: float = 0.4
    ring: float = 1.6

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.overlap <= 1 or not self.ring > 1:
            raise ConfigError(
                f"StandOut: got count {self.count}, overlap {self.overlap}, ring {self.ring}; want at least 1, above 0 "
                "and at most 1, above 1"
            )


def check_regions(regions: ImageRegions, *, path: Path | str, row: int | str | None = None) -> ImageRegions:
    """The regions as float32, boxes cut at the border of their picture, when they are sound.

    Args:
        regions: as a file gives them.
        path: the file, for the error.
        row: the picture's place in it, for the error.

    Raises:
        DataError: no region, arrays that do not fit one another, NaN or infinite values, a box outside the picture by
            more than a pixel or without an area.
    """
    features, boxes = np.asarray(regions.features), np.asarray(regions.boxes_xyxy)
    if features.ndim != 2 or boxes.ndim != 2 or boxes.shape[1] != 4 or len(features) != len(boxes) or not len(boxes):
        got = f"features {tuple(features.shape)}, boxes {tuple(boxes.shape)}"
        raise DataError(f"regions: got {got}; want (n, width) and (n, 4) with n > 0", path=path, row=row)
    classes = regions.classes
    if classes is not None and (np.ndim(classes) != 2 or len(classes) != len(boxes)):
        raise DataError(
            f"regions: classes: got {tuple(np.shape(classes))}; want ({len(boxes)}, classes)", path=path, row=row
        )
    for name, values in (("features", features), ("boxes", boxes), ("classes", classes)):
        if values is not None and not np.isfinite(values).all():
            raise DataError(f"regions: {name}: got NaN or infinite values; want finite ones", path=path, row=row)
    return ImageRegions(
        features.astype(np.float32, copy=False),
        clip_to_image(boxes, regions.size_hw, path=path, row=row),
        regions.size_hw,
        None if classes is None else np.asarray(classes, dtype=np.float32),
    )


def clip_to_image(
    boxes_xyxy: Float[np.ndarray, "n 4"], size_hw: tuple[int, int], *, path: Path | str, row: int | str | None = None
) -> Float[np.ndarray, "n 4"]:
    """Boxes cut at the picture's border, where at most a pixel lies beyond it.

    Args:
        boxes_xyxy: in pixels.
        size_hw: of the picture.
        path: the file that gives them, for the error.
        row: the picture's place in it, for the error.

    Raises:
        DataError: a box further outside, or one without an area; names the first.
    """
    height, width = size_hw
    far = np.array([width, height, width, height], dtype=np.float64)
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    cut = np.clip(boxes, 0, far)
    wrong = (np.abs(cut - boxes) > BORDER_PX).any(axis=1) | (cut[:, 2:] <= cut[:, :2]).any(axis=1)
    wrong |= ~np.isfinite(boxes).all(axis=1)
    if wrong.any():
        corners = ", ".join(f"{value:g}" for value in boxes[int(np.argmax(wrong))])
        raise DataError(
            f"regions: box: got ({corners}) as left, top, right, bottom; want one with an area inside the picture of "
            f"{width} x {height} pixels",
            path=path,
            row=row,
        )
    return cut.astype(np.float32)


def rescale_boxes(
    boxes_xyxy: Float[np.ndarray, "n 4"], from_hw: tuple[int, int], to_hw: tuple[int, int]
) -> Float[np.ndarray, "n 4"]:
    """Boxes of a picture of one size as boxes of the same picture at another."""
    tall, wide = to_hw[0] / from_hw[0], to_hw[1] / from_hw[1]
    scaled: np.ndarray = np.asarray(boxes_xyxy, dtype=np.float64) * [wide, tall, wide, tall]
    return scaled.astype(np.float32)


def fit_to_image(regions: ImageRegions, image: ImageFile, *, path: Path | str, row: int | str | None = None) -> ImageRegions:
    """Regions in pixels of the picture as it lies on disk; detectors are often run on a larger or smaller copy.

    Args:
        regions: in pixels of the copy that the detector saw.
        image: the picture.
        path: the file that gives the regions, for the error.
        row: the picture's place in it, for the error.

    Raises:
        DataError: the picture has other proportions: the regions are of another one, or of a turned or cropped copy.
    """
    size_hw = image_size_hw(image)
    if size_hw == regions.size_hw:
        return regions
    (height, width), (seen_height, seen_width) = size_hw, regions.size_hw
    if abs(np.log(height * seen_width / (width * seen_height))) > _SHAPES_DIFFER + 1 / min(size_hw):
        raise DataError(
            f"regions: got a picture of {seen_width} x {seen_height}; want the proportions of {image.name}, "
            f"{width} x {height} pixels (width x height)",
            path=path,
            row=row,
        )
    return regions.resized(size_hw)


_SIZES: OrderedDict[str, tuple[int, int]] = OrderedDict()


def image_size_hw(image: ImageFile) -> tuple[int, int]:
    """Height and width of a picture as `prep.images.decode` gives it, from its header, remembered by the file's stamp.

    Raises:
        DataError: no picture, or one whose header is broken.
    """
    stamp = image.stamp()
    if stamp not in _SIZES:
        _SIZES[stamp] = _header_size_hw(image)
        if len(_SIZES) > _KNOWN_SIZES:
            _SIZES.popitem(last=False)
    return _SIZES[stamp]


def _header_size_hw(image: ImageFile) -> tuple[int, int]:
    try:
        return _size_hw_of(image.head())
    except _BROKEN:  # the head of a file is not enough for every format
        pass
    try:
        return _size_hw_of(image.read())
    except _BROKEN as error:
        raise DataError(f"image: got {error or type(error).__name__}; want a picture", path=image.name) from error


_BROKEN = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)


def _size_hw_of(data: bytes) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd EXIF data: whoever decodes it says what is wrong
        opened = Image.open(io.BytesIO(data))
        width, height = opened.size
        turned = opened.getexif().get(0x0112) in (5, 6, 7, 8)  # upright only after a quarter turn
    return (width, height) if turned else (height, width)


def box_iou(boxes_xyxy: Float[np.ndarray, "n 4"], others_xyxy: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Intersection over union of every pair, of continuous boxes (a box from 0 to 2 is two pixels wide).

    Examples:
        >>> overlaps(np.array([[0, 0, 2, 2.0]]), np.array([[0, 0, 2, 4.0], [2, 0, 4, 2]])).tolist()
        [[0.5, 0.0]]
    """
    first = np.asarray(boxes_xyxy, dtype=np.float64)[:, None]
    second = np.asarray(others_xyxy, dtype=np.float64)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=-1)
    areas = [np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(axis=-1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, 1e-12))


def as_boxes(boxes: Sequence[Sequence[float]]) -> Float[np.ndarray, "n 4"]:
    """An Example's candidate boxes as an array."""
    return np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
