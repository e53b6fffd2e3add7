"""Regions as the stream of images reads them: features, places, and the mean of all in front (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class PaddedRegions:
    """The regions of p pictures, filled up to the same number.

    Args:
        features: of each region.
        boxes_xyxy: left, top, right, bottom, in parts of the picture.
        valid: True on regions, False on what fills up.
        size_hw: of the pictures, in pixels of the file.
        counted: True on regions that are part of the picture's mean: those the detector found, not those given.
        classes: of each region the detector's probabilities.
    """

    features: Float[Tensor, "p n f"]
    boxes_xyxy: Float[Tensor, "p n 4"]
    valid: Bool[Tensor, "p n"]
    size_hw: Float[Tensor, "p 2"]
    counted: Bool[Tensor, "p n"]
    classes: Float[Tensor, "p n k"] | None = None

    def rows(self, index: Int[Tensor, "r"]) -> PaddedRegions:
        """Some of the pictures, perhaps several times."""
        return PaddedRegions(
            self.features[index],
            self.boxes_xyxy[index],
            self.valid[index],
            self.size_hw[index],
            self.counted[index],
            None if self.classes is None else self.classes[index],
        )

    def with_boxes(
        self, boxes_xyxy: Float[Tensor, "p e 4"], features: Float[Tensor, "p e f"], valid: Bool[Tensor, "p e"]
    ) -> PaddedRegions:
        """With given boxes behind the regions; they are no part of the picture's mean."""
        return replace(
            self,
            features=torch.cat([self.features, features.to(self.features.dtype)], dim=1),
            boxes_xyxy=torch.cat([self.boxes_xyxy, boxes_xyxy.to(self.boxes_xyxy.dtype)], dim=1),
            valid=torch.cat([self.valid, valid], dim=1),
            counted=torch.cat([self.counted, torch.zeros_like(valid)], dim=1),
            classes=None,
        )

    def in_pixels(self, boxes_xyxy: Float[Tensor, "p e 4"]) -> Float[Tensor, "p e 4"]:
        """Boxes in parts of the pictures as boxes in pixels of their files."""
        return boxes_xyxy * self.size_hw.flip(-1).repeat(1, 2)[:, None]


@dataclass(frozen=True)
class Hidden:
    """What is hidden of p pictures.

    Args:
        gone: regions whose feature is zero.
        told: regions to be told.
        unsummed: regions that are no part of the sum in the picture's mean.
        uncounted: regions that this sum is not divided by.
    """

    gone: Bool[Tensor, "p n"]
    told: Bool[Tensor, "p n"]
    unsummed: Bool[Tensor, "p n"]
    uncounted: Bool[Tensor, "p n"]


def with_mean(
    seen: PaddedRegions, hidden: Hidden | None = None
) -> tuple[Float[Tensor, "p m f"], Float[Tensor, "p m 5"], Bool[Tensor, "p m"]]:
    """Features, places and validity, with the whole picture as a region in front: IMG, the mean of all features.

        f_IMG = sum of counted features / number of counted;   place_IMG = (0, 0, 1, 1, 1)

    Source: 12-in-1, section 3.1; the official code, `_image_features_reader.py`.

    Args:
        seen: the regions.
        hidden: what is hidden of them; None for nothing.
    """
    features, summed, counted = seen.features, seen.counted, seen.counted
    if hidden is not None:
        features = features.masked_fill(hidden.gone[..., None], 0.0)
        summed, counted = summed & ~hidden.unsummed, counted & ~hidden.uncounted
    total = (features * summed[..., None]).sum(dim=1, keepdim=True)
    mean = total / counted.sum(dim=1)[:, None, None].clamp(min=1)
    whole = seen.boxes_xyxy.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(len(features), 1, 4)
    boxes = torch.cat([whole, seen.boxes_xyxy], dim=1)
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    places = torch.cat([boxes, area[..., None]], dim=-1)
    return torch.cat([mean, features], dim=1), places, F.pad(seen.valid, (1, 0), value=True)


def overlaps_px(
    boxes_xyxy: Float[Tensor, "*b n 4"], others_xyxy: Float[Tensor, "*b m 4"], border_px: float = 1.0
) -> Float[Tensor, "*b n m"]:
    """Intersection over union of boxes in pixels, each side taken as longer by `border_px`.

    Source: the official code, `iou` of `refer_expression_dataset.py`, which takes a corner for a whole pixel.

    Examples:
        >>> box = torch.tensor([[0.0, 0, 9, 9]])
        >>> overlaps_px(box, torch.tensor([[0.0, 0, 9, 4], [20, 20, 30, 30]])).tolist()
        [[0.5, 0.0]]
    """
    first, second = boxes_xyxy[..., :, None, :], others_xyxy[..., None, :, :]
    sides = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2]) + border_px
    shared = sides.clamp(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2] + border_px).prod(-1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-6)
