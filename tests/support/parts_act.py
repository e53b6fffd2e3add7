"""Brief training of a system in a test, and the share of its answers that a part decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from motet.core import Batch, Example, System, rng_for
from motet.nn.tower import FromScratch
from motet.recipes.data.vit_adapters import scenes
from motet.systems import build_system
from motet.systems.vit_adapters import FixedAffinities, ViTAdaptersConfig
from motet.systems.vit_adapters.encoder import TrunkFeatures
from motet.systems.vit_adapters.model import ViTAdapters
from motet.training.run import Run


def share(answers: Tensor, changed: Tensor) -> float:
    """Returns the root mean square of a change of answers as a share of their standard deviation."""
    return float((answers - changed).square().mean().sqrt() / answers.std())


def batch_of(system: System, examples: Sequence[Example]) -> Batch:
    """Returns a batch of rows for training."""
    tasks = tuple(system.tasks.values())
    rows = [system.processor.row(example, tasks, rng_for("row", example.id)) for example in examples]
    return system.processor.collate(rows, keep_annotations=False)


def trained(run: Run, *, size: int, steps: int, batch_size: int) -> tuple[ViTAdapters, Batch]:
    """Returns a run's adapters after a few steps on scenes with four maps, and rows that they were not trained on.

    Learning rate and schedule are the run's. A frozen trunk is trained too, since a random Swin V2 passes on what it
    gets. Affinities are one-hot, as those of algorithm 1 soon are: it starts with equal ones, by which all tasks have
    one condition and an exchange changes nothing.

    Args:
        run: a recipe's.
        size: height and width of its images.
        steps: of training.
        batch_size: rows of a step.
    """
    torch.manual_seed(0)
    source, *_ = scenes(train=6 * batch_size, val=1, test=1, size=size)
    assert isinstance(run.system, ViTAdaptersConfig)
    config = replace(run.system, affinities=FixedAffinities(), mode=FromScratch(), adapt=None)
    system = build_system(config, source.tasks, texts=list)
    assert isinstance(system, ViTAdapters)
    examples = [source.reader[row] for row in range(len(source.reader))]
    batches = [batch_of(system, examples[batch_size * i : batch_size * (i + 1)]) for i in range(6)]
    groups = system.parameter_groups()
    optimizer = torch.optim.AdamW([dict(group) for group in groups])
    system.train()
    for step in range(steps):
        for options, group in zip(optimizer.param_groups, groups, strict=True):
            factor = run.train.lr_schedule.factor(step, steps)
            options["lr"] = run.train.lr * factor * group.get("lr_scale", 1.0)
        losses = system.losses(batches[step % 5]).tasks.values()
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack([loss.total / loss.weight for loss in losses]).sum())
        optimizer.step()
    return system.eval(), batches[5]


@torch.no_grad()
def shares_of_adapters(system: ViTAdapters, batch: Batch) -> dict[str, dict[str, float]]:
    """Returns by task the shares that the condition, the adapters and the last map decide.

    "condition": the next task's in place of its own; "adapters": none run; "last map": that of the next image.
    """
    state, names = system.encoder.run_shared(batch.inputs["pixels"]), list(system.tasks)
    shares: dict[str, dict[str, float]] = {}
    for name, other in zip(names, names[1:] + names[:1], strict=True):

        def scores(features: TrunkFeatures, name: str = name) -> Tensor:
            maps: Tensor = system.heads[name](system.decoders[name](features))
            return maps

        own = system.encoder.run_task(state, system.condition(name))
        answers = scores(own)
        changes = {
            "condition": system.encoder.run_task(state, system.condition(other)),
            "adapters": system.encoder.run_task(state, None),
            "last map": TrunkFeatures(own.skips, own.last.roll(1, 0)),
        }
        shares[name] = {part: share(answers, scores(features)) for part, features in changes.items()}
    return shares
