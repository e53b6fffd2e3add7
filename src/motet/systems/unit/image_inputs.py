"""Image inputs of UniT: one image per row, of fixed size or in its own shape, as pixels or as stored features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from motet.core import Boxes, ConfigError, Example, ImageFile, Region, Task
from motet.core.codec import to_json
from motet.preprocess.detr_views import DetrViews
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import decode
from motet.systems.base import ImageInputs, allowed_changes, fill_blanks, one_image
from motet.systems.unit.options import FixedSize, ShortestSide, Views


@dataclass(frozen=True, kw_only=True)
class UniTImageInputs(ImageInputs):
    """Reads, transforms and collates the one image of each row.

    Args:
        transform: resizes, crops and normalises pixels, to the fixed size if there is one.
        store: stored features; None for pixels.
        views: fixed size, or each image in its own shape.
        stride: batches are padded to a multiple of it.
    """

    views: Views
    stride: int

    def read(
        self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None
    ) -> tuple[np.ndarray | None, Geometry | None]:
        """Returns the image of a row, None if no task has image inputs, and its geometry, if a task has boxes.

        Boxes move with the image, so tasks of boxes also get the changes that they are only equivariant to.

        Raises:
            DataError: no image, several, or one that cannot be decoded.
        """
        if not any("image" in task.inputs for task in tasks):
            return None, None
        image, allowed = one_image(example), allowed_changes(tasks, moved=(Boxes, Region))
        has_boxes = any(isinstance(task.target, Boxes | Region) for task in tasks)
        if isinstance(self.views, ShortestSide) and self.store is None:
            decoded = decode(image)
            views = self._detr_views(self.views)
            geometry = views.draw((decoded.height, decoded.width), allowed, rng, scales=has_boxes)
            return self.transform(decoded, geometry), geometry
        if has_boxes:
            return self.array_and_geometry(image, allowed, rng)
        return self.array(image, allowed, rng), None

    def _detr_views(self, views: ShortestSide) -> DetrViews:
        return DetrViews(
            views.size,
            views.max_side,
            views.sizes,
            views.crop_probability,
            views.sizes_before_crop,
            views.crop_side,
            self.transform.hflip,
        )

    def collate(self, images: Sequence[np.ndarray | None]) -> dict[str, Tensor]:
        """Returns the inputs of a batch: "pixels" or "features", and "valid", a padding mask, if images are padded."""
        values = fill_blanks(images)
        if not values or self.store is not None or isinstance(self.views, FixedSize):
            return super().collate(images)
        height, width = (-(-max(array.shape[axis] for array in values) // self.stride) * self.stride for axis in (1, 2))
        pixels = torch.zeros(len(values), 3, height, width)
        valid = torch.zeros(len(values), height, width, dtype=torch.bool)
        for row, array in enumerate(values):
            pixels[row, :, : array.shape[1], : array.shape[2]] = torch.from_numpy(array)
            valid[row, : array.shape[1], : array.shape[2]] = True
        return {"pixels": pixels} if bool(valid.all()) else {"pixels": pixels, "valid": valid}

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """See `core.Processor`. Raises ConfigError if images have no fixed size."""
        if not isinstance(self.views, FixedSize):
            raise ConfigError("UniTConfig.views: got ShortestSide; want FixedSize, so that features can be stored")
        return self.transform.view(image, index)

    def with_cache(self, folder: Path) -> Self:
        """See `ImageInputs`. Raises ConfigError if images have no fixed size."""
        if not isinstance(self.views, FixedSize):
            raise ConfigError("Run.image_cache: got UniTConfig.views=ShortestSide; want FixedSize, or no image_cache")
        return super().with_cache(folder)

    def view_key(self) -> str:
        """Returns a text that changes whenever the pixels of a view would."""
        return json.dumps([to_json(self.transform), to_json(self.views)], sort_keys=True)
