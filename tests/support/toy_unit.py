"""A small UniT, tasks of every kind that it supports, rows for them, and a run that can be killed."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from toy_runs import deadly

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    Example,
    Label,
    MemoryImage,
    Region,
    Report,
    Step,
    System,
    TargetSpec,
    Task,
    UpdateForm,
    rng_for,
)
from motet.core.model_folder import write_model
from motet.core.task import InputKind
from motet.data.mixture import Mixture
from motet.data.source import Source
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import BundledLite0Map, GridOf
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems import build_system
from motet.systems.unit import UniTConfig
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.distributed import processes
from motet.training.fit import fit
from motet.training.optim import Cosine, SkipUnusedAdamW

NAMES = ("cat", "dog", "cow")
SEES = {"boxes": "image", "vqa": "image text", "pair": "text", "entailed": "image text", "place": "image text"}
SPECS: dict[str, TargetSpec] = {
    "boxes": Boxes(NAMES, ("big", "red")), "vqa": Answer(("yes", "no")), "pair": Label(("no", "yes")),
    "entailed": Label(("a", "b", "c")), "place": Region(),
}  # fmt: skip


def task(name: str) -> Task:
    """Returns the task of a name in `SPECS`."""
    return Task(
        name=name,
        inputs=frozenset(get_args(InputKind)) & set(SEES[name].split()),
        label=name,
        target=SPECS[name],
        metrics=(Accuracy,),
        equivariant=frozenset({"hflip", "crop"}) if name == "boxes" else frozenset(),
    )  # fmt: skip


def row(index: int, size_hw: tuple[int, int] = (24, 40), **changes: Any) -> Example:
    """Returns a row with an image, two sentences and every task's annotation; every third row has no box."""
    pixels = rng_for("pixels", index).integers(0, 255, (*size_hw, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    boxes = np.array([[2.0, 3, 12, 20], [20, 1, 38, 15]])[: 2 - index % 3]
    labels = {
        "boxes": BoxSet(boxes, np.arange(len(boxes)), np.ones(len(boxes)), ((0, 1), (1,))[: len(boxes)]),
        "vqa": ("yes",) * (10 - index) + ("no",) * index, "pair": index % 2, "entailed": index % 3,
        "place": (2.0, 3.0, 12.0, 20.0),
    }  # fmt: skip
    example = Example(
        id=f"e/{index}",
        images=(MemoryImage(f"{index}.png", buffer.getvalue()),),
        text=("a cat", "no dog"),
        labels=labels,
    )
    return replace(example, **changes)


CONFIG = UniTConfig(
    trunk=GridOf(PlainViT(size=16, patch=8, width=16, depth=1, heads=2)), mode=FromScratch(), width=32, depth=2,
    heads=2, image_width=16, image_depth=1, image_heads=2, hidden=32, text=TinyBert(width=16, heads=2, words=300),
    box_queries=6, other_queries=3,
)  # fmt: skip
MAPS = replace(CONFIG, trunk=BundledLite0Map(stage=-2, size=64))


def system_of(*names: str, config: UniTConfig = CONFIG, **changes: Any) -> System:
    """Builds a system of named tasks, with the same weights each time."""
    torch.manual_seed(0)
    tasks = [task(name) for name in names or SPECS]
    return build_system(replace(config, **changes), tasks, texts=lambda: ["a cat", "no dog", "two cows"] * 4)


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


class Apart:
    """A schedule with boxes on the first rank and pairs of sentences on the second, or both on the only one.

    Every sixth step has boxes alone, so that the second rank has no rows; no step has a question.
    """

    def update_form(self) -> UpdateForm:
        return UpdateForm(batch_sizes={"boxes": 4, "pair": 3}, batches=2)

    def step(self, index: int, world: int) -> Step:
        boxes, pairs = ({"boxes": 4},), () if index % 6 == 5 else ({"pair": 3},)
        return Step((boxes, pairs) if world == 2 else ((*boxes, *pairs),))

    def due(self, index: int) -> tuple[str, ...]:
        del index
        return ()

    def observe(self, report: Report) -> None:
        del report

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        del state


@dataclass(frozen=True)
class UniTRun:
    """A run of sixty steps under `Apart`; the weights it starts from go to ``folder/start``.

    Args:
        folder: of the run.
        die: the call at which the process kills itself with SIGKILL, as {"step" | "fsync": its number}.
        workers: loader processes.
    """

    folder: Path
    die: Mapping[str, int] | None = None
    workers: int = 0

    def __call__(self) -> Report:
        sources = [Source(name=name, reader=Rows(12), tasks=(task(name),)) for name in ("boxes", "pair", "vqa")]
        # No dropout: its random numbers differ with the number of ranks.
        assert isinstance(CONFIG.text, TinyBert)
        text = replace(CONFIG.text, dropout=0.0)
        system = system_of("boxes", "pair", "vqa", dropout=0.0, attention_dropout=0.0, text=text)
        if os.environ.get("RANK", "0") == "0" and not (self.folder / "start").exists():
            (self.folder / "start").mkdir(parents=True)
            write_model(self.folder / "start", system)
        kill = deadly(self.die or {}, 0.0)
        system.losses = kill("step", system.losses)  # type: ignore[method-assign]
        os.fsync = kill("fsync", os.fsync)
        plan = TrainConfig(
            steps=60, lr=1e-3, optimizer=SkipUnusedAdamW(), lr_schedule=Cosine(warmup=5), weight_decay=0.01,
            save_every=20, workers=self.workers,
        )  # fmt: skip
        with processes("cpu"):
            mixture = Mixture(sources, Apart(), seed=3)
            return fit(system, mixture, plan, balancer=TaskMean(), folder=self.folder / "run", resume=True, show=False)
