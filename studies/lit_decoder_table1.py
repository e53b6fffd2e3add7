"""Table 1 of the LiT decoder paper at laptop scale, on scenes: does one decoder do as well as one a task?

    motet study studies/lit_decoder_table1.py --on local:2 --table docs/results/lit_decoder_table1.md

Six tasks in three of the paper's four categories over the same images, so only the prompt distinguishes the tasks. A
single-task model takes as many steps as the multi-task one, and so has six times as many samples of its task;
the paper, too, trains its single-task models until they converge.
"""

from __future__ import annotations

import dataclasses

from motet.core import Label
from motet.data.schedules import Mixed
from motet.experiments.single_task import single_task
from motet.experiments.study import Study
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.lit_decoder import small, stored
from motet.scenes import CREDIT
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.lit_decoder.options import ByCategory, Unconditioned
from motet.training.config import TrainConfig
from motet.training.optim import AdamW
from motet.training.run import Run

TASKS = ("largest", "number", "caption", "caption_de", "count", "position")


def multi_task() -> Run:
    """The run that the rows of the table are variants of."""
    return Run(
        system=small(width=128),
        sources=SceneSources(task_names=TASKS, train=800, val=40, test=250, kinds=6).sources(),
        schedule=Mixed(batch_size=64),
        train=TrainConfig(steps=300, lr=2e-3, optimizer=AdamW(), precision="bfloat16"),
        features=stored(),
        credit=(CREDIT,),
    )


def study() -> Study:
    """Task-conditioned, category-conditioned, unconditioned, single-task, feed-forward; three seeds."""
    run = multi_task()
    config = run.system
    if not isinstance(config, LiTDecoderConfig):
        raise TypeError(f"the study varies a LiT decoder; got {type(config).__name__}")
    classifier = FeedforwardConfig(encoder=config.encoder, crop=config.crop, hflip=config.hflip)
    by_itself = {task.name: single_task(run, task.name, match="steps") for task in run.tasks}
    return Study(
        name="lit_decoder_table1",
        cells={
            "multi-task": run,
            "category-conditioned": _with(run, dataclasses.replace(config, conditioning=ByCategory())),
            "unconditioned": _with(run, dataclasses.replace(config, conditioning=Unconditioned())),
            **{f"single-task/{name}": single_run for name, single_run in by_itself.items()},
            **{
                f"feed-forward/{task.name}": _with(by_itself[task.name], classifier)
                for task in run.tasks
                if isinstance(task.target, Label)
            },
        },
        seeds=(0, 1, 2),
        minutes=15,  # a run takes one on two free cores; this leaves room for a busy machine
        about="Scenes of the embedded world (a test bed, not real data), frozen EfficientNet-Lite0, 2-layer decoder.",
    )


def _with(run: Run, system: LiTDecoderConfig | FeedforwardConfig) -> Run:
    return dataclasses.replace(run, system=system)
