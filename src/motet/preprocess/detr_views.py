"""DETR's augmentation: the shortest side resized to one of many sizes, some images cropped before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry


def shortest_side(source_hw: tuple[int, int], size: int, max_side: int | None = None) -> tuple[int, int]:
    """Returns height and width with the shortest side at `size`, or less where the longest would exceed `max_side`.

    Source: DETR, `datasets/transforms.py`, get_size_with_aspect_ratio; fractions of a pixel are truncated.

    Examples:
        >>> shortest_side((480, 640), 800, 1333), shortest_side((300, 1000), 800, 1333)
        ((800, 1066), (400, 1333))
    """
    least, most = min(source_hw), max(source_hw)
    if max_side is not None and most / least * size > max_side:
        size = round(max_side * least / most)
    longest = max(1, int(size * most / least))
    return (size, longest) if source_hw[0] <= source_hw[1] else (longest, size)


@dataclass(frozen=True)
class DetrViews:
    """Draws the augmentation of one image as a `Geometry`, which its pixels and boxes then share.

    A share `crop_part` of the images is resized, cropped and resized again, the others are resized only. Departure:
    both resizes are one here, so the border of a crop is on a whole pixel of the source image.

    Source: DETR, `datasets/coco.py`, make_coco_transforms; UniT, section 4.1.

    Args:
        size: of the shortest side in evaluation.
        max_side: the largest size of the longest side.
        sizes: of the shortest side in training; one is drawn.
        crop_part: the probability of a crop.
        before_crop: sizes of the shortest side before a crop; one is drawn.
        crop_side: least and largest side of a crop, in pixels of the image before the crop.
        hflip: mirror half of the images.
    """

    size: int
    max_side: int
    sizes: Sequence[int]
    crop_part: float
    before_crop: Sequence[int]
    crop_side: tuple[int, int]
    hflip: bool = True

    def plain(self, source_hw: tuple[int, int]) -> Geometry:
        """Returns the geometry of evaluation: the whole image."""
        return self._resized((0, 0, source_hw[1], source_hw[0]), False, source_hw, self.size)

    def draw(
        self,
        source_hw: tuple[int, int],
        invariant: frozenset[Invariance],
        rng: np.random.Generator | None,
        *,
        scales: bool,
    ) -> Geometry:
        """Draws a geometry of training, with the changes that the task allows.

        Args:
            source_hw: height and width of the image.
            invariant: the changes that the task is invariant to.
            rng: of the draws; None for `plain`.
            scales: draw the size, and a crop where the task allows it; False for the size of evaluation.
        """
        if rng is None:
            return self.plain(source_hw)
        flip = self.hflip and "hflip" in invariant and bool(rng.integers(2))
        whole = (0, 0, source_hw[1], source_hw[0])
        if not scales:
            return self._resized(whole, flip, source_hw, self.size)
        crop = "crop" in invariant and rng.random() < self.crop_part
        box = self._crop(source_hw, rng) if crop else whole
        return self._resized(box, flip, source_hw, int(rng.choice(np.asarray(self.sizes))))

    def _crop(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        height, width = source_hw
        scale = int(rng.choice(np.asarray(self.before_crop))) / min(source_hw)
        sides = []
        for side in (height, width):
            most = min(self.crop_side[1], int(side * scale))
            drawn = int(rng.integers(min(self.crop_side[0], most), most + 1))
            sides.append(min(side, max(1, round(drawn / scale))))
        y0, x0 = (int(rng.integers(side - size + 1)) for side, size in zip(source_hw, sides, strict=True))
        return x0, y0, x0 + sides[1], y0 + sides[0]

    def _resized(
        self, box_xyxy: tuple[int, int, int, int], hflip: bool, source_hw: tuple[int, int], size: int
    ) -> Geometry:
        x0, y0, x1, y1 = box_xyxy
        return Geometry(box_xyxy, hflip, shortest_side((y1 - y0, x1 - x0), size, self.max_side), source_hw)
