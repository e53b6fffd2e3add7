"""Runs of 12-in-1: the paper's, a small one of twelve tasks on scenes, one on real data.

motet train twelve_in_one:tiny     scenes: twelve tasks in four groups, stop-and-go; some minutes
motet train twelve_in_one:real     real data under $MOTET_DATA
motet data stats twelve_in_one:few what can be read of three more sets there, too small to train on
motet plan twelve_in_one:paper     every value of the paper, on the twelve data sets it names
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from motet.data.round_robin import RoundRobin
from motet.data.stop_and_go import StopAndGo
from motet.nn.feature_maps import BundledLite0Map
from motet.nn.text_encoders import BundledMiniLM, TextConfig, TinyBert
from motet.nn.tower import EncoderMode, Finetune, FromScratch
from motet.preprocess.regions import BoxGrid, BoxSource, StandOut
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.twelve_in_one import gathered, too_few
from motet.recipes.lit_decoder import stored
from motet.recipes.paper.twelve_in_one import published
from motet.scenes import CREDIT, SceneBoxes
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.run import Run

GROUPS: Mapping[str, Sequence[str]] = {
    "questions": ("colour", "exist", "count"),
    "retrieval": ("retrieve", "retrieve_colours"),
    "referring": ("refer", "refer_look", "refer_place", "point", "dialog"),
    "verification": ("pair", "entail"),
}
"""Twelve tasks on scenes, as the paper's twelve data sets fall into four groups (section 2)."""

ROUNDS = 150
"""Iterations in which twelve tasks leave their plateau (docs/LOG.md)."""

TWELVE: tuple[str, ...] = tuple(task for tasks in GROUPS.values() for task in tasks)


def small(
    *,
    width: int = 96,
    depth: int = 1,
    image_size: int = 128,
    text: TextConfig | None = None,
    text_mode: EncoderMode | None = None,
    max_tokens: int = 32,
    regions: BoxSource | None = None,
) -> TwelveInOneConfig:
    """A 12-in-1 for a laptop: boxes read from the map of the embedded frozen EfficientNet-Lite0, narrow streams.

    Boxes come from `regions`, detected in advance, or are a grid of 90.

    Runs of minutes underfit: nothing is dropped; images are not mirrored, so that the trunk's maps can be stored.
    Narrow layers start from larger weights than BERT's, or they learn nothing for hundreds of steps. The paper's own
    values are in `paper`.
    """
    return TwelveInOneConfig(
        trunk=BundledLite0Map(size=image_size, stage=(-2, -1)),
        box_source=regions,
        max_regions=36,
        grid=BoxGrid(sides=(0.25, 0.4), step=0.45),  # 90 boxes
        hflip=False,
        text=text or TinyBert(width=width, depth=depth + 1, dropout=0.0),
        text_mode=text_mode or FromScratch(),
        max_tokens=max_tokens,
        image_width=width,
        image_depth=depth,
        image_heads=4,
        image_hidden=2 * width,
        co_width=width,
        co_heads=4,
        dropout=0.0,
        attention_dropout=0.0,
        head_lr_scale=1.0,
        initial_std=None,
    )


def tiny() -> Run:
    """Twelve tasks in four groups on scenes, with stop-and-go: some three minutes on two cores."""
    return replace(
        world(TWELVE, steps=ROUNDS, schedule=rounds(TWELVE, StopAndGo())),
        # Mean and three standard deviations over 15 runs: five seeds, each in 32 bits with AVX-512 and with AVX2, and
        # in bfloat16. Held to no number, since after these rounds some seeds have just left their plateau and some have
        # not: the other ten (docs/results/twelve_in_one.md).
        expect={("count", "answer_match"): (56.6, 11.2), ("entail", "accuracy"): (66.2, 9.6)},
    )


def world(
    task_names: Sequence[str],
    *,
    steps: int,
    system: TwelveInOneConfig | None = None,
    schedule: RoundRobin | None = None,
) -> Run:
    """Returns a run on scenes, with one batch and one update per task in every iteration.

    Regions are boxes near the things and some on the ground, as a detector would find them (`SceneBoxes`). Gradients
    are clipped at 0.1, which all of them exceed: otherwise losses that are sums over answers or
    regions would dominate those that are means, since all tasks share one optimiser's second moments.

    Args:
        task_names: of `TWELVE`; a task does not depend on which others there are.
        steps: iterations.
        system: `small()` by default.
        schedule: sizes of batches, stop-and-go, curriculum; `rounds` by default.
    """
    scenes = SceneSources(
        task_names=TWELVE, train=400, val=40, test=200, kinds=6, things=(2, 3), answers="one", phrases=4
    )
    return Run(
        system=replace(system or small(regions=SceneBoxes()), pairs=tuple({"pair"} & set(task_names))),
        sources=tuple(source for source in scenes.sources() if source.tasks[0].name in task_names),
        schedule=schedule or rounds(task_names),
        train=TrainConfig(steps=steps, lr=7e-4, lr_schedule=Cosine(warmup=10), grad_clip=0.1, seed=0),
        balancer=TaskMean(),
        features=stored(),
        credit=(CREDIT,),
    )


def rounds(task_names: Sequence[str], stop: StopAndGo | None = None) -> RoundRobin:
    """Returns the schedule: 16 rows per task and batch, 6 for retrieval, where a row is four pairs.

    Args:
        task_names: of `TWELVE`.
        stop: when a task stops and goes, evaluated every ten iterations; None for never.
    """
    pairs = {f"scenes/{task}": 6 for task in task_names if task in GROUPS["retrieval"]}
    periods = dict.fromkeys(task_names, 10 if stop else 0)
    return RoundRobin(batch_size=16, batch_sizes=pairs, stop=stop, periods=periods)


def real() -> Run:
    """12-in-1 on real data under $MOTET_DATA: statements on drawings and photographs, retrieval, questions.

    Regions are the 36 boxes of the grid that stand out most: as many as in the paper's pre-training.
    """
    system = small(width=192, depth=2, image_size=224, text=BundledMiniLM(), text_mode=Finetune(0.3), max_tokens=40)
    sources = gathered()
    return Run(
        system=replace(system, stand_out=StandOut(count=36)),
        sources=sources,
        schedule=RoundRobin(
            batch_size=32,
            batch_sizes={"flickr8k": 8},
            periods={
                task.name: 0 for source in sources for task in source.tasks
            },  # evaluated every `evaluate_every` steps
        ),
        train=TrainConfig(steps=150, lr=5e-4, lr_schedule=Cosine(warmup=15), grad_clip=0.1, evaluate_every=50, seed=0),
        balancer=TaskMean(),
        features=stored(),
    )


def few() -> Run:
    """VQAv2, VSR and RefCOCOs under $MOTET_DATA: a check that they are read; dozens of rows support no claim."""
    return replace(real(), sources=too_few(), schedule=RoundRobin(batch_size=8), train=TrainConfig(steps=2))


def paper() -> Run:
    """12-in-1's run on twelve data sets (section 3.3), every value as published; the data under $MOTET_DATA."""
    return published()
