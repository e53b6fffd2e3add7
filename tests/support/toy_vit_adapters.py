"""ViT adapters small enough for a test, tasks of every kind they support, and rows for them, some partly labelled."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from motet.core import Dense, Example, Label, MemoryImage, TargetSpec, Task, rng_for
from motet.core.ranks import rank, world
from motet.metrics import Accuracy
from motet.systems import build_system
from motet.systems.vit_adapters import Adapters, SwinUnet, TimmTrunk, Troa, ViTAdaptersConfig
from motet.systems.vit_adapters.model import ViTAdapters
from motet.training.distributed import processes

NAMES = ("sky", "wall", "floor")
SPECS: dict[str, TargetSpec] = {
    "segment": Dense(3, "class", NAMES), "depth": Dense(1, "metre"), "normals": Dense(3, "unit vector"),
    "edges": Dense(1, "probability"), "scene": Label(("in", "out")),
}  # fmt: skip
SWIN: Mapping[str, Any] = {"embed_dim": 8, "depths": (1, 1, 2, 2), "num_heads": (1, 1, 2, 2), "window_size": 4}
TRUNKS: dict[str, TimmTrunk] = {
    "swinv2": TimmTrunk("swinv2_tiny_window8_256", 32, False, SWIN),
    "swin": TimmTrunk("swin_tiny_patch4_window7_224", 32, False, SWIN),
    "vit": TimmTrunk("vit_tiny_patch16_224", 32, False, {"embed_dim": 16, "depth": 5, "num_heads": 2, "patch_size": 8}),
    "pvt": TimmTrunk("pvt_v2_b0", 64, False, {"embed_dims": (8, 8, 16, 24), "depths": (1, 1, 2, 2), "num_heads": 1}),
    "pvt_linear": TimmTrunk(
        "pvt_v2_b2_li", 32, False, {"embed_dims": (8, 8, 16, 24), "depths": (1, 1, 2, 2), "num_heads": 2}
    ),
    "focalnet": TimmTrunk("focalnet_tiny_srf", 32, False, {"embed_dim": 8, "depths": (1, 1, 2, 2)}),
    "focalnet_post_norm": TimmTrunk(
        "focalnet_large_fl3", 32, False, {"embed_dim": 8, "depths": (1, 1, 2, 2), "use_post_norm": True}
    ),
}  # fmt: skip
CONFIG = ViTAdaptersConfig(
    trunk=TRUNKS["swinv2"], adapters=Adapters(condition_width=12),
    decoder=SwinUnet(width=4, depths=(0, 1, 1, 1), window=4),
)  # fmt: skip


def task(name: str) -> Task:
    """Returns the task of one of `SPECS`."""
    return Task(
        name=name, inputs=frozenset({"image"}), label=name, target=SPECS[name], metrics=(Accuracy,),
        equivariant=frozenset({"hflip", "crop"}),
    )  # fmt: skip


def row(index: int, size_hw: tuple[int, int] = (24, 40), **changes: Any) -> Example:
    """Returns an image with the annotations of every task; every third row has classes alone."""
    rng = rng_for("pixels", index)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (*size_hw, 3)).astype(np.uint8)).save(buffer, "PNG")
    normals = rng.normal(size=(*size_hw, 3)).astype(np.float32)
    labels: dict[str, Any] = {
        "segment": rng.integers(-1, 3, size_hw), "depth": rng.uniform(1, 5, size_hw).astype(np.float32),
        "normals": normals / np.linalg.norm(normals, axis=2, keepdims=True),
        "edges": rng.integers(0, 2, size_hw).astype(np.float32), "scene": index % 2,
    }  # fmt: skip
    labels = {"segment": labels["segment"]} if index % 3 == 2 else labels
    example = Example(id=f"e/{index}", images=(MemoryImage(f"{index}.png", buffer.getvalue()),), labels=labels)
    return replace(example, **changes)


@dataclass(frozen=True)
class Rows:
    """A reader of `row`s.

    Args:
        count: how many.
    """

    count: int

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"{index}.png",)

    def __getitem__(self, index: int) -> Example:
        return row(index)


def system_of(*names: str, config: ViTAdaptersConfig = CONFIG, **changes: Any) -> ViTAdapters:
    """Returns a system of named tasks, with the same weights each time."""
    torch.manual_seed(0)
    system = build_system(replace(config, **changes), [task(name) for name in names or SPECS], texts=list)
    assert isinstance(system, ViTAdapters)
    return system


def batch_of(system: ViTAdapters, count: int = 3, *, keep_annotations: bool = False) -> Any:
    """Returns rows of all tasks, as in evaluation with `keep_annotations`, else as in training."""
    tasks = tuple(system.tasks.values())
    rows = [system.processor.row(row(i), tasks, None if keep_annotations else rng_for("row", i)) for i in range(count)]
    return system.processor.collate(rows, keep_annotations=keep_annotations)


def stirred(system: ViTAdapters) -> ViTAdapters:
    """Draws every weight of a system, so that no kernel hides others by its start at zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.normal_(std=0.2)
    return system


@dataclass(frozen=True)
class RefreshedApart:
    """New affinities from rows of which every rank has some, then from rows of which rank 0 has all.

    Args:
        folder: where each rank writes what it then has.
    """

    folder: Path

    def __call__(self) -> None:
        with processes("cpu"):
            told = refreshed(lambda rows: [rows[rank() :: world()], rows if rank() == 0 else []])
            (self.folder / f"{world()}-{rank()}.json").write_text(json.dumps(told))


def refreshed(parts: Callable[[list[int]], list[list[int]]]) -> list[list[list[float]]]:
    """Returns the affinities after each update; `parts` gives the rows of this rank."""
    system = stirred(system_of("segment", "depth", affinities=Troa(every=1)))
    tasks, told = tuple(system.tasks.values()), []
    for step, here in enumerate(parts([0, 1, 2, 3]), start=1):
        rows = [system.processor.row(row(i), tasks, rng_for("row", i)) for i in here]
        system.refresh([system.processor.collate(rows, keep_annotations=False)] if rows else [], step)
        told.append(system.affinities.tolist())
    return told
