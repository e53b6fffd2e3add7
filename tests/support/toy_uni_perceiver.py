"""A Uni-Perceiver small enough for a test, tasks of every kind it answers, rows for them, and a run for two ranks."""

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
from torch import Tensor
from toy_runs import deadly

from motet.core import (
    Answer,
    Batch,
    Example,
    Label,
    Masked,
    Match,
    MemoryImage,
    Report,
    Step,
    System,
    TargetSpec,
    Task,
    Text,
    UpdateForm,
    rng_for,
)
from motet.core.model_folder import write_model
from motet.core.task import InputKind
from motet.data.mixture import Mixture
from motet.data.source import Source
from motet.metrics import Accuracy
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import build_system
from motet.systems.uni_perceiver import EncoderSize, Experts, Patches, TaskSpecificBlocks, UniPerceiverConfig
from motet.systems.uni_perceiver.options import Blocks, Routing
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.distributed import processes
from motet.training.fit import fit
from motet.training.optim import AdamW, Cosine

CAPTIONS = ("a red cat", "two small dogs", "one cow there", "no thing at all")
SPECS: dict[str, tuple[TargetSpec, str]] = {
    "class": (Label(("cat", "dog", "cow")), "image"), "pair": (Label(("no", "yes")), "text"),
    "vqa": (Answer(("yes", "no")), "image text"), "open": (Answer(), "image text"), "caption": (Text(8), "image"),
    "masked": (Masked("words"), "text"), "pairs": (Match("texts", "split"), "image text"),
    "match": (Match("texts"), "image"), "motion": (Label(("left", "right")), "video"),
}  # fmt: skip
LABELS = {"masked": "caption", "pairs": "caption", "open": "vqa"}
CONFIG = UniPerceiverConfig(
    sizes=EncoderSize(width=16, depth=2, heads=2, hidden=24), blocks=Experts(num_experts=3),
    tokenizer=TrainedTokenizer(size=280), max_tokens=40, max_generated=16,
    patches=Patches(size=8, patch=4), frames=2, max_frames=3, layer_scale=1.0, drop_path=0.0, initial_std=None,
)  # fmt: skip


ROUTINGS: tuple[Routing, ...] = ("token", "context", "modality", "task", "attribute")
BLOCKS: dict[str, Blocks] = {
    **{name: Experts(routing=name, num_experts=3, where="all") for name in ROUTINGS},
    "plain": None,
    "task specific": TaskSpecificBlocks(),
}


def task(name: str) -> Task:
    """Returns one of `SPECS` as a task."""
    target, inputs = SPECS[name]
    return Task(
        name=name,
        inputs=frozenset(get_args(InputKind)) & set(inputs.split()),
        label=LABELS.get(name, name),
        target=target,
        metrics=(Accuracy,),
    )  # fmt: skip


def row(index: int, *, frames: int = 1, **changes: Any) -> Example:
    """Returns an image or a video of noise, two sentences and every task's annotation."""
    images = []
    for frame in range(frames):
        pixels = rng_for("pixels", index, frame).integers(0, 255, (20, 24, 3)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        images.append(MemoryImage(f"{index}-{frame}.png", buffer.getvalue()))
    labels = {
        "class": index % 3, "pair": index % 2, "vqa": ("yes",) * 7 + ("no",) * 3, "motion": index % 2,
        "caption": (CAPTIONS[index % 4], f"again {CAPTIONS[index % 4]}"), "match": frozenset({index % 4}),
    }  # fmt: skip
    example = Example(
        id=f"e/{index}", images=tuple(images), image_ids=(f"i/{index}",), text=("is it", "a cat"), labels=labels
    )
    return replace(example, **changes)


def system_of(*names: str, **changes: Any) -> System:
    """Builds a system of named tasks with the same weights each time, norms and biases random, too."""
    torch.manual_seed(0)
    config = replace(CONFIG, **changes)
    system = build_system(config, [task(name) for name in names], texts=lambda: [*CAPTIONS, "is it a cat"])
    for name, parameter in system.named_parameters():
        if parameter.ndim < 2 and "log_scales" not in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return system


def total_loss(system: System, batch: Batch) -> Tensor:
    """Returns the sum of the mean losses and terms of a batch."""
    losses = system.losses(batch)
    parts = [*losses.tasks.values(), *losses.terms.values()]
    return torch.stack([loss.total / loss.weight for loss in parts if loss.weight]).sum()


@dataclass(frozen=True)
class Rows:
    """A reader of rows by `row`."""

    count: int

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"i/{index}",)

    def __getitem__(self, index: int) -> Example:
        return row(index)


class PairsOrOwnTasks:
    """A schedule with pairs on all ranks in two steps of three, and different tasks per rank in the third."""

    def update_form(self) -> UpdateForm:
        return UpdateForm(batch_sizes={"pairs": 6, "class": 3})

    def step(self, index: int, world: int) -> Step:
        if index % 3 < 2:
            return Step((({"pairs": 6},),) if world == 1 else (({"pairs": 3},), ({"pairs": 3},)))
        names, pairs = {"class": 3}, {"pairs": 2}
        return Step(((names, pairs),) if world == 1 else ((names,), (pairs,)))

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
class UniPerceiverRun:
    """A run of nine steps under `PairsOrOwnTasks`; its initial weights are written to ``folder/start``.

    Args:
        folder: of the run.
        die: kills its own process at a call: {"step": number of the call}.
    """

    folder: Path
    die: Mapping[str, int] | None = None

    def __call__(self) -> Report:
        sources = [Source(name=name, reader=Rows(12), tasks=(task(name),)) for name in ("class", "pairs")]
        # Nothing random in a forward pass: it would differ between numbers of ranks.
        assert isinstance(CONFIG.blocks, Experts)
        blocks = replace(CONFIG.blocks, noise=0.0)
        system = system_of("class", "pairs", blocks=blocks, frames=1, max_frames=1)
        if os.environ.get("RANK", "0") == "0" and not (self.folder / "start").exists():
            (self.folder / "start").mkdir(parents=True)
            write_model(self.folder / "start", system)
        kill = deadly(self.die or {}, 0.0)
        system.losses = kill("step", system.losses)  # type: ignore[method-assign]
        # The gradient of a bias of keys is rounding error, of which Adam with a small epsilon makes full steps.
        plan = TrainConfig(steps=9, lr=1e-3, optimizer=AdamW(eps=1e-3), lr_schedule=Cosine(warmup=2), save_every=4)
        with processes("cpu"):
            mixture = Mixture(sources, PairsOrOwnTasks(), seed=3)
            return fit(system, mixture, plan, balancer=TaskMean(), folder=self.folder / "run", resume=True, show=False)
