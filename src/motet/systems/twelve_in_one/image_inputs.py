"""How a row's pictures come: with regions found beforehand, as pixels, or as what a frozen trunk made of them."""

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
    """One picture of a row.

    Args:
        size_hw: of the file, in pixels.
        values: pixels (3, h, w) or stored features (n, c); None where regions were found beforehand.
        regions: found beforehand; else None.
        boxes_xyxy: found beforehand, in pixels of the file, where the trunk's map is read in them; else None.
    """

    size_hw: tuple[int, int]
    values: np.ndarray | None = None
    regions: ImageRegions | None = None
    boxes_xyxy: np.ndarray | None = None


@dataclass(frozen=True)
class ImageInputs:
    """A row's pictures as the system wants them.

    Args:
        source: of regions; None for pixels or stored features.
        max_regions: of a source's or of found boxes, at most.
        transform: to pixels; None with a source.
        found: boxes that a trunk's map is read in; None with a source, and where they are the same in every picture.
        store: stored features; None for pixels.
    """

    source: RegionSource | None
    max_regions: int
    transform: ImageTransform | None
    found: BoxSource | None = None
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> tuple[ImageRow, ...]:
        """All pictures of a row. A picture is mirrored only where no place in it is asked for or was found."""
        ids = example.image_ids or ("",) * len(example.images)
        if len(ids) != len(example.images):
            raise DataError(f"{example.id}: image_ids: got {len(ids)}; want as many as images, {len(example.images)}")
        if self.source is not None:
            return tuple(self._found(image, name) for image, name in zip(example.images, ids, strict=True))
        places = self.found is not None or any(
            isinstance(task.target, Region) or task.target == Match("regions") for task in tasks
        )
        invariant: frozenset[Invariance] = frozenset()
        if not places:
            invariant = frozenset.intersection(*(task.invariant for task in tasks)) & {"hflip"}
        images = (self._looked_at(image, invariant, rng) for image in example.images)
        if self.found is None:
            return tuple(images)
        return tuple(self._with_boxes(*each) for each in zip(images, example.images, ids, strict=True))

    def at(self, example: Example, boxes_xyxy: np.ndarray) -> np.ndarray | None:
        """Features of boxes of a row's first picture; None where the system reads them from its map."""
        if self.source is None:
            return None
        name = example.image_ids[0] if example.image_ids else ""
        return self.source.at(example.images[0], name, boxes_xyxy).features

    def _found(self, image: ImageFile, image_id: str) -> ImageRow:
        assert self.source is not None
        regions = self.source.regions(image, image_id).first(self.max_regions)
        if regions.features.shape[1] != self.source.width:
            raise DataError(
                f"regions of {image_id!r}: got features of {regions.features.shape[1]} numbers; want "
                f"{self.source.width}"
            )
        return ImageRow(regions.size_hw, regions=regions)

    def _with_boxes(self, picture: ImageRow, image: ImageFile, image_id: str) -> ImageRow:
        assert self.found is not None
        boxes = self.found.boxes_for(image, image_id)[: self.max_regions]
        return replace(picture, boxes_xyxy=clip_to_image(boxes, picture.size_hw, path=image.name))

    def _looked_at(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> ImageRow:
        if self.store is not None:
            return ImageRow(image_size_hw(image), self.store.read(image, invariant, rng))
        transform = self._transform()
        picture = decode(image)
        size_hw = (picture.height, picture.width)
        return ImageRow(size_hw, transform(picture, transform.draw(size_hw, invariant, rng)))

    def collate(self, rows: Sequence[tuple[ImageRow, ...]]) -> dict[str, Tensor]:
        """The batch's inputs.

        ``present`` (b, m), True on pictures; ``size_hw`` (b, m, 2); and ``pixels`` (b, m, 3, h, w) or ``features``
        (b, m, n, c), without the m where every row has one picture; or ``regions`` (b, m, n, f). With regions or found
        boxes also ``boxes`` (b, m, n, 4) in parts of the picture, ``valid`` (b, m, n) and, where the source tells them,
        ``classes`` (b, m, n, k).
        """
        most = max(1, *(len(row) for row in rows))
        present = torch.tensor([[place < len(row) for place in range(most)] for row in rows])
        size_hw = torch.ones(len(rows), most, 2)
        for index, row in enumerate(rows):
            for place, image in enumerate(row):
                size_hw[index, place] = torch.tensor(image.size_hw)
        inputs = {"present": present, "size_hw": size_hw}
        if self.source is not None:
            return inputs | _collate_regions(rows, most, self.source)
        first = next((picture.values for row in rows for picture in row if picture.values is not None), None)
        if first is None:
            return inputs
        if self.found is not None:
            inputs |= _collate_boxes(rows, most)
        values = np.zeros((len(rows), most, *first.shape), dtype=first.dtype)
        for index, row in enumerate(rows):
            for place, image in enumerate(row):
                values[index, place] = image.values
        name = "pixels" if self.store is None else "features"
        return inputs | {name: torch.from_numpy(values[:, 0] if most == 1 else values)}

    def with_store(self, store: FeatureStore | None) -> Self:
        """The same, reading stored features."""
        return replace(self, store=store)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """See `core.Processor`."""
        return self._transform().view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """See `core.Processor`."""
        return self._transform().view_changes(index)

    def view_key(self) -> str:
        """Changes when the pixels of a view would."""
        return json.dumps(to_json(self._transform()), sort_keys=True)

    def _transform(self) -> ImageTransform:
        if self.transform is None:
            raise ConfigError("TwelveInOneConfig.source: got one; want none, for a trunk that looks at pixels")
        return self.transform


def _collate_boxes(rows: Sequence[tuple[ImageRow, ...]], most: int) -> dict[str, Tensor]:
    count = max(1, *(len(picture.boxes_xyxy) for row in rows for picture in row if picture.boxes_xyxy is not None))
    boxes, valid = torch.zeros(len(rows), most, count, 4), torch.zeros(len(rows), most, count, dtype=torch.bool)
    for index, row in enumerate(rows):
        for place, image in enumerate(row):
            if image.boxes_xyxy is not None:
                at, (height, width) = (index, place, slice(len(image.boxes_xyxy))), image.size_hw
                boxes[at] = torch.from_numpy(image.boxes_xyxy) / torch.tensor([width, height, width, height])
                valid[at] = True
    return {"boxes": boxes, "valid": valid}


def _collate_regions(rows: Sequence[tuple[ImageRow, ...]], most: int, source: RegionSource) -> dict[str, Tensor]:
    found = [[image.regions for image in row if image.regions is not None] for row in rows]
    count = max(1, *(len(regions) for row in found for regions in row)) if any(found) else 1
    shape = (len(rows), most, count)
    features, boxes = torch.zeros(*shape, source.width), torch.zeros(*shape, 4)
    valid, classes = torch.zeros(shape, dtype=torch.bool), torch.zeros(*shape, source.num_classes)
    for index, row in enumerate(found):
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
