"""Image inputs of UniT: one image per row, of fixed size or in its own shape, as pixels or as stored features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from motet.core import Boxes, ConfigError, Example, ImageFile, Region, Task
from motet.core.codec import to_json
from motet.preprocess.detr_views import DetrViews
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import decode
from motet.preprocess.open_image import header_size_hw
from motet.systems.base import ImageInputs as BaseImageInputs
from motet.systems.base import allowed_changes, one_image
from motet.systems.unit.options import FixedSize, ShortestSide, Views


@dataclass(frozen=True)
class ImageRow:
    """The encoded image of a row.

    Args:
        values: pixels (3, h, w), or stored features (n, c).
        geometry: the transform of the image; None for rows without tasks of boxes or regions.
    """

    values: np.ndarray
    geometry: Geometry | None


@dataclass(frozen=True, kw_only=True)
class ImageInputs(BaseImageInputs):
    """Reads, transforms and collates the one image of each row.

    Args:
        transform: resizes, crops and normalises pixels, to the fixed size if there is one.
        store: stored features; None for pixels.
        views: fixed size, or each image in its own shape.
        stride: batches are padded to a multiple of it.
    """

    views: Views
    stride: int

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ImageRow | None:
        """Returns the image of a row, or None if no task has image inputs.

        Boxes move with the image, so tasks of boxes also get the changes that they are only equivariant to.

        Raises:
            DataError: no image, several, or one that cannot be decoded.
        """
        if not any("image" in task.inputs for task in tasks):
            return None
        image, allowed = one_image(example), allowed_changes(tasks, moved=(Boxes, Region))
        has_boxes = any(isinstance(task.target, Boxes | Region) for task in tasks)
        if self.store is not None:
            values, view = self.store.read_view(image, allowed, rng)
            return ImageRow(
                values, self.transform.view_geometry(image, view, header_size_hw(image)) if has_boxes else None
            )
        decoded = decode(image)
        source_hw = (decoded.height, decoded.width)
        match self.views:
            case FixedSize():
                geometry = self.transform.draw(source_hw, allowed, rng)
            case ShortestSide():
                geometry = self._detr_views(self.views).draw(source_hw, allowed, rng, scales=has_boxes)
            case other:
                assert_never(other)
        return ImageRow(self.transform(decoded, geometry), geometry if has_boxes else None)

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

    def collate(self, images: Sequence[ImageRow | None]) -> dict[str, Tensor]:
        """Returns the inputs of a batch: "pixels" or "features", and "valid", a padding mask, if images are padded."""
        known = [image.values for image in images if image is not None]
        if not known:
            return {}
        values = [np.zeros_like(known[0]) if image is None else image.values for image in images]
        if self.store is not None:
            return {"features": torch.from_numpy(np.stack(values))}
        if isinstance(self.views, FixedSize):
            return {"pixels": torch.from_numpy(np.stack(values))}
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

    def view_key(self) -> str:
        """Returns a text that changes whenever the pixels of a view would."""
        return json.dumps([to_json(self.transform), to_json(self.views)], sort_keys=True)
