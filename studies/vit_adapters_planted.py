"""Affinities of tasks whose relation is known, and whether they help the task that few rows have.

    motet study studies/vit_adapters_planted.py --table docs/results/vit_adapters_planted.md

Normals of scenes under two names, their negative, random ones, and once more in 5 % of the rows ("starved"). Rows: the
starved task alone; all tasks with affinities that are equal, one-hot, learned as in algorithm 1, learned as an average
of cosines, and the last in a wrong order; with decoders that are drawn apart and once for all. Affinities help if
"starved" is better with learned ones than with equal and shuffled ones, beyond the spread of three seeds. The learned
affinities themselves are in each run's log as affinity/starved/...
"""

from __future__ import annotations

from dataclasses import replace

from motet.experiments.study import Study
from motet.nn.tower import FromScratch
from motet.recipes.data.planted import PLANTED, planted
from motet.recipes.vit_adapters import on, small
from motet.systems.vit_adapters import FixedAffinities, Troa
from motet.systems.vit_adapters.options import Affinities
from motet.training.run import Run

SIZE, STEPS = 32, 200
AVERAGE = Troa(every=20, batches=4, update="average", kappa=4.0)
AFFINITIES: dict[str, Affinities] = {
    "equal": FixedAffinities("uniform"),
    "one-hot": FixedAffinities("one-hot"),
    "algorithm 1": Troa(every=20),
    "average": AVERAGE,
    "average, shuffled": replace(AVERAGE, shuffled=True),
    "average, own share fixed": replace(AVERAGE, diagonal=False, floor=0.2),
}


def study() -> Study:
    """One row of the starved task alone, and one per kind of affinities; three seeds."""
    cells = {"starved alone": run(("starved",), FixedAffinities("uniform"), "alike")}
    cells |= {f"{name}, decoders alike": run(PLANTED, affinities, "alike") for name, affinities in AFFINITIES.items()}
    cells |= {f"{name}, decoders apart": run(PLANTED, AFFINITIES[name], "apart") for name in ("equal", "average")}
    return Study(
        name="vit_adapters_planted",
        cells=cells,
        seeds=(0, 1, 2),
        minutes=5,
        about="Scenes of the embedded world (a test bed, not real data) at 32 pixels, a Swin V2 of 24 to 192 channels.",
    )


def run(tasks: tuple[str, ...], affinities: Affinities, start: str) -> Run:
    """One cell; a row without any of the tasks cannot be trained on, so the starved task alone has its rows alone."""
    config = small(size=SIZE, mode=FromScratch(), affinities=affinities)
    config = replace(config, decoder=replace(config.decoder, start=start))
    alone = tasks == ("starved",)
    sources = planted(tasks, train=20 if alone else 400, size=SIZE, every=1 if alone else 20)
    return on(config, sources, STEPS, start=None, precision="float32")
