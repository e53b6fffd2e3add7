"""Tasks that a Uni-Perceiver was never trained on: used as it is, with prompts tuned on little data, or fine-tuned.

motet train uni_perceiver_transfer:scenes_untuned    clips, predicted by the model of `uni_perceiver:tiny`, as it is
motet train uni_perceiver_transfer:scenes_prompted   prompts alone are trained, on 1 % of the clips
motet train uni_perceiver_transfer:scenes_finetuned  everything is, on all of them
motet train uni_perceiver_transfer:all_but_fashion   real data under $MOTET_DATA, without the garments; then the same
                                                     with fashion_untuned, fashion_prompted, fashion_finetuned
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from motet.data.drawn_batches import DrawnBatches
from motet.data.few_shot import few_shot
from motet.data.sampling_rates import EqualRates
from motet.data.source import Source
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.uni_perceiver import REAL_RATES, assembled
from motet.recipes.lit_decoder import stored
from motet.recipes.uni_perceiver import in_batch, photographed, photographic, small
from motet.scenes import CREDIT
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.options import PromptTuning
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.optim import AdamW
from motet.training.run import From, Run

TINY = From(Path("runs/uni_perceiver-tiny"), made_by="motet train uni_perceiver:tiny")
ALL_BUT_FASHION = From(
    Path("runs/uni_perceiver_transfer-all_but_fashion"), made_by="motet train uni_perceiver_transfer:all_but_fashion"
)
"""Where `motet train uni_perceiver:tiny` and `uni_perceiver_transfer:all_but_fashion` leave their runs."""

PROMPTS = 300
"""Steps that prompts are tuned for; the official configurations have 500 to 2,500."""


def untuned(system: UniPerceiverConfig, sources: Sequence[Source], start: From) -> Run:
    """Returns a run that evaluates another run's model on new tasks; nothing is trained.

    Source: Uni-Perceiver-MoE, section 4.4, "w/o tuning".

    Args:
        system: of the other run.
        sources: of the new tasks, of all roles.
        start: the other run.
    """
    return Run(
        system=system,
        sources=tuple(in_batch(source) for source in sources),
        schedule=DrawnBatches(rates=EqualRates(), batch_size=32),
        train=TrainConfig(steps=0, lr_schedule=Cosine(warmup=0)),
        balancer=TaskMean(),
        features=stored(),
        start=start,
    )


def prompted(system: UniPerceiverConfig, sources: Sequence[Source], start: From, *, share: float = 0.01) -> Run:
    """Returns a run that tunes prompts in every layer of another run's frozen model, on a share of the new data.

    Source: Uni-Perceiver-MoE, section 4.4, "PT"; learning rate, decay and clipping as in the official configurations.

    Args:
        system: of the other run.
        sources: of the new tasks, of all roles.
        start: the other run.
        share: of the training rows; at least five rows per class.
    """
    run = untuned(replace(system, tuning=PromptTuning()), [_few(source, share) for source in sources], start)
    plan = TrainConfig(
        steps=PROMPTS,
        lr=1e-3,
        optimizer=AdamW(betas=(0.9, 0.95), eps=1e-6),
        lr_schedule=Cosine(warmup=0.1),
        weight_decay=0.0,
        grad_clip=0.1,
    )
    return replace(run, train=plan)


def finetuned(system: UniPerceiverConfig, sources: Sequence[Source], start: From, *, steps: int = 300) -> Run:
    """Returns a run that fine-tunes another run's model on all of the new data.

    Source: Uni-Perceiver-MoE, section 4.4, "FT".

    Args:
        system: of the other run.
        sources: of the new tasks, of all roles.
        start: the other run.
        steps: iterations.
    """
    run = untuned(system, sources, start)
    return replace(run, train=TrainConfig(steps=steps, lr=3e-4, lr_schedule=Cosine(warmup=0.1), weight_decay=0.02))


def _few(source: Source, share: float) -> Source:
    if source.role != "train":
        return source
    return replace(source, reader=few_shot(source.reader, source.tasks[0], share), compose=None)


def clips(*task_names: str) -> tuple[Source, ...]:
    """Returns clips of the things of `uni_perceiver:tiny`, which is trained on still images of them."""
    return SceneSources(task_names=task_names, train=400, val=20, test=200, kinds=6, frames=4).sources()


def scenes_untuned() -> Run:
    """Naming and describing the moving thing of a clip, and video retrieval, by `tiny` without any tuning."""
    run = untuned(small(), clips("mover", "video_caption", "video_retrieve"), TINY)
    return replace(run, credit=(CREDIT,))


def scenes_prompted() -> Run:
    """Naming what moves in a clip, and its motion: prompts for the model of `tiny`, tuned on five clips per class."""
    return replace(prompted(small(), clips("mover", "motion"), TINY), credit=(CREDIT,))


def scenes_finetuned() -> Run:
    """Naming what moves in a clip, and its motion: the model of `tiny`, fine-tuned."""
    return replace(finetuned(small(), clips("mover", "motion"), TINY), credit=(CREDIT,))


def all_but_fashion() -> Run:
    """`uni_perceiver:real` without the garments, which are the new task of the runs below."""
    rates = {name: rate for name, rate in REAL_RATES.items() if name != "fashion"}
    return photographed(tuple(s for s in assembled() if s.tasks[0].name != "fashion"), rates, steps=2500)


def fashion_untuned() -> Run:
    """Garments, predicted by a model that is not trained on any."""
    return untuned(photographic(), _garments(), ALL_BUT_FASHION)


def fashion_prompted() -> Run:
    """Garments, by prompts tuned on 1 % of them, at least five per class."""
    return prompted(photographic(), _garments(), ALL_BUT_FASHION)


def fashion_finetuned() -> Run:
    """Garments, by a model that is fine-tuned on all of them."""
    return finetuned(photographic(), _garments(), ALL_BUT_FASHION, steps=600)


def _garments() -> tuple[Source, ...]:
    return tuple(source for source in assembled() if source.tasks[0].name == "fashion")
