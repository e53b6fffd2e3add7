"""Which of five real tasks to train together: one run's measurements against the grid of all pairs.

    motet analyse groups studies/affinity_real.py:five --seeds 3 --folder runs/real-groups --group cifar10=cifar10 \
        --group fashion=fashion --group caption_en=caption_en --group receipt_line=receipt_line \
        --group easy_vqa=easy_vqa
    motet train studies/affinity_real.py:five --folder runs/real
    motet analyse groups --from-run runs/real --grid runs/real-groups

The data lie under $MOTET_DATA. The whole grid is sixteen runs per seed, some fifteen minutes on one core.
"""

from __future__ import annotations

from motet.data.sampling_rates import Temperature
from motet.data.schedules import Mixed
from motet.recipes.data.photos import photographs
from motet.recipes.lit_decoder import small, stored
from motet.training.config import TrainConfig
from motet.training.optim import AdamW
from motet.training.run import Run

FIVE = ("cifar10", "fashion", "caption_en", "receipt_line", "easy_vqa")


def five() -> Run:
    """Classes, captions, lines of receipts and questions, which a LiT decoder answers."""
    return Run(
        system=small(pieces=3000),
        sources=tuple(source for source in photographs() if {task.name for task in source.tasks} <= set(FIVE)),
        schedule=Mixed(rates=Temperature(2.0), batch_size=16),
        train=TrainConfig(steps=1500, lr=7e-4, optimizer=AdamW(), precision="bfloat16", seed=0),
        features=stored(),
    )
