"""Options of UniT: views of images, loss of boxes, limits of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from motet.core import ConfigError
from motet.nn.matching import MatchCosts
from motet.preprocess.crops import Crop, Whole


@dataclass(frozen=True)
class FixedSize:
    """Images resized to the square that the trunk wants: nothing is padded, and features can be stored.

    Args:
        crop: of training images, for tasks that allow it; boxes move along.
    """

    crop: Crop = field(default_factory=Whole)


@dataclass(frozen=True)
class ShortestSide:
    """Images in their own shape: the shortest side is resized, and a batch is padded to its largest image.

    Source: UniT, section 4.1; the sizes are those of the official code's DETR transform. The paper crops last, the code
    resizes once more after the crop; we follow the code.

    Args:
        size: of the shortest side, in evaluation and for tasks that allow no crop.
        max_side: upper limit of the longest side.
        sizes: of the shortest side in training, one of them drawn.
        crop_probability: of resizing a training image to one of `sizes_before_crop` and cropping it.
        sizes_before_crop: of the shortest side before a crop.
        crop_side: smallest and largest side of a crop.
    """

    size: int = 800
    max_side: int = 1333
    sizes: tuple[int, ...] = (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800)
    crop_probability: float = 0.5
    sizes_before_crop: tuple[int, ...] = (400, 500, 600)
    crop_side: tuple[int, int] = (384, 600)

    def __post_init__(self) -> None:
        if min(self.size, *self.sizes, *self.sizes_before_crop, *self.crop_side) < 1:
            sizes = (self.size, *self.sizes, *self.sizes_before_crop, *self.crop_side)
            raise ConfigError(f"ShortestSide: got sizes {sizes}; want at least 1 each")
        if not self.sizes or not self.sizes_before_crop:
            raise ConfigError("ShortestSide.sizes: got none; want at least one, and one of sizes_before_crop")
        if self.max_side < self.size:
            raise ConfigError(f"ShortestSide.max_side: got {self.max_side}; want at least the size, {self.size}")
        if self.crop_side[0] > self.crop_side[1]:
            raise ConfigError(f"ShortestSide.crop_side: got {self.crop_side}; want the smaller side first")
        if not 0 <= self.crop_probability <= 1:
            raise ConfigError(f"ShortestSide.crop_probability: got {self.crop_probability}; want from 0 to 1")


Views: TypeAlias = FixedSize | ShortestSide


@dataclass(frozen=True)
class DetectionConfig:
    """Matching and loss of boxes, and the attribute head.

    Args:
        costs: of the matching.
        label: weight of the class loss.
        l1: weight of the L1 loss of boxes.
        giou: weight of the generalised IoU loss of boxes.
        attribute: weight of the attribute loss.
        background: weight of a query without an object in the class loss, relative to one with an object.
        balanced: the code's `use_bcl`: objects and background each have a mean of their own, weighted
            1 - `background` and `background`, and the matching costs use log-probabilities.
        every_layer: every decoder layer is matched and has a loss, else only the last one.
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
            raise ConfigError(f"DetectionConfig.background: got {self.background}; want above 0 and at most 1")
        if self.relu not in ("between", "after"):
            raise ConfigError(f"DetectionConfig.relu: got {self.relu!r}; want 'between' or 'after'")
        if self.max_attributes < 1:
            raise ConfigError(f"DetectionConfig.max_attributes: got {self.max_attributes}; want at least 1")


@dataclass(frozen=True)
class TextLimits:
    """Lengths of texts, and the text states that the decoder attends to.

    Args:
        max_tokens: of a text without an image.
        max_tokens_with_image: of a text with an image.
        cls_only: by task, whether the decoder attends only to the state of [CLS]. By default all states for `Answer`
            and `Region`, [CLS] for `Label`, as in the official configurations (VQAv2; SNLI-VE, GLUE).
    """

    max_tokens: int = 128
    max_tokens_with_image: int = 25
    cls_only: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.max_tokens, self.max_tokens_with_image) < 8:
            raise ConfigError(
                f"TextLimits.max_tokens: got {self.max_tokens} and {self.max_tokens_with_image} with an image; want at "
                "least 8"
            )
