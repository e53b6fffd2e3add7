"""Uni-Perceiver-MoE's table 3 at laptop scale, on scenes: one model for four tasks, seven ways to share its blocks.

    motet study studies/uni_perceiver_tables.py --on local:2 --table docs/results/uni_perceiver_tables.md

Blocks that all tasks share, blocks of their own for each task, and experts chosen by token, by context, by modality, by
task and by attribute, in every other layer. All see the same rows in the same order. What a step and an answer take
stands in `bench/bench_routings.md`, measured in turns in one process.

Table 1, how tasks disturb one another in the shared blocks and in those of experts:

    motet train studies/uni_perceiver_tables.py:shared --folder runs/shared
    motet train studies/uni_perceiver_tables.py:experts --folder runs/experts
    motet analyse interference runs/shared runs/experts
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from motet.experiments.study import Study
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.uni_perceiver import small, world
from motet.systems.uni_perceiver.options import Blocks, Experts, TaskSpecificBlocks
from motet.training.run import Run

STEPS = 500
SHARES: Mapping[str, float] = {"largest": 2, "number": 2, "caption": 3, "retrieve": 3}
"""How often each task is drawn: two sets of names, captions, pairs; the paper's table has one of each."""

WAYS: Mapping[str, Blocks] = {
    "shared": None,
    "task-specific": TaskSpecificBlocks(),
    "experts, token": Experts("token", num_experts=4),
    "experts, context": Experts("context", num_experts=4),
    "experts, modality": Experts("modality", num_experts=4),
    "experts, task": Experts("task", num_experts=4),
    "experts, attribute": Experts("attribute", num_experts=4),
}
"""Table 3: what blocks are made of."""


def cell(blocks: Blocks) -> Run:
    """One model for the four tasks."""
    scenes = SceneSources(task_names=tuple(SHARES), train=500, val=20, test=200, kinds=6, things=(1, 3))
    run = world(scenes, STEPS, SHARES, system=small(width=64, depth=2, blocks=blocks))
    return dataclasses.replace(run, expect={})


def shared() -> Run:
    """One model of shared blocks, to measure interference in."""
    return cell(None)


def experts() -> Run:
    """The same with experts by attributes."""
    return cell(WAYS["experts, attribute"])


def study() -> Study:
    """Seven ways, three seeds."""
    return Study(
        name="uni_perceiver_tables",
        cells={name: cell(blocks) for name, blocks in WAYS.items()},
        seeds=(0, 1, 2),
        minutes=10,  # a run takes two on a free core; this leaves room for a busy machine
        about="Scenes of the embedded world (a test bed, not real data), features of a frozen EfficientNet-Lite0, two "
        "layers of width 64, four experts of which two are chosen.",
    )
