"""Crops of training images: none, random crop, Inception crop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from motet.core import ConfigError


@runtime_checkable
class Crop(Protocol):
    """A distribution of crops of training images."""

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Draws a crop, (x0, y0, x1, y1) in whole pixels of the source."""
        ...


@dataclass(frozen=True)
class Whole:
    """No crop: resize only."""

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:  # noqa: ARG002
        height, width = source_hw
        return 0, 0, width, height


@dataclass(frozen=True)
class RandomCrop:
    """A crop at a random place, of a fixed share of height and width.

    Source: LiT decoder, appendix B.2, "random crop"; big_vision's `resize(s)|random_crop(t)` keeps t / s of each side,
    7/8 for the usual 256 and 224.

    Args:
        part: the share of each side that the crop keeps.
    """

    part: float = 0.875

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise ConfigError(f"RandomCrop.part: got {self.part}; want above 0 and at most 1")

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        height, width = (max(1, round(side * self.part)) for side in source_hw)
        y0, x0 = (int(rng.integers(side - size + 1)) for side, size in zip(source_hw, (height, width), strict=True))
        return x0, y0, x0 + width, y0 + height


@dataclass(frozen=True)
class SquareCrop:
    """A square as long as the shorter side, or a share of it, at a random place.

    Source: torchvision's ``Resize(size), RandomCrop(size)``, the official Uni-Perceiver's `clip_transforms`; with a
    share its videos' "short side scale jitter", 224 of 256 to 320.

    Args:
        part: least and largest length of its side, as a share of the shorter side.
    """

    part: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 < self.part[0] <= self.part[1] <= 1:
            raise ConfigError(f"SquareCrop.part: got {self.part}; want 0 < least <= largest <= 1")

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        side = max(1, round(min(source_hw) * float(rng.uniform(*self.part))))
        y0, x0 = (int(rng.integers(length - side + 1)) for length in source_hw)
        return x0, y0, x0 + side, y0 + side


@dataclass(frozen=True)
class InceptionCrop:
    """A crop of random area and aspect ratio; the whole image when a hundred tries find none that fits.

    Source: Szegedy et al., CVPR 2015; big_vision `pp/ops_image.py`, get_inception_crop, which is
    `tf.image.sample_distorted_bounding_box` with the whole image as the object.

    Args:
        min_area: least share of the image's area, 0.5 in the LiT decoder.
        max_area: largest share of the image's area.
        aspect: least and largest width / height.
    """

    min_area: float = 0.5
    max_area: float = 1.0
    aspect: tuple[float, float] = (0.75, 1.33)

    def __post_init__(self) -> None:
        if not 0 < self.min_area <= self.max_area <= 1:
            raise ConfigError(
                f"InceptionCrop.min_area: got {self.min_area} to {self.max_area}; want 0 < min <= max <= 1"
            )

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        source_height, source_width = source_hw
        least, most = (part * source_height * source_width for part in (self.min_area, self.max_area))
        for _ in range(100):
            aspect = rng.uniform(*self.aspect)
            # TensorFlow draws the height uniformly between those of the two areas, so the area is not uniform.
            low, high = round(math.sqrt(least / aspect)), round(math.sqrt(most / aspect))
            if round(high * aspect) > source_width:
                high = int((source_width + 0.5 - 1e-7) / aspect)
            high = min(high, source_height)
            low = min(low, high)
            height = low + int(rng.integers(high - low + 1))
            # Rounding may have moved the area just out of its range.
            height += (height * round(height * aspect) < least) - (height * round(height * aspect) > most)
            width = round(height * aspect)
            if least <= height * width <= most and 0 < width <= source_width and 0 < height <= source_height:
                # The end is excluded, as in TensorFlow: a crop smaller than the image never touches its far edge.
                y0 = int(rng.integers(max(source_height - height, 1)))
                x0 = int(rng.integers(max(source_width - width, 1)))
                return x0, y0, x0 + width, y0 + height
        return 0, 0, source_width, source_height
