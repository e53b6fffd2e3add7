"""Where the paper, its code and other published ways differ, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from motet.core import ConfigError
from motet.nn.matching import MatchCosts
from motet.preprocess.crops import Crop, Whole


@dataclass(frozen=True)
class FixedSize:
    """Every image is brought to the square that the trunk names; nothing is padded, and features can be stored.

    Args:
        crop: of training images, for tasks that allow it; boxes move along.
    """

    crop: Crop = field(default_factory=Whole)


@dataclass(frozen=True)
class ShortestSide:
    """Images keep their shape: the shortest side is resized, and a batch is padded to its largest image.

    Source: UniT, section 4.1; the sizes are those of the official code's DETR transform. The paper crops last, the code
    resizes once more after the crop; we follow the code.

    Args:
        size: of the shortest side, in evaluation and for tasks that allow no crop.
        max_side: no side becomes longer.
        sizes: of the shortest side in training, one of them drawn.
        crop_part: how often a training image is first resized to one of `before_crop`, then cropped.
        before_crop: sizes of the shortest side before a crop.
        crop_side: least and largest side of a crop.
    """

    size: int = 800
    max_side: int = 1333
    sizes: tuple[int, ...] = (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800)
    crop_part: float = 0.5
    before_crop: tuple[int, ...] = (400, 500, 600)
    crop_side: tuple[int, int] = (384, 600)

    def __post_init__(self) -> None:
        if min(self.size, *self.sizes, *self.before_crop, *self.crop_side) < 1:
            raise ConfigError(f"ShortestSide: got sizes {self.size}, {self.sizes}, {self.before_crop}; want at least 1")
        if not self.sizes or not self.before_crop:
            raise ConfigError("ShortestSide.sizes: got none; want at least one, and of before_crop too")
        if self.max_side < self.size:
            raise ConfigError(f"ShortestSide.max_side: got {self.max_side}; want at least the size, {self.size}")
        if self.crop_side[0] > self.crop_side[1]:
            raise ConfigError(f"ShortestSide.crop_side: got {self.crop_side}; want the least side first")
        if not 0 <= self.crop_part <= 1:
            raise ConfigError(f"ShortestSide.crop_part: got {self.crop_part}; want from 0 to 1")


Views: TypeAlias = FixedSize | ShortestSide


@dataclass(frozen=True)
class Detection:
    """How boxes are learned.

    Args:
        costs: of the matching.
        label: weight of the classes' loss.
        l1: weight of the boxes' L1 distance.
        giou: weight of the boxes' generalised IoU.
        attribute: weight of the attributes' loss.
        background: what a query that stands for nothing counts, over one that stands for a thing.
        balanced: the code's `use_bcl`: things and background each have a mean of their own, weighted
            1 - `background` and `background`, and the matching costs use log-probabilities.
        every_layer: each decoder layer is matched and judged, else the last one alone.
        relu: the attribute head's one ReLU: "between" its two layers, or "after" both, on the scores, as in the
            official code.
        max_attributes: of one box, in training.
    """

    costs: MatchCosts = field(default_factory=MatchCosts)
    label: float = 1.0
    l1: float = 5.0
    giou: float = 2.0
    attribute: float = 1.0
    background: float = 0.1
    balanced: bool = False
    every_layer: bool = True
    relu: Literal["between", "after"] = "between"
    max_attributes: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.background <= 1:
            raise ConfigError(f"Detection.background: got {self.background}; want above 0 and at most 1")
        if self.relu not in ("between", "after"):
            raise ConfigError(f"Detection.relu: got {self.relu!r}; want 'between' or 'after'")
        if self.max_attributes < 1:
            raise ConfigError(f"Detection.max_attributes: got {self.max_attributes}; want at least 1")


@dataclass(frozen=True)
class TextLimits:
    """How much of a text is read, and how much of it the decoder sees.

    Args:
        max_tokens: of a text without an image.
        max_tokens_with_image: of a text beside an image.
        cls_only: by task, whether the decoder sees only the state of [CLS]. Of tasks that are not named: all states
            for `Answer` and `Region`, [CLS] for `Label`, as the official configurations have it (VQAv2; SNLI-VE, GLUE).
    """

    max_tokens: int = 128
    max_tokens_with_image: int = 25
    cls_only: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.max_tokens, self.max_tokens_with_image) < 8:
            raise ConfigError(
                f"Reading.max_tokens: got {self.max_tokens} and {self.max_tokens_with_image} with an image; want at "
                "least 8"
            )
