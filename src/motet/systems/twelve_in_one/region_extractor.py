"""Extraction of regions: from a source, or pooled from a trunk's map."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import DataError
from motet.nn.feature_maps import MapTower
from motet.nn.regions import contrast, pool_regions, pooling_weights, select_disjoint, surroundings
from motet.preprocess.regions import BoxGrid, StandOut, box_iou
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.regions import PaddedRegions


class RegionExtractor(nn.Module):
    """The regions of the images of a batch, from its inputs.

    Args:
        config: source, or trunk and boxes.
        fetch: whether a pretrained trunk is downloaded; a restored model has its own weights.
    """

    def __init__(self, config: TwelveInOneConfig, *, fetch: bool) -> None:
        super().__init__()
        self.source, self.bins = config.source, config.bins
        self.trunk = MapTower(config.trunk, config.mode, fetch=fetch) if config.source is None else None
        self.max_regions = config.max_regions
        if self.trunk is not None and config.box_source is None:
            self.boxes = GridRegions(config.grid, config.stand_out, self.trunk.grid_hw, config.bins)
            self.max_regions = self.boxes.count

    @property
    def width(self) -> int:
        """Channels of a region feature."""
        if self.trunk is not None:
            return self.trunk.width
        assert self.source is not None
        return self.source.width

    @property
    def num_classes(self) -> int:
        """Classes of the detector; 0 for regions without class probabilities."""
        return 0 if self.source is None else self.source.num_classes

    def encode(self, pixels: Float[Tensor, "p 3 h w"]) -> Float[Tensor, "p n c"]:
        """Returns the trunk's map, row by row."""
        if self.trunk is None:
            raise DataError("batch: got pixels; want regions, since this model was built with a source of them")
        tokens: Tensor = self.trunk(pixels)
        return tokens

    def forward(self, inputs: Mapping[str, Tensor]) -> BatchImages:
        """Returns the regions of all images of a batch."""
        if "present" not in inputs:
            raise DataError(
                "batch: got rows without images; want an image in every row, since no task is on text alone"
            )
        size_hw, images_per_row = inputs["size_hw"].flatten(0, 1), inputs["present"].shape[1]
        if self.trunk is None:
            return BatchImages(self, _source_regions(inputs, size_hw), images_per_row, None)
        tokens = self._tokens(inputs)
        features, boxes, valid = self._pool_boxes(tokens, inputs) if "boxes" in inputs else self.boxes(tokens)
        return BatchImages(self, PaddedRegions(features, boxes, valid, size_hw, valid), images_per_row, tokens)

    def pool(self, tokens: Float[Tensor, "p n c"], boxes_xyxy: Float[Tensor, "p e 4"]) -> Float[Tensor, "p e c"]:
        """Pools a map in boxes that are relative to the image."""
        assert self.trunk is not None
        return pool_regions(tokens, boxes_xyxy, self.trunk.grid_hw, bins=self.bins)

    def _pool_boxes(
        self, tokens: Float[Tensor, "p n c"], inputs: Mapping[str, Tensor]
    ) -> tuple[Float[Tensor, "p r c"], Float[Tensor, "p r 4"], Bool[Tensor, "p r"]]:
        """Returns the features, boxes and padding mask of boxes detected beforehand."""
        boxes, valid = inputs["boxes"].flatten(0, 1), inputs["valid"].flatten(0, 1)
        with torch.autocast(tokens.device.type, enabled=False):
            return self.pool(tokens, boxes), boxes, valid

    def _tokens(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "p n c"]:
        if "features" in inputs:
            # Stored in half precision; boxes are pooled in full.
            features = inputs["features"].float()
            return features.flatten(0, 1) if features.ndim == 4 else features
        if "pixels" not in inputs:
            raise DataError("batch: got no pixels; want pixels or features, since this model has no source of regions")
        pixels = inputs["pixels"]
        return self.encode(pixels.flatten(0, 1) if pixels.ndim == 5 else pixels)


class GridRegions(nn.Module):
    """Regions pooled from a trunk's map in the boxes of a grid, or in those that differ from their surroundings.

    Args:
        grid: the boxes.
        stand_out: picks some of them per image; None for all.
        grid_hw: rows and columns of the map.
        bins: sampling points per side of a box.
    """

    def __init__(self, grid: BoxGrid, stand_out: StandOut | None, grid_hw: tuple[int, int], bins: int) -> None:
        super().__init__()
        self.stand_out = stand_out
        boxes = torch.from_numpy(grid.boxes((1, 1)))
        self.count = len(boxes) if stand_out is None else min(stand_out.count, len(boxes))
        self.boxes_xyxy: Tensor
        self.inside: Tensor
        self.around: Tensor
        self.overlapping: Tensor
        known = {"boxes_xyxy": boxes, "inside": pooling_weights(boxes, grid_hw, bins=bins)}
        if stand_out is not None:
            near = box_iou(boxes.numpy(), boxes.numpy()) > stand_out.overlap
            known["around"] = pooling_weights(surroundings(boxes, stand_out.ring), grid_hw, bins=bins)
            known["overlapping"] = torch.from_numpy(near) | torch.eye(len(boxes), dtype=torch.bool)
        for name, tensor in known.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(
        self, tokens: Float[Tensor, "p n c"]
    ) -> tuple[Float[Tensor, "p r c"], Float[Tensor, "p r 4"], Bool[Tensor, "p r"]]:
        """Returns features, boxes relative to the image, and the padding mask."""
        # In full precision, so that the same boxes are picked whatever the rest of the model computes in.
        with torch.autocast(tokens.device.type, enabled=False):
            tokens = tokens.float()
            features = self.inside @ tokens
            if self.stand_out is None:
                boxes = self.boxes_xyxy.expand(len(tokens), -1, -1)
                return features, boxes, torch.ones(boxes.shape[:2], dtype=torch.bool, device=tokens.device)
            scores = contrast(features, self.around @ tokens).detach()
            picked, valid = select_disjoint(scores, self.overlapping, self.count)
        return features.take_along_dim(picked[..., None], dim=1), self.boxes_xyxy[picked], valid


class BatchImages:
    """The images of a batch, row after row, each row padded to the same number of images.

    Args:
        extractor: pools further boxes.
        regions: of all images.
        images_per_row: in the row with the most images; no target refers to the padding of other rows.
        tokens: the trunk's maps, row by row; None with a source.
    """

    def __init__(
        self,
        extractor: RegionExtractor,
        regions: PaddedRegions,
        images_per_row: int,
        tokens: Float[Tensor, "p n c"] | None,
    ) -> None:
        self.extractor, self.regions, self.images_per_row, self.tokens = extractor, regions, images_per_row, tokens

    def of_rows(self, rows: Int[Tensor, "r"], place: int = 0) -> PaddedRegions:
        """Returns one image of each of some rows."""
        return self.regions.rows(rows * self.images_per_row + place)

    def first_of_rows(self, rows: Int[Tensor, "r"], count: int) -> PaddedRegions:
        """Returns the first images of some rows, row after row."""
        places = torch.arange(count, device=rows.device)
        return self.regions.rows((rows[:, None] * self.images_per_row + places).flatten())

    def with_extra_boxes(self, rows: Int[Tensor, "r"], value: Mapping[str, Tensor]) -> PaddedRegions:
        """Returns the first image of some rows, with the extra boxes of a target after its regions."""
        regions = self.of_rows(rows)
        height, width = regions.size_hw[:, 0], regions.size_hw[:, 1]
        scale = torch.stack([width, height, width, height], -1)[:, None]
        boxes = value["extra_boxes"].to(regions.boxes_xyxy.dtype) / scale
        if "extra_features" in value:
            return regions.with_boxes(boxes, value["extra_features"], value["valid"])
        assert self.tokens is not None
        features = self.extractor.pool(self.tokens[rows * self.images_per_row], boxes)
        return regions.with_boxes(boxes, features, value["valid"])


def _source_regions(inputs: Mapping[str, Tensor], size_hw: Float[Tensor, "p 2"]) -> PaddedRegions:
    if "regions" not in inputs:
        raise DataError("batch: got no regions; want regions, since this model was built with a source of them")
    valid: Bool[Tensor, "p n"] = inputs["valid"].flatten(0, 1)
    classes = inputs["classes"].flatten(0, 1) if "classes" in inputs else None
    return PaddedRegions(inputs["regions"].flatten(0, 1), inputs["boxes"].flatten(0, 1), valid, size_hw, valid, classes)
