"""An image of a row as a system's encoder takes it: as pixels, or as features that were stored before training."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
from motet.preprocess.pixel_cache import PixelCache
from motet.systems.base.padding import fill_blanks


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """The image half of a processor.

    Args:
        transform: how pixels are cropped, mirrored, resized and normalised.
        store: stored features, read instead of pixels; None for pixels.
        cache: keeps the pixels of images that are resized as a whole; None to decode an image each time it is read.
    """

    transform: ImageTransform
    store: FeatureStore | None = None
    cache: PixelCache | None = None

    def array(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns pixels (3, h, w) or stored features (n, d) of an image.

        Args:
            image: the file.
            invariant: what may be done to the image without changing an annotation.
            rng: draws crop and flip; None for the plain view.
        """
        if self.store is not None:
            return self.store.read(image, invariant, rng)
        if self.cache is not None and self.transform.keeps_whole(invariant, rng):
            return self._cached(self.cache, image, invariant, rng, draft=self.transform.draft)[0]
        return self.transform.read(image, invariant, rng)

    def array_and_geometry(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, Geometry]:
        """Returns what `array` does and how the image was transformed, for targets that move along with it."""
        if self.store is not None:
            features, view = self.store.read_view(image, invariant, rng)
            return features, self.transform.view_geometry(image, view, header_size_hw(image))
        if self.cache is not None and self.transform.keeps_whole(invariant, rng):
            return self._cached(self.cache, image, invariant, rng, draft=False)
        # Boxes and maps are in pixels of the file: no decoding at a smaller size.
        pixels = decode(image)
        geometry = self.transform.draw((pixels.height, pixels.width), invariant, rng)
        return self.transform(pixels, geometry), geometry

    def _cached(
        self,
        cache: PixelCache,
        image: ImageFile,
        invariant: frozenset[Invariance],
        rng: np.random.Generator | None,
        *,
        draft: bool,
    ) -> tuple[np.ndarray, Geometry]:
        """Returns pixels and geometry of a whole image, to the bit as without a cache."""
        transform, cropped = replace(self.transform, draft=draft), rng is not None

        def resize() -> tuple[np.ndarray, tuple[int, int]]:
            decoded = transform.load(image, cropped=cropped)
            source_hw = decoded.height, decoded.width
            return transform.plain(source_hw).pixels(decoded, antialias=transform.antialias), source_hw

        # A JPEG may be decoded at another size where a crop could follow.
        about = f"antialias {transform.antialias} draft {draft and (1 + cropped)}"
        pixels, source_hw = cache.read(image, transform.size_hw, about, resize)
        geometry = transform.draw(source_hw, invariant, rng)
        return transform.normalise(pixels[:, ::-1] if geometry.hflip else pixels), geometry

    def with_cache(self, folder: Path) -> Self:
        """Returns the same, keeping the pixels of images that are resized as a whole."""
        return replace(self, cache=PixelCache(folder))

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
