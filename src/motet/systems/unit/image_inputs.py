"""How UniT sees a row's image: at a fixed size or in its own shape, as pixels or as what a frozen trunk made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from motet.core import Boxes, ConfigError, DataError, Example, FeatureStore, ImageFile, Region, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.detr_views import DetrViews, size_of
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, decode
from motet.systems.unit.options import FixedSize, ShortestSide, Views


@dataclass(frozen=True)
class ImageRow:
    """A row's image.

    Args:
        values: pixels (3, h, w), or stored features (n, c).
        geometry: what was done to the picture; None where no task asks for places in it.
    """

    values: np.ndarray
    geometry: Geometry | None


@dataclass(frozen=True)
class ImageInputs:
    """A row's one image as the trunk wants it.

    Args:
        transform: of the fixed size, and how pixels are resized and normalised.
        views: fixed size, or each image in its own shape.
        stride: batches are padded to a multiple of it.
        store: stored features; None for pixels.
    """

    transform: ImageTransform
    views: Views
    stride: int
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ImageRow | None:
        """The image; None where no task looks at one.

        Boxes move with the picture, so their tasks are also given what they are only equivariant to.

        Raises:
            DataError: no image, several, or a broken one.
        """
        if not any("image" in task.inputs for task in tasks):
            return None
        if len(example.images) != 1:
            raise DataError(f"{example.id}: images: got {len(example.images)}; want exactly one")
        image = example.images[0]
        allowed = frozenset.intersection(*(_allowed(task) for task in tasks))
        places = any(isinstance(task.target, Boxes | Region) for task in tasks)
        if self.store is not None:
            values, view = self.store.read_view(image, allowed, rng)
            return ImageRow(values, self.transform.view_geometry(image, view, size_of(image)) if places else None)
        picture = decode(image)
        source_hw = (picture.height, picture.width)
        match self.views:
            case FixedSize():
                geometry = self.transform.draw(source_hw, allowed, rng)
            case ShortestSide():
                geometry = self._detr(self.views).draw(source_hw, allowed, rng, scales=places)
            case other:
                assert_never(other)
        return ImageRow(self.transform(picture, geometry), geometry if places else None)

    def _detr(self, views: ShortestSide) -> DetrViews:
        return DetrViews(
            views.size,
            views.max_side,
            views.sizes,
            views.crop_part,
            views.before_crop,
            views.crop_side,
            self.transform.hflip,
        )

    def collate(self, images: Sequence[ImageRow | None]) -> dict[str, Tensor]:
        """The batch's inputs: "pixels" or "features", and "valid", True on real pixels, where something is padded."""
        present = [image.values for image in images if image is not None]
        if not present:
            return {}
        values = [np.zeros_like(present[0]) if image is None else image.values for image in images]
        if self.store is not None:
            return {"features": torch.from_numpy(np.stack(values))}
        if isinstance(self.views, FixedSize):
            return {"pixels": torch.from_numpy(np.stack(values))}
        height, width = (-(-max(part.shape[axis] for part in values) // self.stride) * self.stride for axis in (1, 2))
        pixels = torch.zeros(len(values), 3, height, width)
        valid = torch.zeros(len(values), height, width, dtype=torch.bool)
        for row, part in enumerate(values):
            pixels[row, :, : part.shape[1], : part.shape[2]] = torch.from_numpy(part)
            valid[row, : part.shape[1], : part.shape[2]] = True
        return {"pixels": pixels} if bool(valid.all()) else {"pixels": pixels, "valid": valid}

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """See `core.Processor`. Raises ConfigError where images have no fixed size."""
        if not isinstance(self.views, FixedSize):
            raise ConfigError("UniTConfig.views: got ShortestSide; want FixedSize, for features that are stored")
        return self.transform.view(image, index)

    def view_key(self) -> str:
        """Changes when the pixels of a view would."""
        return json.dumps([to_json(self.transform), to_json(self.views)], sort_keys=True)


def _allowed(task: Task) -> frozenset[Invariance]:
    """What may be done to a task's pictures where boxes are moved along."""
    return task.invariant | task.equivariant if isinstance(task.target, Boxes | Region) else task.invariant
