"""Images of coloured squares whose maps follow from the colours, and ViT adapters that read them."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from toy_vit_adapters import CONFIG

from motet.core import Dense, Example, MemoryImage, Task, rng_for
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.systems import build_system
from motet.systems.vit_adapters.model import ViTAdapters
from motet.tasks import depth, edges, semantic_segmentation, surface_normals

SIDE, SQUARE = 32, 8
COLOURS = np.array([(220, 30, 30), (30, 220, 30), (30, 30, 220)])
NORMALS = np.array([(0.0, 0.0, -1.0), (0.6, 0.0, -0.8), (0.0, -0.8, -0.6)], dtype=np.float32)
TASKS: dict[str, Task] = {
    "segment": semantic_segmentation("segment", ("a", "b", "c"), label="segment"),
    "depth": depth("depth"),
    "normals": surface_normals("normals"),
    "edges": edges("edges"),
}
TWO_CHANNELS = replace(TASKS["edges"], target=Dense(2, "probability"))


@dataclass(frozen=True)
class Squares:
    """A reader of such images.

    Args:
        count: how many.
        seed: of the colours.
    """

    count: int
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"{self.seed}-{index}",)

    def __getitem__(self, index: int) -> Example:
        places = rng_for("squares", self.seed, index).integers(0, 3, (SIDE // SQUARE, SIDE // SQUARE))
        shown = places.repeat(SQUARE, 0).repeat(SQUARE, 1)
        buffer = io.BytesIO()
        Image.fromarray(COLOURS[shown].astype(np.uint8)).save(buffer, "PNG")
        labels: dict[str, Any] = {
            "segment": np.where(shown == 2, np.where(np.arange(SIDE) < SIDE - SQUARE, 2, -1), shown),
            "depth": (1.0 + shown).astype(np.float32),
            "normals": NORMALS[shown],
            "edges": (shown == 0).astype(np.float32),
        }
        (name,) = self.keys(index)
        image = MemoryImage(f"{name}.png", buffer.getvalue())
        return Example(id=name, images=(image,), image_ids=(name,), labels=labels)


def reading(*tasks: Task, **changes: Any) -> ViTAdapters:
    """Returns ViT adapters with linear maps on a frozen ViT that sees one square per place."""
    linear = GridOf(PlainViT(size=SIDE, patch=SQUARE, width=24, depth=1, heads=2))
    system = build_system(replace(CONFIG, **{"linear": linear, **changes}), tasks, texts=list)
    assert isinstance(system, ViTAdapters)
    return system
