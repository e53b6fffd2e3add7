"""Regions as inputs of the image stream: features, locations, and the mean of all as the first one (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class PaddedRegions:
    """The regions of p images, padded to the same number.

    Args:
        features: of each region.
        boxes_xyxy: left, top, right, bottom, relative to the image.
        valid: True on regions, False on padding.
        size_hw: of the images, in pixels of the file.
        in_mean: True on regions that are part of the image's mean: detected ones, not extra boxes.
        classes: the detector's class probabilities per region.
    """

    features: Float[Tensor, "p n f"]
    boxes_xyxy: Float[Tensor, "p n 4"]
    valid: Bool[Tensor, "p n"]
    size_hw: Float[Tensor, "p 2"]
    in_mean: Bool[Tensor, "p n"]
    classes: Float[Tensor, "p n k"] | None = None

    def rows(self, index: Int[Tensor, "r"]) -> PaddedRegions:
        """Returns some of the images; an index may occur several times."""
        return PaddedRegions(
            self.features[index],
            self.boxes_xyxy[index],
            self.valid[index],
            self.size_hw[index],
            self.in_mean[index],
            None if self.classes is None else self.classes[index],
        )

    def with_boxes(
        self, boxes_xyxy: Float[Tensor, "p e 4"], features: Float[Tensor, "p e f"], valid: Bool[Tensor, "p e"]
    ) -> PaddedRegions:
        """Appends extra boxes to the regions; they are not part of the image's mean."""
        return replace(
            self,
            features=torch.cat([self.features, features.to(self.features.dtype)], dim=1),
            boxes_xyxy=torch.cat([self.boxes_xyxy, boxes_xyxy.to(self.boxes_xyxy.dtype)], dim=1),
            valid=torch.cat([self.valid, valid], dim=1),
            in_mean=torch.cat([self.in_mean, torch.zeros_like(valid)], dim=1),
            classes=None,
        )

    def boxes_with_image(self) -> Float[Tensor, "p m 4"]:
        """Returns the boxes with that of the whole image before them."""
        whole = self.boxes_xyxy.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(len(self.boxes_xyxy), 1, 4)
        return torch.cat([whole, self.boxes_xyxy], dim=1)

    def boxes_px(self) -> Float[Tensor, "p m 4"]:
        """Returns the boxes in pixels of the files, that of the whole image before them."""
        return self.in_pixels(self.boxes_with_image())

    def in_pixels(self, boxes_xyxy: Float[Tensor, "p e 4"]) -> Float[Tensor, "p e 4"]:
        """Converts boxes relative to the images to pixels of the files."""
        return boxes_xyxy * self.size_hw.flip(-1).repeat(1, 2)[:, None]


@dataclass(frozen=True)
class RegionMask:
    """Masks over the regions of p images.

    Args:
        zeroed: regions whose feature is set to zero.
        is_target: regions to predict.
        not_summed: regions that are left out of the sum in the image's mean.
        not_counted: regions that are left out of the number that this sum is divided by.
    """

    zeroed: Bool[Tensor, "p n"]
    is_target: Bool[Tensor, "p n"]
    not_summed: Bool[Tensor, "p n"]
    not_counted: Bool[Tensor, "p n"]


def prepend_image_region(
    regions: PaddedRegions, mask: RegionMask | None = None
) -> tuple[Float[Tensor, "p m f"], Float[Tensor, "p m 5"], Bool[Tensor, "p m"]]:
    """Returns features, locations and padding mask, with IMG as first region: the whole image, the mean of all.

        f_IMG = sum of features / number of features, of regions `in_mean`;   location_IMG = (0, 0, 1, 1, 1)

    Source: 12-in-1, section 3.1; the official code, `_image_features_reader.py`.

    Args:
        regions: of p images.
        mask: of masked regions; None if nothing is masked.
    """
    features, summed, counted = regions.features, regions.in_mean, regions.in_mean
    if mask is not None:
        features = features.masked_fill(mask.zeroed[..., None], 0.0)
        summed, counted = summed & ~mask.not_summed, counted & ~mask.not_counted
    total = (features * summed[..., None]).sum(dim=1, keepdim=True)
    mean = total / counted.sum(dim=1)[:, None, None].clamp(min=1)
    boxes = regions.boxes_with_image()
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    locations = torch.cat([boxes, area[..., None]], dim=-1)
    return torch.cat([mean, features], dim=1), locations, F.pad(regions.valid, (1, 0), value=True)


def iou_px(
    boxes_xyxy: Float[Tensor, "*b n 4"], others_xyxy: Float[Tensor, "*b m 4"], border_px: float = 1.0
) -> Float[Tensor, "*b n m"]:
    """Returns the intersection over union of boxes in pixels, with every side longer by `border_px`.

    Source: the official code, `iou` of `refer_expression_dataset.py`, where corners are whole pixels.

    Examples:
        >>> box = torch.tensor([[0.0, 0, 9, 9]])
        >>> iou_px(box, torch.tensor([[0.0, 0, 9, 4], [20, 20, 30, 30]])).tolist()
        [[0.5, 0.0]]
    """
    first, second = boxes_xyxy[..., :, None, :], others_xyxy[..., None, :, :]
    sides = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2]) + border_px
    intersection = sides.clamp(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2] + border_px).prod(-1) for boxes in (first, second)]
    return intersection / (areas[0] + areas[1] - intersection).clamp(min=1e-6)
