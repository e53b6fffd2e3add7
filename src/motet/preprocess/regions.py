"""Image regions with features: the input of a system that attends to objects instead of a grid of patches.

There are two origins, and both give (n, d) features of (n, 4) boxes.

Precomputed by a detector: a `RegionSource` reads them from files in loader workers. `motet.data.formats.regions` has
one for each published layout, and writes such files with any detector.

From the system's own frozen trunk: the boxes come from a `BoxGrid`, from a `BoxSource` (precomputed boxes), or from the
row (the candidates of a pointing task); `motet.nn.regions.pool_regions` pools the trunk's map in them, inside the
system. A batch then has boxes and either pixels or the stored map, as for a system without regions: nothing new is
stored, and boxes may differ from row to row and from epoch to epoch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float

from motet.core import ConfigError, DataError, ImageFile
from motet.preprocess.open_image import header_size_hw

# Tools that count pixels from 0 and from 1 differ by this at the border.
BORDER_PX = 1.0
_MAX_ASPECT_DIFFERENCE = 0.03  # of log(height / width): more than rounding to whole pixels gives
_CACHED_SIZES = 200_000


@dataclass(frozen=True)
class ImageRegions:
    """The regions of one image.

    Args:
        features: of each region, from a detector or trunk, float32.
        boxes_xyxy: left, top, right, bottom in pixels of the image, float32.
        size_hw: height and width of the image, in the pixels of the boxes.
        classes: the detector's class probabilities (the targets of masked regions); None where it has none.
    """

    features: Float[np.ndarray, "n d"]
    boxes_xyxy: Float[np.ndarray, "n 4"]
    size_hw: tuple[int, int]
    classes: Float[np.ndarray, "n k"] | None = None

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def first(self, max_regions: int) -> Self:
        """Returns the first `max_regions` regions; detectors write those with the highest score first."""
        classes = None if self.classes is None else self.classes[:max_regions]
        return replace(
            self, features=self.features[:max_regions], boxes_xyxy=self.boxes_xyxy[:max_regions], classes=classes
        )

    def resized(self, size_hw: tuple[int, int]) -> Self:
        """Returns the same regions in pixels of the same image at another size."""
        return replace(self, boxes_xyxy=rescale_boxes(self.boxes_xyxy, self.size_hw, size_hw), size_hw=size_hw)


@runtime_checkable
class RegionSource(Protocol):
    """Precomputed regions, read in loader workers: it can be pickled, and no open file crosses a fork."""

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        ...

    @property
    def num_classes(self) -> int:
        """Number of classes with probabilities; 0 where there are none."""
        ...

    def regions(self, image: ImageFile, image_id: str) -> ImageRegions:
        """Returns the regions of an image, with boxes in pixels of its file.

        Raises:
            DataError: no regions of this image, or broken ones.
        """
        ...

    def at(self, image: ImageFile, image_id: str, boxes_xyxy: Float[np.ndarray, "m 4"]) -> ImageRegions:
        """Returns the features of the given boxes (in pixels of the file), in their order, as for a pointing task.

        Raises:
            DataError: as `regions`, and boxes without a feature.
        """
        ...


@runtime_checkable
class BoxSource(Protocol):
    """Precomputed boxes without features: a system pools the map of its own trunk in them."""

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        """Returns the boxes of an image, those with the highest score first, in pixels of its file.

        Raises:
            DataError: no boxes of this image, or broken ones.
        """
        ...


@dataclass(frozen=True)
class DetectedBoxes:
    """The boxes of a region source; the features come from the system's own trunk.

    Args:
        source: of regions, whose features are not used.
    """

    source: RegionSource

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        return self.source.regions(image, image_id).boxes_xyxy


@dataclass(frozen=True)
class BoxGrid:
    """A regular grid of boxes of several sizes and shapes: class-agnostic proposals that need no network.

    With the side s and the shape r a box has the width s * sqrt(r) and the height s / sqrt(r), as shares of the image.
    Boxes of one size and shape are spaced evenly from edge to edge, at most `step` of their own side apart. The whole
    image is the first box.

    Args:
        sides: shares of the image.
        shapes: width / height, relative to the image.
        step: largest distance of neighbours, in sides of the box.

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
            raise ConfigError(f"BoxGrid.sides: got {self.sides}; want shares of the image, above 0 and up to 1")
        if not self.shapes or min(self.shapes) <= 0 or self.step <= 0:
            raise ConfigError(f"BoxGrid: got shapes {self.shapes}, step {self.step}; want positive numbers")

    def boxes(self, size_hw: tuple[int, int]) -> Float[np.ndarray, "n 4"]:
        """Returns the boxes in pixels of an image of this size; their number does not depend on the image."""
        height, width = size_hw
        shares = [np.array([[0.0, 0.0, 1.0, 1.0]])]
        for side in self.sides:
            for shape in self.shapes:
                shares.append(self._tiles(min(1.0, side * shape**0.5), min(1.0, side / shape**0.5)))
        boxes: np.ndarray = np.concatenate(shares) * np.array([width, height, width, height])
        return boxes.astype(np.float32)

    def _tiles(self, width: float, height: float) -> np.ndarray:
        lefts, tops = self._starts(width), self._starts(height)
        return np.array([[left, top, left + width, top + height] for top in tops for left in lefts])

    def _starts(self, side: float) -> np.ndarray:
        # Rounded first: (1 - 0.4) / 0.2 is slightly more than 3 in floating point.
        count = int(np.ceil(round((1 - side) / (side * self.step), 6))) + 1
        return np.linspace(0, 1 - side, count)


@dataclass(frozen=True)
class StandOut:
    """A choice among the boxes of a grid: those whose features differ most from their surroundings in the trunk's map.

    Args:
        count: number of boxes per image.
        overlap: the IoU with a box of higher score above which a box is suppressed.
        ring: side of the surroundings / side of the box.

    Raises:
        ConfigError: a number outside its range.
    """

    count: int = 24
    overlap: float = 0.4
    ring: float = 1.6

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.overlap <= 1 or not self.ring > 1:
            raise ConfigError(
                f"StandOut: got count {self.count}, overlap {self.overlap}, ring {self.ring}; want count at least 1, "
                "overlap above 0 and at most 1, ring above 1"
            )


def check_regions(regions: ImageRegions, *, path: Path | str, row: int | str | None = None) -> ImageRegions:
    """Validates regions and returns them as float32, with boxes clipped at the border of their image.

    Args:
        regions: as a file has them.
        path: the file, for the error.
        row: the row of the image in the file, for the error.

    Raises:
        DataError: no region, arrays that differ in length, NaN or infinite values, a box outside the image by more than
            a pixel or without an area.
    """
    features, boxes = np.asarray(regions.features), np.asarray(regions.boxes_xyxy)
    classes = None if regions.classes is None else np.asarray(regions.classes)
    if features.ndim != 2 or boxes.ndim != 2 or boxes.shape[1] != 4 or len(features) != len(boxes) or not len(boxes):
        got = f"features {tuple(features.shape)}, boxes {tuple(boxes.shape)}"
        raise DataError(f"regions: got {got}; want (n, width) and (n, 4) with n > 0", path=path, row=row)
    if classes is not None and (np.ndim(classes) != 2 or len(classes) != len(boxes)):
        raise DataError(
            f"regions: classes: got {tuple(np.shape(classes))}; want ({len(boxes)}, classes)", path=path, row=row
        )
    for name, values in (("features", features), ("boxes", boxes), ("classes", classes)):
        # 32 bits are what systems read, and a number of 64 bits may be infinite in them.
        if values is not None and not (np.abs(values) <= np.finfo(np.float32).max).all():
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
    """Clips boxes at the border of the image, where at most a pixel is outside.

    Args:
        boxes_xyxy: in pixels.
        size_hw: of the image.
        path: the file with the boxes, for the error.
        row: the row of the image in the file, for the error.

    Raises:
        DataError: a box further outside, or one without an area; names the first.
    """
    height, width = size_hw
    border = np.array([width, height, width, height], dtype=np.float64)
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    clipped = np.clip(boxes, 0, border)
    invalid = (np.abs(clipped - boxes) > BORDER_PX).any(axis=1) | (clipped[:, 2:] <= clipped[:, :2]).any(axis=1)
    invalid |= ~np.isfinite(boxes).all(axis=1)
    if invalid.any():
        corners = ", ".join(f"{value:g}" for value in boxes[int(np.argmax(invalid))])
        raise DataError(
            f"regions: box: got ({corners}) as left, top, right, bottom; want a box with an area inside the image of "
            f"{width} x {height} pixels",
            path=path,
            row=row,
        )
    return clipped.astype(np.float32)


def rescale_boxes(
    boxes_xyxy: Float[np.ndarray, "n 4"], from_hw: tuple[int, int], to_hw: tuple[int, int]
) -> Float[np.ndarray, "n 4"]:
    """Rescales the boxes of an image from one size of it to another."""
    scale_y, scale_x = to_hw[0] / from_hw[0], to_hw[1] / from_hw[1]
    scaled: np.ndarray = np.asarray(boxes_xyxy, dtype=np.float64) * [scale_x, scale_y, scale_x, scale_y]
    return scaled.astype(np.float32)


def fit_to_image(
    regions: ImageRegions, image: ImageFile, *, path: Path | str, row: int | str | None = None
) -> ImageRegions:
    """Rescales regions to the pixels of the image file; detectors often run on a larger or smaller copy.

    Args:
        regions: in pixels of the detector's copy.
        image: the image file.
        path: the file with the regions, for the error.
        row: the row of the image in the file, for the error.

    Raises:
        DataError: the image has other proportions: the regions are of another one, or of a rotated or cropped copy.
    """
    size_hw = image_size_hw(image)
    if size_hw == regions.size_hw:
        return regions
    (height, width), (region_height, region_width) = size_hw, regions.size_hw
    if abs(np.log(height * region_width / (width * region_height))) > _MAX_ASPECT_DIFFERENCE + 1 / min(size_hw):
        raise DataError(
            f"regions: got an image of {region_width} x {region_height}; want the proportions of {image.name}, "
            f"{width} x {height} pixels (width x height)",
            path=path,
            row=row,
        )
    return regions.resized(size_hw)


_SIZES: OrderedDict[str, tuple[int, int]] = OrderedDict()


def image_size_hw(image: ImageFile) -> tuple[int, int]:
    """Returns height and width of an image as decoded, from its header; results are cached until the file changes.

    Raises:
        DataError: no image, or one with a broken header.
    """
    stamp = image.stamp()
    if stamp not in _SIZES:
        _SIZES[stamp] = header_size_hw(image)
        if len(_SIZES) > _CACHED_SIZES:
            _SIZES.popitem(last=False)
    return _SIZES[stamp]


def box_iou(boxes_xyxy: Float[np.ndarray, "n 4"], others_xyxy: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Computes the intersection over union of all pairs, of continuous boxes (from 0 to 2 is two pixels wide).

    Examples:
        >>> box_iou(np.array([[0, 0, 2, 2.0]]), np.array([[0, 0, 2, 4.0], [2, 0, 4, 2]])).tolist()
        [[0.5, 0.0]]
    """
    first = np.asarray(boxes_xyxy, dtype=np.float64)[:, None]
    second = np.asarray(others_xyxy, dtype=np.float64)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=-1)
    areas = [np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(axis=-1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, 1e-12))


def as_boxes(boxes: Sequence[Sequence[float]]) -> Float[np.ndarray, "n 4"]:
    """Returns the candidate boxes of an Example as an array."""
    return np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
