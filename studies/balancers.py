r"""Balancers on two small recipes of scenes: eight methods beside equal weights, with the same learning rates tried.

    motet study studies/balancers.py:answers --table runs/answers.md
    motet study studies/balancers.py:maps --table runs/maps.md
    python studies/balancers.py runs/studies docs/results/balancers.md

The last command writes the page: for each balancer the learning rate with the best val scores over all seeds, its test
scores at that rate, time and memory. `quick` is the same on one learning rate, for a first look.

One run against the grid of pairs, on the five tasks of `five`, trained
longer, since a task alone takes a fifth of the steps and has to have learned something by then:

    motet analyse groups studies/balancers.py:five_long --seeds 3 --folder runs/five-groups --group largest=largest \
        --group number=number --group caption=caption --group colour=colour --group position=position
    motet train studies/balancers.py:five_long --folder runs/five
    motet analyse groups --from-run runs/five --grid runs/five-groups
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from motet.core import Report
from motet.data.schedules import Mixed
from motet.experiments.study import Study, read_done, run_folder
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.lit_decoder import small as small_decoder
from motet.recipes.lit_decoder import stored
from motet.recipes.vit_adapters import on
from motet.recipes.vit_adapters import small as small_adapters
from motet.report import tables
from motet.report.compare import relative_delta
from motet.scenes import CREDIT
from motet.training.balancers import (
    DWA,
    FAMO,
    RLW,
    UW,
    Balancer,
    CAGrad,
    GradNorm,
    PCGrad,
    TaskMean,
    UPGrad,
)
from motet.training.config import TrainConfig
from motet.training.json_files import VAL_REPORT
from motet.training.optim import AdamW
from motet.training.run import Run

FIVE = ("largest", "number", "caption", "colour", "position")
MAPS = ("segment", "depth", "normals")
EQUAL = "TaskMean"
# UW's weights start at a half and have some 200 updates to move; DWA needs two windows before it does anything.
BALANCERS: dict[str, Balancer] = {
    EQUAL: TaskMean(),
    "RLW": RLW(),
    "UW": UW(lr=0.025),
    "DWA": DWA(window=10),
    "FAMO": FAMO(),
    "GradNorm": GradNorm(),
    "PCGrad": PCGrad(),
    "CAGrad": CAGrad(),
    "UPGrad": UPGrad(),
}
FACTORS = (0.33, 1.0, 3.0)
SEEDS = (0, 1, 2)


def five() -> Run:
    """Five tasks that a LiT decoder answers in words: classes, a number, captions, questions."""
    world = SceneSources(task_names=FIVE, train=400, val=100, test=200, kinds=6, things=(1, 3))
    return Run(
        system=dataclasses.replace(small_decoder(width=96, image_size=128), separator=False),
        sources=world.sources(),
        schedule=Mixed(batch_size=40),
        train=TrainConfig(steps=300, lr=2e-3, optimizer=AdamW(), seed=0),
        balancer=TaskMean(),
        features=stored(),
        credit=(CREDIT,),
    )


def five_long() -> Run:
    """The same for five times as many steps."""
    run = five()
    return dataclasses.replace(run, train=dataclasses.replace(run.train, steps=1500))


def three_maps() -> Run:
    """Three maps of every pixel, by adapters in a small trunk."""
    world = SceneSources(task_names=MAPS, train=200, val=40, test=80, kinds=6, things=(1, 3))
    return on(small_adapters(size=64), world.sources(), 60, start=None, batch_size=6, precision="float32")


def answers() -> Study:
    """Every balancer and learning rate on `five`."""
    return _study("balancers_answers", five())


def maps() -> Study:
    """Every balancer and learning rate on `three_maps`."""
    return _study("balancers_maps", three_maps())


def quick() -> Study:
    """Every balancer on `five` at the recipe's own learning rate."""
    return _study("balancers_quick", five(), (1.0,))


def _study(name: str, run: Run, factors: Sequence[float] = FACTORS) -> Study:
    cells = {
        f"{balancer}, lr {run.train.lr * factor:.2g}": dataclasses.replace(
            run, balancer=value, train=dataclasses.replace(run.train, lr=run.train.lr * factor)
        )
        for balancer, value in BALANCERS.items()
        for factor in factors
    }
    return Study(name=name, cells=cells, seeds=SEEDS, minutes=10, about="Scenes of the embedded world, a test bed.")


def page(study: Study, folder: Path) -> str:
    """Returns the table of a study: each balancer at its best learning rate by the val scores of all seeds."""
    base = _best(study, folder, EQUAL)
    rows = []
    names: list[str] = []
    for balancer in BALANCERS:
        cell = _best(study, folder, balancer)
        done = [found for seed in study.seeds if cell and (found := read_done(study, folder, cell, seed))]
        reports = [one.report for one in done if one.report is not None]
        if not reports or cell is None or base is None:
            rows.append((balancer, "not run"))
            continue
        names = [result.task for result in reports[0].results if result.main]
        scores = [[report.main(task).value for report in reports] for task in names]
        equal = [d.report for s in study.seeds if (d := read_done(study, folder, base, s)) and d.report is not None]
        deltas = [_delta(one, other) for one, other in zip(reports, equal, strict=False)]
        memory = max(_memory(run_folder(study, folder, cell, one.seed)) for one in done)
        seconds = statistics.fmean(one.seconds for one in done)
        rows.append(
            (
                balancer,
                cell.rpartition(" ")[2],
                *(_spread(values, 1) for values in scores),
                "" if balancer == EQUAL else _spread(deltas, 1),
                f"{seconds:.0f}",
                f"{memory:.0f}",
            )
        )
    width = 5 + len(names)
    head = ("balancer", "lr", *names, "delta-m, %", "seconds", "MB")
    return tables.table(head, [(*row, *[""] * (width - len(row))) for row in rows])


def _best(study: Study, folder: Path, balancer: str) -> str | None:
    """Returns the cell of a balancer with the best val scores: the mean relative difference to the first cell's."""
    first = next(iter(study.cells))
    scored = []
    for cell in (cell for cell in study.cells if cell.partition(",")[0] == balancer):
        deltas = [
            _delta(own, other)
            for seed in study.seeds
            if (own := _val(study, folder, cell, seed)) and (other := _val(study, folder, first, seed))
        ]
        if deltas:
            scored.append((statistics.fmean(deltas), cell))
    return max(scored)[1] if scored else None


def _val(study: Study, folder: Path, cell: str, seed: int) -> Report | None:
    path = run_folder(study, folder, cell, seed) / VAL_REPORT
    return Report.from_dict(json.loads(path.read_text())) if path.exists() else None


def _delta(one: Report, other: Report) -> float:
    """Returns the mean relative difference of the tasks' main scores, in percent; positive is better."""
    found = [relative_delta(r.value, other.main(r.task).value, r.higher_is_better) for r in one.results if r.main]
    known = [value for value in found if value is not None]
    return statistics.fmean(known) if known else 0.0


def _memory(folder: Path) -> float:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return max((line["memory_mb"] for line in lines if "memory_mb" in line), default=0.0)


def _spread(values: Sequence[float], digits: int) -> str:
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{digits}f}{spread}"


def main() -> None:
    """Writes the page from the finished runs."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    parts = [f"## {study.name}\n\n{page(study, folder)}\n" for study in (answers(), maps())]
    out.write_text("\n".join(["# Balancers, beside equal weights tuned alike\n", *parts]))


if __name__ == "__main__":
    main()
