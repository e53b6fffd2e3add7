"""The image half of the processor: pixels by the model's own image processor, with crops and flips before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from motet.core import ConfigError, FeatureStore, ImageFile
from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, decode
from motet.systems.base import fill_blanks


@dataclass(frozen=True, kw_only=True)
class VlmImages:
    """Images as the pretrained model takes them; see `systems.base.processor.Views`.

    Args:
        processor: transformers' image processor.
        changes: draws crops and flips; its size and normalisation are not used.
        store: stored features, read instead of pixels; None for pixels.
    """

    processor: Any
    changes: ImageTransform
    store: FeatureStore | None = None

    def array(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns pixels (3, h, w) or stored features (n, d) of an image; `rng=None` for the plain view."""
        if self.store is not None:
            return self.store.read(image, invariant, rng)
        decoded = decode(image)
        return self._pixels(decoded, self.changes.draw((decoded.height, decoded.width), invariant, rng))

    def _pixels(self, image: Image.Image, geometry: Geometry) -> np.ndarray:
        if geometry.crop_xyxy != (0, 0, image.width, image.height):
            image = image.crop(geometry.crop_xyxy)
        return self.pixels(ImageOps.mirror(image) if geometry.hflip else image)

    def pixels(self, image: Image.Image) -> np.ndarray:
        """Returns the pixels of a decoded image, (3, h, w) float32.

        Raises:
            ConfigError: an image processor that makes several images of one.
        """
        values = np.asarray(self.processor(images=[image], return_tensors="np")["pixel_values"], dtype=np.float32)
        if values.size != np.prod(values.shape[-3:]):
            raise ConfigError(
                f"{type(self.processor).__name__}: got pixels of shape {values.shape}; want one image per image"
            )
        return values.reshape(values.shape[-3:])

    def collate(self, images: Sequence[Any]) -> dict[str, Tensor]:
        """Returns "pixels" or "features", blank in rows without an image; none if all are."""
        arrays = fill_blanks(images)
        name = "pixels" if self.store is None else "features"
        return {name: torch.from_numpy(np.stack(arrays))} if arrays else {}

    def with_store(self, store: FeatureStore | None) -> Self:
        """Returns the same, reading from a store, or pixels where it is None."""
        return replace(self, store=store)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """Returns view `index` of an image; see `core.Processor`."""
        decoded = decode(image)
        return self._pixels(decoded, self.changes.view_geometry(image, index, (decoded.height, decoded.width)))

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """Returns what is done to view `index`; see `core.Processor`."""
        return self.changes.view_changes(index)

    def view_key(self) -> str:
        """Returns a text that changes when the pixels of a view would."""
        described = f"{self.processor.to_json_string()}{self.changes}"
        return hashlib.blake2b(described.encode(), digest_size=16).hexdigest()
