"""Image inputs of 12-in-1: pixels, or the stored map of a frozen trunk; and the collation of any images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Example, ImageFile, Match, Region, Task
from motet.core.task import Invariance
from motet.preprocess.regions import BoxSource, clip_to_image, image_size_hw
from motet.systems.base import ImageInputs, allowed_changes


@dataclass(frozen=True)
class TwelveInOneImage:
    """One encoded image of a row.

    Args:
        size_hw: of the file, in pixels.
        arrays: by the name of the batch's input; those of regions have one item per region.
    """

    size_hw: tuple[int, int]
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class TwelveInOneImageInputs(ImageInputs):
    """Reads all images of each row as pixels or as stored maps, in which a trunk's features are pooled.

    Args:
        transform: how pixels are mirrored, resized and normalised.
        store: stored features; None for pixels.
        box_source: the boxes in which the map is pooled; None for the grid of the model.
        max_regions: upper limit, for a box source.
    """

    box_source: BoxSource | None = None
    max_regions: int = 100

    def read(
        self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None
    ) -> tuple[TwelveInOneImage, ...]:
        """Returns all images of a row. An image is flipped only if no task and no box source refers to places in it."""
        has_places = self.box_source is not None or any(
            isinstance(task.target, Region) or task.target == Match("regions") for task in tasks
        )
        allowed: frozenset[Invariance] = frozenset() if has_places else allowed_changes(tasks) & {"hflip"}
        return tuple(self._read(image, image_id, allowed, rng) for image, image_id in images_with_ids(example))

    def _read(
        self, image: ImageFile, image_id: str, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> TwelveInOneImage:
        arrays: dict[str, np.ndarray]
        if self.store is not None:
            size_hw, arrays = image_size_hw(image), {"features": self.store.read(image, allowed, rng)}
        else:
            pixels, geometry = self.array_and_geometry(image, allowed, rng)
            size_hw, arrays = geometry.source_hw, {"pixels": pixels}
        if self.box_source is not None:
            boxes = self.box_source.boxes_for(image, image_id)[: self.max_regions]
            arrays |= relative_boxes(clip_to_image(boxes, size_hw, path=image.name), size_hw)
        return TwelveInOneImage(size_hw, arrays)

    def extra_regions(self, task: Task, example: Example, boxes_xyxy: np.ndarray) -> dict[str, np.ndarray]:  # noqa: ARG002
        """Returns boxes in a row's first image as regions of a target; the model pools their features from its map."""
        return {"extra_boxes": boxes_xyxy, "valid": np.ones(len(boxes_xyxy), dtype=bool)}


def images_with_ids(example: Example) -> tuple[tuple[ImageFile, str], ...]:
    """Returns the images of a row with their ids, "" for rows without ids. Raises DataError if their numbers differ."""
    ids = example.image_ids or ("",) * len(example.images)
    if len(ids) != len(example.images):
        raise DataError(f"{example.id}: image_ids: got {len(ids)}; want as many as images, {len(example.images)}")
    return tuple(zip(example.images, ids, strict=True))


def relative_boxes(boxes_xyxy: np.ndarray, size_hw: tuple[int, int]) -> dict[str, np.ndarray]:
    """Returns boxes in pixels as ``boxes`` relative to the image, and ``valid``, which is False on a batch's padding.

    Examples:
        >>> relative_boxes(np.array([[0.0, 5.0, 20.0, 10.0]]), (10, 40))["boxes"].tolist()
        [[0.0, 0.5, 0.5, 1.0]]
    """
    height, width = size_hw
    relative = boxes_xyxy / np.array([width, height, width, height], dtype=boxes_xyxy.dtype)
    return {"boxes": relative.astype(np.float32), "valid": np.ones(len(boxes_xyxy), dtype=bool)}


def collate_images(rows: Sequence[Sequence[TwelveInOneImage]]) -> dict[str, Tensor]:
    """Returns the inputs of a batch whose rows have up to m images, at least one in all.

    ``present`` (b, m), True on images; ``size_hw`` (b, m, 2); and ``pixels`` (b, m, 3, h, w) or ``features``
    (b, m, n, c), without the m if no row has several images; or ``regions`` (b, m, n, f). With a source or a box source
    also ``boxes`` (b, m, n, 4) relative to the image, ``valid`` (b, m, n) and, if the source has them, ``classes``
    (b, m, n, k).
    """
    images = {(index, place): image for index, row in enumerate(rows) for place, image in enumerate(row)}
    shape = (len(rows), max(len(row) for row in rows))
    present, size_hw = torch.zeros(shape, dtype=torch.bool), torch.ones(*shape, 2)
    arrays: dict[str, np.ndarray] = {}
    for name, first in next(iter(images.values())).arrays.items():
        longest = max(1, *(len(image.arrays[name]) for image in images.values()))
        arrays[name] = np.zeros((*shape, longest, *first.shape[1:]), dtype=first.dtype)
    for at, image in images.items():
        present[at], size_hw[at] = True, torch.tensor(image.size_hw)
        for name, array in image.arrays.items():
            arrays[name][at][: len(array)] = array
    if shape[1] == 1:
        arrays |= {name: arrays[name][:, 0] for name in ("pixels", "features") if name in arrays}
    return {"present": present, "size_hw": size_hw} | {name: torch.from_numpy(each) for name, each in arrays.items()}
