"""The image of a row, as pixels or stored features, under one geometry that all its maps share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Dense, Example, FeatureStore, ImageFile, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, decode
from motet.preprocess.open_image import header_size_hw


@dataclass(frozen=True)
class ImageRow:
    """A row's image.

    Args:
        values: pixels (3, h, w), normalised, or stored features (n, c).
        geometry: how the image was transformed.
    """

    values: np.ndarray
    geometry: Geometry


@dataclass(frozen=True)
class ImageInputs:
    """Reads a row's one image as input of the trunk.

    Args:
        transform: crops, mirrors, resizes and normalises pixels.
        store: features of the frozen trunk up to its first adapted block; None for pixels.
    """

    transform: ImageTransform
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ImageRow:
        """Reads the image; augmentations are those that every task allows.

        A task of maps allows an augmentation that it is equivariant to, since its maps are transformed too.

        Args:
            example: the row.
            tasks: those whose target the row carries.
            rng: draws crop and flip; None for the whole image.

        Raises:
            DataError: no image, several, or a broken one.
        """
        if len(example.images) != 1:
            raise DataError(f"{example.id}: images: got {len(example.images)}; want exactly one")
        image, allowed = example.images[0], frozenset.intersection(*(_allowed_augmentations(task) for task in tasks))
        if self.store is not None:
            values, view = self.store.read_view(image, allowed, rng)
            return ImageRow(values, self.transform.view_geometry(image, view, header_size_hw(image)))
        # Maps are of the file's size: no decoding at a smaller one.
        pixels = decode(image)
        geometry = self.transform.draw((pixels.height, pixels.width), allowed, rng)
        return ImageRow(self.transform(pixels, geometry), geometry)

    def collate(self, images: Sequence[ImageRow]) -> dict[str, Tensor]:
        """Returns the batch's inputs: "pixels" (b, 3, h, w), or "features" (b, n, c)."""
        name = "pixels" if self.store is None else "features"
        return {name: torch.from_numpy(np.stack([image.values for image in images]))}

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """See `core.Processor`."""
        return self.transform.view(image, index)

    def view_key(self) -> str:
        """See `core.Processor`."""
        return json.dumps(to_json(self.transform), sort_keys=True)


def _allowed_augmentations(task: Task) -> frozenset[Invariance]:
    """Returns the augmentations that a task allows, given that maps are transformed with their image."""
    return task.invariant | task.equivariant if isinstance(task.target, Dense) else task.invariant
