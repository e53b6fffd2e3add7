"""Image inputs of 12-in-1: detected regions, pixels, or stored features of a frozen trunk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from motet.core import ConfigError, DataError, Example, FeatureStore, ImageFile, Match, Region, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.images import ImageTransform, decode
from motet.preprocess.regions import BoxSource, ImageRegions, RegionSource, clip_to_image, image_size_hw


@dataclass(frozen=True)
class ImageRow:
    """One encoded image of a row.

    Args:
        size_hw: of the file, in pixels.
        values: pixels (3, h, w) or stored features (n, c); None with regions of a source.
        regions: of a source, else None.
        boxes_xyxy: of a box source, in pixels of the file, in which the trunk's map is pooled; else None.
    """

    size_hw: tuple[int, int]
    values: np.ndarray | None = None
    regions: ImageRegions | None = None
    boxes_xyxy: np.ndarray | None = None


@dataclass(frozen=True)
class ImageInputs:
    """Reads, transforms and collates the images of each row.

    Args:
        source: of regions; None for pixels or stored features.
        max_regions: upper limit, for a source or a box source.
        transform: of pixels; None with a source.
        box_source: boxes in which the trunk's map is pooled; None with a source or a grid of boxes.
        store: stored features; None for pixels.
    """

    source: RegionSource | None
    max_regions: int
    transform: ImageTransform | None
    box_source: BoxSource | None = None
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> tuple[ImageRow, ...]:
        """Returns all images of a row. An image is flipped only if no task and no box source refers to places in it."""
        ids = example.image_ids or ("",) * len(example.images)
        if len(ids) != len(example.images):
            raise DataError(f"{example.id}: image_ids: got {len(ids)}; want as many as images, {len(example.images)}")
        if self.source is not None:
            return tuple(self._read_regions(image, name) for image, name in zip(example.images, ids, strict=True))
        has_boxes = self.box_source is not None or any(
            isinstance(task.target, Region) or task.target == Match("regions") for task in tasks
        )
        invariant: frozenset[Invariance] = frozenset()
        if not has_boxes:
            invariant = frozenset.intersection(*(task.invariant for task in tasks)) & {"hflip"}
        images = (self._read_image(image, invariant, rng) for image in example.images)
        if self.box_source is None:
            return tuple(images)
        return tuple(self._with_boxes(*each) for each in zip(images, example.images, ids, strict=True))

    def features_at(self, example: Example, boxes_xyxy: np.ndarray) -> np.ndarray | None:
        """Returns a source's features of boxes in a row's first image; None if the system pools them from its map."""
        if self.source is None:
            return None
        name = example.image_ids[0] if example.image_ids else ""
        return self.source.at(example.images[0], name, boxes_xyxy).features

    def _read_regions(self, image: ImageFile, image_id: str) -> ImageRow:
        assert self.source is not None
        regions = self.source.regions(image, image_id).first(self.max_regions)
        if regions.features.shape[1] != self.source.width:
            raise DataError(
                f"regions of {image_id!r}: got features of {regions.features.shape[1]} numbers; want "
                f"{self.source.width}, the width of the source"
            )
        return ImageRow(regions.size_hw, regions=regions)

    def _with_boxes(self, row: ImageRow, image: ImageFile, image_id: str) -> ImageRow:
        assert self.box_source is not None
        boxes = self.box_source.boxes_for(image, image_id)[: self.max_regions]
        return replace(row, boxes_xyxy=clip_to_image(boxes, row.size_hw, path=image.name))

    def _read_image(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> ImageRow:
        if self.store is not None:
            return ImageRow(image_size_hw(image), self.store.read(image, invariant, rng))
        transform = self._transform()
        decoded = decode(image)
        size_hw = (decoded.height, decoded.width)
        return ImageRow(size_hw, transform(decoded, transform.draw(size_hw, invariant, rng)))

    def collate(self, rows: Sequence[tuple[ImageRow, ...]]) -> dict[str, Tensor]:
        """Returns the inputs of a batch.

        ``present`` (b, m), True on images; ``size_hw`` (b, m, 2); and ``pixels`` (b, m, 3, h, w) or ``features``
        (b, m, n, c), without the m if every row has one image; or ``regions`` (b, m, n, f). With a source or a box
        source also ``boxes`` (b, m, n, 4) relative to the image, ``valid`` (b, m, n) and, if the source has them,
        ``classes`` (b, m, n, k).
        """
        num_images = max(1, *(len(row) for row in rows))
        present = torch.tensor([[place < len(row) for place in range(num_images)] for row in rows])
        size_hw = torch.ones(len(rows), num_images, 2)
        for index, row in enumerate(rows):
            for place, image in enumerate(row):
                size_hw[index, place] = torch.tensor(image.size_hw)
        inputs = {"present": present, "size_hw": size_hw}
        if self.source is not None:
            return inputs | _collate_regions(rows, num_images, self.source)
        first = next((image.values for row in rows for image in row if image.values is not None), None)
        if first is None:
            return inputs
        if self.box_source is not None:
            inputs |= _collate_boxes(rows, num_images)
        values = np.zeros((len(rows), num_images, *first.shape), dtype=first.dtype)
        for index, row in enumerate(rows):
            for place, image in enumerate(row):
                values[index, place] = image.values
        name = "pixels" if self.store is None else "features"
        return inputs | {name: torch.from_numpy(values[:, 0] if num_images == 1 else values)}

    def with_store(self, store: FeatureStore | None) -> Self:
        """Returns the same inputs from stored features."""
        return replace(self, store=store)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """See `core.Processor`."""
        return self._transform().view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """See `core.Processor`."""
        return self._transform().view_changes(index)

    def view_key(self) -> str:
        """Returns a text that changes whenever the pixels of a view would."""
        return json.dumps(to_json(self._transform()), sort_keys=True)

    def _transform(self) -> ImageTransform:
        if self.transform is None:
            raise ConfigError("TwelveInOneConfig.source: got a source of regions; want None, to make views of pixels")
        return self.transform


def _collate_boxes(rows: Sequence[tuple[ImageRow, ...]], num_images: int) -> dict[str, Tensor]:
    count = max(1, *(len(image.boxes_xyxy) for row in rows for image in row if image.boxes_xyxy is not None))
    shape = (len(rows), num_images, count)
    boxes, valid = torch.zeros(*shape, 4), torch.zeros(shape, dtype=torch.bool)
    for index, row in enumerate(rows):
        for place, image in enumerate(row):
            if image.boxes_xyxy is not None:
                at, (height, width) = (index, place, slice(len(image.boxes_xyxy))), image.size_hw
                boxes[at] = torch.from_numpy(image.boxes_xyxy) / torch.tensor([width, height, width, height])
                valid[at] = True
    return {"boxes": boxes, "valid": valid}


def _collate_regions(rows: Sequence[tuple[ImageRow, ...]], num_images: int, source: RegionSource) -> dict[str, Tensor]:
    of_rows = [[image.regions for image in row if image.regions is not None] for row in rows]
    count = max(1, *(len(regions) for row in of_rows for regions in row)) if any(of_rows) else 1
    shape = (len(rows), num_images, count)
    features, boxes = torch.zeros(*shape, source.width), torch.zeros(*shape, 4)
    valid, classes = torch.zeros(shape, dtype=torch.bool), torch.zeros(*shape, source.num_classes)
    for index, row in enumerate(of_rows):
        for place, regions in enumerate(row):
            at = (index, place, slice(len(regions)))
            height, width = regions.size_hw
            features[at] = torch.from_numpy(regions.features)
            boxes[at] = torch.from_numpy(regions.boxes_xyxy) / torch.tensor([width, height, width, height])
            valid[at] = True
            if regions.classes is not None and source.num_classes:
                classes[at] = torch.from_numpy(regions.classes)
    inputs = {"regions": features, "boxes": boxes, "valid": valid}
    return inputs | ({"classes": classes} if source.num_classes else {})
