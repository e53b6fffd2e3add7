"""UniT's tables 1, 3 and 4 at laptop scale, on scenes.

    motet study studies/unit_tables.py --on local:2 --table docs/results/unit_tables.md

Table 1: finding things and answering questions, by two models, by one with a decoder a task, by one with a shared
decoder, and by that one started from the detector. Table 3: the same for five tasks. Table 4: parts of the shared model
changed one at a time, on the three tasks that the paper takes for it.

A model of several tasks takes as many steps as its tasks' single models take together, drawn as the paper draws them:
each task sees as many rows in it as alone, but for chance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.experiments.study import Study
from motet.nn.text_encoders import TinyBert
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.lit_decoder import stored
from motet.recipes.unit import small
from motet.scenes import CREDIT
from motet.systems.unit.config import UniTConfig
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import SkipUnusedAdamW
from motet.training.run import From, Run

STEPS: Mapping[str, int] = {"detect": 300, "colour": 100, "entail": 100, "entailment": 100, "answerable": 60}
TWO, FIVE, ABLATED = ("detect", "colour"), tuple(STEPS), ("detect", "entail", "entailment")
DETECTOR = "single-task/detect"
# Section 4.2: image encoder, decoder and the heads of boxes; a shared decoder takes them whole.
TAKEN = ("vision.", "decoder.", "queries.detect", "heads.detect.")


def run(requested: tuple[str, ...], system: UniTConfig | None = None, *, start: bool = False) -> Run:
    """One model for these tasks.

    Args:
        asked: of `STEPS`.
        system: what it is made of; `small()` by default.
        start: whether it starts from the detector.
    """
    world = SceneSources(
        task_names=requested, train=500, val=40, test=200, kinds=6, things=(1, 2), answers="each", sentences=4
    )
    return Run(
        system=system or config(),
        sources=world.sources(),
        schedule=Mixed(
            rates=FixedRates({f"scenes/{name}": float(STEPS[name]) for name in requested}),
            batch_size=32,
            whole_batches=True,
        ),
        train=TrainConfig(
            steps=sum(STEPS[name] for name in requested), lr=1e-3, optimizer=SkipUnusedAdamW(), precision="bfloat16"
        ),
        balancer=TaskMean(),
        features=stored(),
        start=From(Path("of the study"), include=TAKEN) if start else None,
        credit=(CREDIT,),
    )


def config(**changed: object) -> UniTConfig:
    """The shared model, or one that differs in something."""
    base = small(width=96, text=TinyBert(width=96, dropout=0.0))
    return dataclasses.replace(base, **changed)


def study() -> Study:
    """Single models, separate decoders, shared, shared from the detector; the ablations; three seeds."""
    separate = config(shared=False)
    ablations = {
        "depth 1": config(depth=1),
        "width 192": config(width=192, hidden=384),
        "all states of the text": config(
            reading=dataclasses.replace(config().text_limits, cls_only={"entail": False, "entailment": False})
        ),
        "losses on all layers": config(every_layer=True),
        "no task token": config(task_token=False),
    }
    return Study(
        name="unit_tables",
        cells={
            **{f"single-task/{name}": run((name,)) for name in STEPS},
            "2 tasks, separate decoders": run(TWO, separate),
            "2 tasks, shared": run(TWO),
            "2 tasks, shared, from the detector": run(TWO, start=True),
            "5 tasks, separate decoders": run(FIVE, separate),
            "5 tasks, shared": run(FIVE),
            "5 tasks, shared, from the detector": run(FIVE, start=True),
            "3 tasks, shared": run(ABLATED),
            **{f"3 tasks, {what}": run(ABLATED, changed) for what, changed in ablations.items()},
        },
        seeds=(0, 1, 2),
        minutes=8,  # a run takes one or two on two free cores; this leaves room for a busy machine
        about="Scenes of the embedded world (a test bed, not real data), frozen EfficientNet-Lite0, 2-layer decoder.",
        starts={"2 tasks, shared, from the detector": DETECTOR, "5 tasks, shared, from the detector": DETECTOR},
    )
