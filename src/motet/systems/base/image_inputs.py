"""An image of a row as a system's encoder takes it: as pixels, or as features that were stored before training."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Example, FeatureStore, ImageFile, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, decode
from motet.preprocess.open_image import header_size_hw
from motet.systems.base.padding import fill_blanks


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """The image half of a processor.

    Args:
        transform: how pixels are cropped, mirrored, resized and normalised.
        store: stored features, read instead of pixels; None for pixels.
    """

    transform: ImageTransform
    store: FeatureStore | None = None

    def array(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns pixels (3, h, w) or stored features (n, d) of an image.

        Args:
            image: the file.
            invariant: what may be done to the image without changing an annotation.
            rng: draws crop and flip; None for the plain view.
        """
        if self.store is not None:
            return self.store.read(image, invariant, rng)
        return self.transform.read(image, invariant, rng)

    def array_and_geometry(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, Geometry]:
        """Returns what `array` does and how the image was transformed, for targets that move along with it."""
        if self.store is not None:
            features, view = self.store.read_view(image, invariant, rng)
            return features, self.transform.view_geometry(image, view, header_size_hw(image))
        # Boxes and maps are in pixels of the file: no decoding at a smaller size.
        pixels = decode(image)
        geometry = self.transform.draw((pixels.height, pixels.width), invariant, rng)
        return self.transform(pixels, geometry), geometry

    def collate(self, images: Sequence[Any]) -> dict[str, Tensor]:
        """Returns the inputs of a batch: "pixels" or "features", blank in rows without an image; none if all are."""
        arrays = fill_blanks(images)
        name = "pixels" if self.store is None else "features"
        return {name: torch.from_numpy(np.stack(arrays))} if arrays else {}

    def with_store(self, store: FeatureStore | None) -> Self:
        """Returns the same, reading from a store, or pixels where it is None."""
        return replace(self, store=store)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """Returns view `index` of an image; see `core.Processor`."""
        return self.transform.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """Returns what is done to view `index`; see `core.Processor`."""
        return self.transform.view_changes(index)

    def view_key(self) -> str:
        """Returns a text that changes when the pixels of a view would."""
        return json.dumps(to_json(self.transform), sort_keys=True)


def one_image(example: Example) -> ImageFile:
    """Returns the only image of a row. Raises DataError where it has none or several."""
    if len(example.images) != 1:
        raise DataError(f"{example.id}: images: got {len(example.images)}; want exactly one")
    return example.images[0]


def allowed_changes(tasks: Sequence[Task], moved: Collection[type[Any]] = ()) -> frozenset[Invariance]:
    """Returns what may be done to an image that all tasks share.

    Args:
        tasks: of the row.
        moved: kinds of target whose annotation the system moves along with the image (boxes, maps), so that what their
            task is only equivariant to is allowed too.
    """
    kinds = tuple(moved)
    return frozenset.intersection(
        *(task.invariant | task.equivariant if isinstance(task.target, kinds) else task.invariant for task in tasks)
    )
