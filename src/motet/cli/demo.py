"""The command `demo`: a multi-task model of seven tasks, its single-task baselines, their comparison, and a page."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from motet.experiments.run_report import PREDICTIONS, gallery, write_card, write_page
from motet.experiments.single_task import single_task
from motet.recipes.lit_decoder import demo as recipe
from motet.report import Comparison, PredictionCard, compare, read_run
from motet.training.distributed import choose_device
from motet.training.estimate import estimate
from motet.training.json_files import RUN
from motet.training.run import Run
from motet.training.run_data import read_record
from motet.training.run_training import run_training

_MINUTES, _QUICK_MINUTES = 10, 3


def demo(folder: Path, quick: bool, console: Console) -> None:
    """Trains the models, compares them and shows some predictions; continues a run that was stopped.

    Args:
        folder: gets ``multi`` (the one model), ``single`` (one run per task) and, in ``multi``, ``report.html``.
        quick: fewer rows and steps.
        console: gets the messages.
    """
    started = time.perf_counter()
    run = _fitted(recipe(quick=quick), folder, 60 * (_QUICK_MINUTES if quick else _MINUTES), console)
    console.print(f"multi-task model, {len(run.tasks)} tasks: {', '.join(task.name for task in run.tasks)}")
    report = run_training(run, folder / "multi", resume=True)
    single_runs = []
    for task in run.tasks:
        single_run = single_task(run, task.name, samples_seen=report.samples_seen)
        samples = sum(report.samples_seen[source.name] for source in single_run.of_role("train"))
        console.print(f"{task.name}, single-task baseline: the same {samples:,} samples")
        place = folder / "single" / task.name
        run_training(single_run, place, resume=True, baselines=False)
        single_runs.append(place)
    comparison = compare([read_run(place) for place in (folder / "multi", *single_runs)])
    page = write_page(folder / "multi", run.sources, title="motet demo", comparison=comparison)
    write_card(folder / "multi")
    _show(comparison, run, folder / "multi", console)
    minutes = (time.perf_counter() - started) / 60
    console.print(f"\n{minutes:.1f} minutes. Open [bold]{page}[/bold], or use the model:")
    console.print(f"  motet predict {folder / 'multi'} --task caption --image your.jpg")


def _fitted(run: Run, folder: Path, seconds: float, console: Console) -> Run:
    """Returns the run with as many of its steps as fit into the time, single-task baselines included.

    The baselines together take about the time of the multi-task run again: as many samples, and as many evaluated rows.
    """
    if (folder / "multi" / RUN).is_file():  # a demo that is continued keeps its length
        return _at_length(run, read_record(folder / "multi")["run"]["train"]["steps"])
    found = estimate(run, device=choose_device(None))
    fixed = (1 + len(run.tasks)) * found.setup_seconds + found.store_seconds + 2 * found.evaluation_seconds
    steps = max(1, int((seconds - fixed) / (2 * found.step_seconds)))
    if steps >= run.train.steps:
        return run
    console.print(
        f"{steps:,} of {run.train.steps:,} steps fit into {seconds / 60:g} minutes at the speed of this machine; the "
        "tasks that are learned last (exist) may not be"
    )
    return _at_length(run, steps)


def _at_length(run: Run, steps: int) -> Run:
    return run if steps == run.train.steps else dataclasses.replace(run, train=run.train.at_length(steps))


def _show(comparison: Comparison, run: Run, folder: Path, console: Console) -> None:
    """Prints the comparison as a table, and a few predictions."""
    from motet.cli.compare import show_comparison

    show_comparison(comparison)
    record = read_run(folder)
    console.print("\nA few predictions (the page has more, with their images):")
    for line in _card_lines(gallery(folder / PREDICTIONS, run.sources, record, per_task=1)):
        console.print(f"  {line}")
    for line in run.credit:
        console.print(f"[dim]{line}[/dim]")


def _card_lines(cards: Iterable[PredictionCard]) -> list[str]:
    lines = []
    for card in cards:
        prompt = f" {card.prompt}" if card.prompt else ""
        lines.append(f"{card.task}:{prompt} -> {card.prediction}   (ground truth: {card.ground_truth})")
    return lines
