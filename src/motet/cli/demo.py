"""`motet demo`: one model for seven tasks, one for each alone, what joint training gained or cost, and a page."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from motet.core import Report
from motet.experiments.run_report import PREDICTIONS, gallery, write_card, write_page
from motet.experiments.single_task import single_task
from motet.recipes.lit_decoder import demo as recipe
from motet.report import Comparison, PredictionCard, compare, read_run
from motet.training.run import Run
from motet.training.run_training import run_training


def demo(folder: Path, quick: bool, console: Console) -> None:
    """Trains, compares, shows; goes on where it was stopped.

    Args:
        folder: gets ``multi`` (the one model), ``single`` (one model a task) and, in ``multi``, ``report.html``.
        quick: fewer rows and steps.
        console: where it is told.
    """
    started = time.perf_counter()
    run = recipe(quick=quick)
    console.print(f"one model, {len(run.tasks)} tasks: {', '.join(task.name for task in run.tasks)}")
    report = run_training(run, folder / "multi", resume=True)
    if _stopped(report, run, console):
        return
    single_runs = []
    for task in run.tasks:
        single_run = single_task(run, task.name, samples_seen=report.samples_seen)
        console.print(
            f"{task.name} alone: the same {sum(report.samples_seen[s.name] for s in single_run.of_role('train')):,} rows"
        )
        place = folder / "single" / task.name
        if _stopped(run_training(single_run, place, resume=True, baselines=False), single_run, console):
            return
        single_runs.append(place)
    comparison = compare([read_run(place) for place in (folder / "multi", *single_runs)])
    page = write_page(folder / "multi", run.sources, title="motet demo", comparison=comparison)
    write_card(folder / "multi")
    _say(comparison, run, folder / "multi", console)
    minutes = (time.perf_counter() - started) / 60
    console.print(f"\n{minutes:.1f} minutes. Look at [bold]{page}[/bold], or ask the model:")
    console.print(f"  motet predict {folder / 'multi'} --task caption --image your.jpg")


def _stopped(report: Report, run: Run, console: Console) -> bool:
    """Returns whether a signal ended the training early."""
    stopped = report.step < run.train.steps
    if stopped:
        console.print(f"stopped after {report.step} of {run.train.steps} steps; the same command goes on from there")
    return stopped


def _say(comparison: Comparison, run: Run, folder: Path, console: Console) -> None:
    """The comparison as a table, and a few answers."""
    from motet.cli.compare import show_comparison

    show_comparison(comparison)
    record = read_run(folder)
    console.print("\nA few answers (all of them, with their pictures, are on the page):")
    for shown in _few(gallery(folder / PREDICTIONS, run.sources, record, per_task=1)):
        console.print(f"  {shown}")
    for line in run.credit:
        console.print(f"[dim]{line}[/dim]")


def _few(cards: Iterable[PredictionCard]) -> list[str]:
    lines = []
    for card in cards:
        asked = f" {card.prompt}" if card.prompt else ""
        lines.append(f"{card.task}:{asked} -> {card.prediction}   (true: {card.ground_truth})")
    return lines
