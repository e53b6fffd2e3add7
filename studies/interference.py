"""The same tasks in five systems, to measure how they disturb one another in the blocks that they share.

    for system in lit_decoder unit twelve_in_one uni_perceiver vit_adapters; do
        motet train studies/interference.py:$system --folder runs/interference/$system
    done
    motet analyse interference runs/interference/*

Two sets of names over the same images, what the largest thing is and how many there are, and one question, which
colour something has, of the four systems that answer questions; the adapters have two maps beside the names. Every
system reads the same frozen EfficientNet-Lite0 but the adapters, whose trunk is trained from scratch with them. Rows,
batches of one task, steps and the plan are the same; widths are those of the systems' own small recipes.
"""

from __future__ import annotations

from dataclasses import replace

from motet.core import SystemConfig
from motet.data.drawn_batches import DrawnBatches
from motet.data.sampling_rates import EqualRates
from motet.nn.tower import FromScratch
from motet.recipes import lit_decoder as lit
from motet.recipes import twelve_in_one as twelve
from motet.recipes import uni_perceiver as uni
from motet.recipes import unit as unit_recipes
from motet.recipes import vit_adapters as adapters
from motet.recipes.data.scene_sources import SceneSources
from motet.scenes import CREDIT, SceneBoxes
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.run import Run

NAMES = ("largest", "number")
ASKED = (*NAMES, "colour")
STEPS = 300


def lit_decoder() -> Run:
    """Names and the question, in words."""
    return _run(lit.small(width=128), ASKED)


def unit() -> Run:
    """Names and the question, by a decoder that they share and a head each."""
    return _run(unit_recipes.small(width=96), ASKED)


def twelve_in_one() -> Run:
    """Names and the question, from regions."""
    return _run(twelve.small(regions=SceneBoxes()), ASKED)


def uni_perceiver() -> Run:
    """Names and the question, as targets that the same blocks encode; no experts."""
    return _run(uni.small(blocks=None), ASKED)


def uni_perceiver_experts() -> Run:
    """The same with experts that are chosen by attributes."""
    return _run(uni.small(), ASKED)


def vit_adapters() -> Run:
    """Names and two maps."""
    run = _run(adapters.small(size=64, mode=FromScratch()), (*NAMES, "segment", "depth"), size=64)
    return replace(run, features=None)


def _run(system: SystemConfig, requested: tuple[str, ...], *, size: int = 128) -> Run:
    world = SceneSources(
        task_names=requested, train=500, val=20, test=200, kinds=6, things=(1, 3), answers="each", size=size
    )
    return Run(
        system=system,
        sources=world.sources(),
        schedule=DrawnBatches(rates=EqualRates(), batch_size=32),
        train=TrainConfig(steps=STEPS, lr=1e-3, lr_schedule=Cosine(warmup=20), grad_clip=1.0, seed=0),
        balancer=TaskMean(),
        features=lit.stored(),
        credit=(CREDIT,),
    )
