"""Studies: grids of runs, cells by seeds, with one JSON file per finished run; resumable after any stop.

    <folder>/<study>/<cell>-seed0.json     a finished run: its report, its time, what it was
    <folder>/<study>/<cell>-seed0/         the run's own folder

`motet.experiments.study_grid` runs them. The tables under ``docs/results/`` are written from these files alone, by
`table`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any, TypeAlias

from motet.core import ConfigError, MotetError, Report, Result, decimals, nearest
from motet.core.codec import to_json
from motet.core.model_folder import steps_in
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.training.run import From, Run

_PER_MODEL_BASELINES = {
    "image shuffled"
}  # a baseline that differs per model has no place under a table of several models

TrainOrResume: TypeAlias = Callable[[Run, Path], Report]
"""Trains a run in a folder, or resumes it there, and returns its last report."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A grid of runs.

    Args:
        name: of its folder and its page.
        cells: the runs to compare, by name. Cells ``row/part`` are parts of one row of the table, such as the
            single-task baselines of one model.
        seeds: every cell is run once with each.
        minutes: a run that takes longer is stopped and counted as failed.
        about: text above the table.
        keep_models: whether to keep the weights of finished runs.
        starts: a cell -> the cell whose model, of the same seed, it starts from (a detector, the multi-task model to
            fine-tune). Which weights it takes stands in the cell's own `Run.start`, whose folder is filled in here.

    Raises:
        ConfigError: no cell, no seed, a name that cannot be that of a file, or a start that is no cell or goes in a
            circle.
    """

    name: str
    cells: Mapping[str, Run]
    seeds: tuple[int, ...] = (0, 1, 2)
    minutes: float = 3.0
    about: str = ""
    keep_models: bool = field(default=False)
    starts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cells or not self.seeds:
            raise ConfigError(
                f"Study {self.name!r}: got {len(self.cells)} cells, {len(self.seeds)} seeds; want some of each"
            )
        for name in (self.name, *(part for cell in self.cells for part in cell.split("/"))):
            if not name or any(not (c.isalnum() or c in "-_.=+, ") for c in name) or name[0] in ". ":
                raise ConfigError(
                    f"Study {self.name!r}: got the name {name!r}; want letters, digits, '-', '_', '.', '=', ','"
                )
        for cell, first in self.starts.items():
            for name in (cell, first):
                if name not in self.cells:
                    raise ConfigError(f"Study.starts: got {name!r}, which is no cell; {nearest(name, self.cells)}")
            if not isinstance(self.cells[cell].start, From):
                raise ConfigError(
                    f"Study.starts: {cell!r}: got a run without a start from another one; want Run.start=From(...)"
                )
            self.turn(cell)

    def run(self, cell: str, seed: int) -> Run:
        """The run of a cell with a seed."""
        run = self.cells[cell]
        return dataclasses.replace(run, train=dataclasses.replace(run.train, seed=seed))

    def turn(self, cell: str) -> int:
        """Returns how many cells must be finished before this one, one after the other."""
        turn, first = 0, cell
        while (before := self.starts.get(first)) is not None:
            turn, first = turn + 1, before
            if first == cell:
                raise ConfigError(f"Study.starts: got {cell!r}, which starts from itself in the end; want no circle")
        return turn


@dataclass(frozen=True, kw_only=True)
class FinishedCell:
    """One finished or failed run, as its file says.

    Args:
        cell: its name.
        seed: its seed.
        digest: of what was run; a file with another digest is of another configuration and does not count.
        seconds: that training and evaluation took.
        report: the last one; None when it failed.
        error: why it failed, in one line; "" when it did not.
    """

    cell: str
    seed: int
    digest: str
    seconds: float = 0.0
    report: Report | None = None
    error: str = ""


def run_cell(study: Study, folder: Path, cell: str, seed: int, *, train_run: TrainOrResume) -> FinishedCell:
    """Trains one run in this process; an error that a user can cause becomes the one line of its result."""
    run, where, started = study.run(cell, seed), run_folder(study, folder, cell, seed), time.monotonic()
    digest = digest_in(study, cell, seed)
    _clear_other(where, digest)
    earlier = seconds_before(study, folder, cell, seed)
    try:
        if isinstance(run.start, From) and (first := study.starts.get(cell)) is not None:
            start = dataclasses.replace(run.start, folder=run_folder(study, folder, first, seed))
            run = dataclasses.replace(run, start=start)
        report = train_run(run, where)
        stopped = report.step < run.train.steps
        error = f"stopped after step {report.step} of {run.train.steps}" if stopped else ""
    except (MotetError, OSError, MemoryError) as raised:
        report, error = None, " ".join(f"{type(raised).__name__}: {raised}".split())
    seconds = earlier + time.monotonic() - started
    if not error and not study.keep_models and cell not in study.starts.values():
        for step in where.glob("step-*"):
            shutil.rmtree(step)
    return FinishedCell(
        cell=cell, seed=seed, digest=digest, seconds=seconds, report=None if error else report, error=error
    )


def seconds_before(study: Study, folder: Path, cell: str, seed: int) -> float:
    """Returns the seconds of a run until it was stopped: it continues from its checkpoint, so they count too."""
    if not steps_in(run_folder(study, folder, cell, seed)):
        return 0.0
    before = read_done(study, folder, cell, seed)
    return before.seconds if before and before.digest == digest_in(study, cell, seed) else 0.0


def finished(study: Study, folder: Path, cell: str, seed: int) -> FinishedCell | None:
    """Returns the result of a finished run of this configuration; None if it has not run yet or failed."""
    done = read_done(study, folder, cell, seed)
    return done if done and not done.error and done.digest == digest_in(study, cell, seed) else None


def read_done(study: Study, folder: Path, cell: str, seed: int) -> FinishedCell | None:
    """Reads the file of a finished or failed run; None where there is none, or half of one."""
    try:
        data = read_json(_result_file(study, folder, cell, seed))
        report = Report.from_dict(data.pop("report")) if data.get("report") else None
        return FinishedCell(**{**data, "report": report})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_done(study: Study, folder: Path, done: FinishedCell) -> None:
    """Writes a result, whole or not at all."""
    path = _result_file(study, folder, done.cell, done.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {**vars(done), "report": done.report.to_dict() if done.report else None}
    write_whole(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def run_folder(study: Study, folder: Path, cell: str, seed: int) -> Path:
    """Returns the folder of one run's own files."""
    return _result_file(study, folder, cell, seed).with_suffix("")


def digest_in(study: Study, cell: str, seed: int) -> str:
    """`digest_of` a cell's run; another one, too, when what it starts from is another."""
    own, first = digest_of(study.run(cell, seed)), study.starts.get(cell)
    return own if first is None else f"{own}-{digest_in(study, first, seed)}"


def digest_of(run: Run) -> str:
    """Returns a digest of a configuration: all of a recipe, with the arguments and row counts of its readers."""
    parts = [run.system, run.schedule, run.train, run.balancer, run.start]
    sources = [
        [
            s.name,
            s.role,
            s.sample_by,
            s.weight,
            len(s.reader),
            _stable_repr(s.reader),
            _stable_repr(s.compose),
            to_json(s.tasks),
        ]
        for s in run.sources
    ]
    text = json.dumps([_plain(part) for part in parts] + sources, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _stable_repr(value: object) -> str:
    """Returns the `repr` of a value without the memory addresses that those of functions have."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def table(study: Study, folder: Path) -> str:
    """Returns a study's results as a page, from its files: one row per cell, one column per task, mean and spread."""
    done = [d for cell in study.cells for seed in study.seeds if (d := read_done(study, folder, cell, seed))]
    columns = _columns(done)
    head = ["", *(f"{task} ({metric})" for task, metric in columns), "runs", "seconds a seed"]
    lines = [f"# {study.name}", "", *([study.about, ""] if study.about else [])]
    lines += [_row(head), _row(["---"] * len(head))]
    lines += [_row(_cells(row, group, columns)) for row, group in _grouped(study, done)]
    lines += [_row(["highest floor", *(_baseline(done, task) for task, _ in columns), "", ""])]
    lines += ["", f"Mean and standard deviation over {len(study.seeds)} seeds. Seconds are of training and evaluation."]
    failed = [f"- {d.cell}, seed {d.seed}: {d.error}" for d in done if d.error]
    missing = [f"- {c}, seed {s}" for c in study.cells for s in study.seeds if not read_done(study, folder, c, s)]
    lines += ["", "Failed:", "", *failed] if failed else []
    lines += ["", "Not run yet:", "", *missing] if missing else []
    return "\n".join(lines) + "\n"


def _columns(done: list[FinishedCell]) -> list[tuple[str, str]]:
    """(task, main metric) in the order they first appear."""
    return list(dict.fromkeys((r.task, r.metric) for d in done if d.report for r in d.report.results if r.main))


def _grouped(study: Study, done: list[FinishedCell]) -> Iterator[tuple[str, list[FinishedCell]]]:
    """Yields the runs of each row of the table: all cells with the same name before the slash."""
    for row in dict.fromkeys(cell.partition("/")[0] for cell in study.cells):
        yield row, [d for d in done if d.cell.partition("/")[0] == row]


def _cells(row: str, group: list[FinishedCell], columns: list[tuple[str, str]]) -> list[str]:
    good = [d for d in group if d.report is not None]
    found = [
        [r for d in good if d.report for r in d.report.results if r.main and r.task == task] for task, _ in columns
    ]
    seeds = {d.seed for d in good}
    seconds = f"{sum(d.seconds for d in good) / len(seeds):.0f}" if seeds else ""
    runs = f"{len(good)}" + (f" ({len(group) - len(good)} failed)" if len(good) < len(group) else "")
    return [row, *map(_spread, found), runs, seconds]


def _spread(results: list[Result]) -> str:
    if not results:
        return ""
    values, digits = [result.value for result in results], decimals(results[0].unit)
    middle = f"{mean(values):.{digits}f}"
    return f"{middle} ± {stdev(values):.{digits}f}" if len(values) > 1 else middle


def _baseline(done: list[FinishedCell], task: str) -> str:
    for one in done:
        baselines = one.report.trivial_baselines.get(task, {}) if one.report else {}
        values = [value for name, value in baselines.items() if name not in _PER_MODEL_BASELINES]
        if one.report and values:
            best = max if one.report.main(task).higher_is_better else min
            return f"{best(values):.{decimals(one.report.main(task).unit)}f}"
    return ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def in_short(report: Report | None) -> str:
    """Returns the main results of a run in one line."""
    results = report.results if report else ()
    return ", ".join(f"{r.task} {r.value:.{decimals(r.unit)}f} {r.unit}".strip() for r in results if r.main)


def _result_file(study: Study, folder: Path, cell: str, seed: int) -> Path:
    return folder / study.name / f"{cell.replace('/', '--')}-seed{seed}.json"


def _plain(value: Any) -> Any:
    try:
        return to_json(value)
    except ConfigError:
        return repr(value)


def _clear_other(where: Path, digest: str) -> None:
    """Removes what a run of another configuration left, and notes whose folder this is."""
    mark = where / "digest"
    if where.exists() and (not mark.exists() or mark.read_text() != digest):
        shutil.rmtree(where)
    where.mkdir(parents=True, exist_ok=True)
    write_whole(mark, digest)
