"""Where regions come from: a source's, or boxes read from a trunk's map."""

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


class RegionEmbedding(nn.Module):
    """The inputs of a batch to regions.

    Args:
        config: source, or trunk and grid.
        fetch: whether a pretrained trunk is fetched; a restored model brings its own.
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
        """Numbers of a region's feature."""
        if self.trunk is not None:
            return self.trunk.width
        assert self.source is not None
        return self.source.width

    @property
    def num_classes(self) -> int:
        """Classes that a region has probabilities of; 0 where there are none."""
        return 0 if self.source is None else self.source.num_classes

    def encode(self, pixels: Float[Tensor, "p 3 h w"]) -> Float[Tensor, "p n c"]:
        """The trunk's map, row by row."""
        if self.trunk is None:
            raise DataError("batch: got pixels; want regions of the source, which this model was built with")
        tokens: Tensor = self.trunk(pixels)
        return tokens

    def forward(self, inputs: Mapping[str, Tensor]) -> BatchImages:
        """The regions of all pictures of a batch."""
        if "present" not in inputs:
            raise DataError("batch: got rows without images; want them, since 12-in-1 answers no text alone")
        size_hw, num_a_row = inputs["size_hw"].flatten(0, 1), inputs["present"].shape[1]
        if self.trunk is None:
            return BatchImages(self, _of_source(inputs, size_hw), num_a_row, None)
        tokens = self._tokens(inputs)
        features, boxes, valid = self._found(tokens, inputs) if "boxes" in inputs else self.boxes(tokens)
        return BatchImages(self, PaddedRegions(features, boxes, valid, size_hw, valid), num_a_row, tokens)

    def pooled(self, tokens: Float[Tensor, "p n c"], boxes_xyxy: Float[Tensor, "p e 4"]) -> Float[Tensor, "p e c"]:
        """A map read in boxes, in parts of the picture."""
        assert self.trunk is not None
        return pool_regions(tokens, boxes_xyxy, self.trunk.grid_hw, bins=self.bins)

    def _found(
        self, tokens: Float[Tensor, "p n c"], inputs: Mapping[str, Tensor]
    ) -> tuple[Float[Tensor, "p r c"], Float[Tensor, "p r 4"], Bool[Tensor, "p r"]]:
        """What the map says in boxes that were found beforehand."""
        boxes, valid = inputs["boxes"].flatten(0, 1), inputs["valid"].flatten(0, 1)
        with torch.autocast(tokens.device.type, enabled=False):
            return self.pooled(tokens, boxes), boxes, valid

    def _tokens(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "p n c"]:
        if "features" in inputs:
            # Kept in half the bits; boxes are read in full.
            features = inputs["features"].float()
            return features.flatten(0, 1) if features.ndim == 4 else features
        if "pixels" not in inputs:
            raise DataError("batch: got no pixels; want them, since this model was built without a source of regions")
        pixels = inputs["pixels"]
        return self.encode(pixels.flatten(0, 1) if pixels.ndim == 5 else pixels)


class GridRegions(nn.Module):
    """A trunk's map read in the same boxes of every picture, or in those of them that stand out.

    Args:
        grid: the boxes.
        stand_out: which of them are looked at; None: all.
        grid_hw: rows and columns of the map.
        bins: places a side that a box is read at.
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
        """Features, boxes as shares of the picture, and which of them are real."""
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
    """The pictures of a batch, row after row, each row with the same number of places.

    Args:
        seeing: what read them.
        seen: their regions.
        num_a_row: places of a row; where a row has fewer pictures, the rest is nothing that a target names.
        tokens: of the trunk's maps; None with a source.
    """

    def __init__(
        self, seeing: RegionEmbedding, seen: PaddedRegions, num_a_row: int, tokens: Float[Tensor, "p n c"] | None
    ) -> None:
        self.seeing, self.seen, self.num_a_row, self.tokens = seeing, seen, num_a_row, tokens

    def of(self, rows: Int[Tensor, "r"], place: int = 0) -> PaddedRegions:
        """One picture of each of some rows."""
        return self.seen.rows(rows * self.num_a_row + place)

    def all_of(self, rows: Int[Tensor, "r"], count: int) -> PaddedRegions:
        """The first pictures of some rows, row after row."""
        places = torch.arange(count, device=rows.device)
        return self.seen.rows((rows[:, None] * self.num_a_row + places).flatten())

    def with_given(self, rows: Int[Tensor, "r"], value: Mapping[str, Tensor]) -> PaddedRegions:
        """The first picture of some rows, with the boxes of a target behind its regions."""
        seen = self.of(rows)
        height, width = seen.size_hw[:, 0], seen.size_hw[:, 1]
        boxes = value["given"].to(seen.boxes_xyxy.dtype) / torch.stack([width, height, width, height], -1)[:, None]
        if "given_features" in value:
            return seen.with_boxes(boxes, value["given_features"], value["real"])
        assert self.tokens is not None
        return seen.with_boxes(boxes, self.seeing.pooled(self.tokens[rows * self.num_a_row], boxes), value["real"])


def _of_source(inputs: Mapping[str, Tensor], size_hw: Float[Tensor, "p 2"]) -> PaddedRegions:
    if "regions" not in inputs:
        raise DataError("batch: got no regions; want them, since this model was built with a source of regions")
    valid: Bool[Tensor, "p n"] = inputs["valid"].flatten(0, 1)
    classes = inputs["classes"].flatten(0, 1) if "classes" in inputs else None
    return PaddedRegions(inputs["regions"].flatten(0, 1), inputs["boxes"].flatten(0, 1), valid, size_hw, valid, classes)
