"""One geometric transform for an image, its boxes and its maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Geometry:
    """A crop, an optional flip and a resize of one image, applied alike to its pixels, its boxes and its maps.

    Args:
        crop_xyxy: the crop, in whole pixels of the source.
        hflip: mirror the crop, left to right.
        size_hw: height and width of the result.
        source_hw: height and width of the source.
    """

    crop_xyxy: tuple[int, int, int, int]
    hflip: bool
    size_hw: tuple[int, int]
    source_hw: tuple[int, int]

    def pixels(self, image: Image.Image, *, antialias: bool = False) -> UInt8[np.ndarray, "h w 3"]:
        """Transforms the image, bilinear with half-pixel centres, in whole values of 0 to 255 as in big_vision.

        Args:
            image: RGB, of the source's size.
            antialias: average all source pixels of a pixel; else interpolate its two by two neighbours only, as
                `tf.image.resize` does by default.
        """
        (height, width), (x0, y0, x1, y1) = self.size_hw, self.crop_xyxy
        part = image if (x0, y0, x1, y1) == (0, 0, *image.size) else image.crop(self.crop_xyxy)
        if antialias:
            part = part.resize((width, height), Image.Resampling.BILINEAR)
        else:
            everything = (0, 0, *part.size)
            part = part.transform((width, height), Image.Transform.EXTENT, everything, Image.Resampling.BILINEAR)
        return np.asarray(part)[:, ::-1] if self.hflip else np.asarray(part)

    def boxes(
        self, boxes_xyxy: Float[np.ndarray, "n 4"], *, min_visible: float = 0.0
    ) -> tuple[Float[np.ndarray, "m 4"], Shaped[np.ndarray, "m"]]:
        """Returns the boxes in pixels of the result, clipped at its border, and the indices of those that remain.

        Args:
            boxes_xyxy: in pixels of the source.
            min_visible: a box remains when more than this share of its area is in the crop.
        """
        x0, y0, x1, y1 = self.crop_xyxy
        boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        clipped = np.clip(boxes, (x0, y0, x0, y0), (x1, y1, x1, y1))
        sides = clipped[:, 2:] - clipped[:, :2]
        remaining = np.flatnonzero((sides > 0).all(axis=1) & (np.prod(sides, axis=1) > min_visible * area))
        out = (clipped[remaining] - (x0, y0, x0, y0)) * np.tile(self._scale_xy, 2)
        if self.hflip:
            out[:, [0, 2]] = self.size_hw[1] - out[:, [2, 0]]
        return out, remaining

    def boxes_back(self, boxes_xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Returns boxes of the result, such as predictions, in pixels of the source."""
        boxes = np.array(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        if self.hflip:
            boxes[:, [0, 2]] = self.size_hw[1] - boxes[:, [2, 0]]
        out: np.ndarray = boxes / np.tile(self._scale_xy, 2) + np.tile(np.asarray(self.crop_xyxy[:2]), 2)
        return out

    def map(self, values: Shaped[np.ndarray, "h w *c"], *, unit_vectors: bool = False) -> Shaped[np.ndarray, "i j *c"]:
        """Transforms a map of the source's size, with nearest-neighbour interpolation.

        Args:
            values: a value or a vector per pixel.
            unit_vectors: the values are directions (x right, y down, z): a flip negates x.
        """
        x0, y0, x1, y1 = self.crop_xyxy
        rows, columns = _nearest(y1 - y0, self.size_hw[0]) + y0, _nearest(x1 - x0, self.size_hw[1]) + x0
        out: np.ndarray = values[rows[:, None], columns[::-1] if self.hflip else columns]
        if self.hflip and unit_vectors:
            out = out * np.array([-1, 1, 1], dtype=out.dtype)
        return out

    def map_back(self, values: Float[Tensor, "c h w"]) -> Float[Tensor, "c i j"]:
        """Returns a map of the result at the source's size, bilinear; NaN at pixels outside the crop."""
        (height, width), (x0, y0, x1, y1) = self.source_hw, self.crop_xyxy
        unflipped = values.flip(-1) if self.hflip else values
        size = (y1 - y0, x1 - x0)
        # Antialiasing has no effect where the map grows, and keeps thin structures where it shrinks.
        part = functional.interpolate(unflipped[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
        if size == self.source_hw:
            return part
        out = part.new_full((len(part), height, width), float("nan"))
        out[:, y0:y1, x0:x1] = part
        return out

    @property
    def zoom(self) -> float:
        """Magnification relative to a view of the whole source: the geometric mean over both sides.

        Examples:
            >>> Geometry((0, 0, 20, 10), False, (8, 8), (20, 40)).zoom
            2.0
        """
        x0, y0, x1, y1 = self.crop_xyxy
        height, width = self.source_hw
        return float(np.sqrt(height * width / ((x1 - x0) * (y1 - y0))))

    @property
    def numbers(self) -> tuple[int, int, int, int, int, int, int, int, int]:
        """The geometry as nine whole numbers, which fit into a batch."""
        return *self.crop_xyxy, int(self.hflip), *self.size_hw, *self.source_hw

    @staticmethod
    def of(numbers: Sequence[int]) -> Geometry:
        """Builds a geometry from its `numbers`.

        Examples:
            >>> here = Geometry((1, 2, 3, 4), True, (5, 6), (7, 8))
            >>> Geometry.of(here.numbers) == here
            True
        """
        x0, y0, x1, y1, flip, height, width, source_height, source_width = numbers
        return Geometry((x0, y0, x1, y1), bool(flip), (height, width), (source_height, source_width))

    @property
    def _scale_xy(self) -> Float[np.ndarray, "2"]:
        x0, y0, x1, y1 = self.crop_xyxy
        return np.array([self.size_hw[1] / (x1 - x0), self.size_hw[0] / (y1 - y0)])


def _nearest(source: int, size: int) -> np.ndarray:
    nearest: np.ndarray = np.minimum(((np.arange(size) + 0.5) * (source / size)).astype(np.int64), source - 1)
    return nearest
