"""`motet.train`, `motet.evaluate` and `motet.compare`: a run from beginning to end in one call each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, ConfigError, System
from motet.core.codec import to_json
from motet.core.ranks import rank
from motet.data.source import Source
from motet.evaluation import evaluate as evaluate_system
from motet.evaluation.readable_rows import readable_sources
from motet.experiments.lr_search import searched_run
from motet.experiments.run_report import write_card, write_page
from motet.hub import from_pretrained
from motet.nn.module_source import built_modules
from motet.report import Comparison, read_run
from motet.report import compare as compare_records
from motet.report.readable_report import ReadableReport
from motet.report.verdict import verdicts
from motet.training.logging import tracked_values
from motet.training.run import Run
from motet.training.run_data import outside_modules, saved_on_bad_row, saved_sources
from motet.training.run_training import run_training
from motet.training.trackers import TrackerName, opened_trackers


def train(
    run: Run,
    folder: str | Path,
    *,
    resume: bool = False,
    device: str | None = None,
    show: bool = True,
    progress: Callable[[int, int], None] | None = None,
    origin: Mapping[str, Any] | None = None,
    track: Sequence[TrackerName] = (),
) -> ReadableReport:
    """Trains a run and writes its folder: log, checkpoints, scores with intervals, a page and a model card.

    Args:
        run: what is trained, on what, and how.
        folder: of the run; a new one, or with `resume` that of an earlier start.
        resume: go on from the last checkpoint.
        device: "cpu", "cuda", ...; the best there is by default.
        show: a live line on the terminal.
        progress: called with (done, total) while features are stored.
        origin: where the run comes from (a recipe by name, its settings), for ``run.json``.
        track: "trackio", "wandb" or "mlflow", which get the configuration, the numbers and the page of the run.

    Returns:
        The report on the test sources, or on the val sources where there are none. When a signal stopped the run, its
        `step` is below ``run.train.steps``.

    Raises:
        ConfigError, DataError, CheckpointError, TrainingError: see `motet.training.run_training.run_training`.
    """
    folder = Path(folder)
    trust, parts = modules_of(run), built_modules(run.system)
    with opened_trackers(track, folder, run) as trackers:
        report = run_training(
            run, folder, resume=resume, device=device, show=show, progress=progress, origin=origin, trackers=trackers
        )
        if rank() != 0 or report.step < run.train.steps:
            return ReadableReport.of(report)
        page = write_page(folder, run.sources, title=folder.name, trust=trust, parts=parts)
        write_card(folder, trust=trust, parts=parts)
        for tracker in trackers:
            tracker.add(tracked_values(report.to_dict()), report.step)
            tracker.add_page(page)
    lines = tuple(map(str, verdicts(read_run(folder))))
    return ReadableReport.of(report, verdicts=lines, page=str(page))


def evaluate(
    model: System | str | Path,
    sources: Sequence[Source] | None = None,
    *,
    batch_size: int = 64,
    predictions: str | Path | None = None,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
    moved: Mapping[str, str] | None = None,
) -> ReadableReport:
    """Evaluates a model on sources, with 95 % intervals over images.

    A run that left out rows that cannot be read (``train.on_bad_row``) does so here too.

    Args:
        model: a system, or the folder of a run or of a saved model, or a name on the Hub.
        sources: with tasks that the model answers; of a run folder by default its own test sources.
        batch_size: rows at a time.
        predictions: a file that gets one JSON line per row.
        trust: packages, modules or .py files of yours that a saved model or run may import.
        parts: by name the built modules that a saved model was trained with, see `motet.wrap`.
        moved: old path -> new path of data of a run that lie elsewhere now.

    Raises:
        CheckpointError: no such model, or no run to take the sources from.
        ConfigError: a task that the model does not have.
    """
    if sources is None:
        if isinstance(model, System):
            raise ConfigError("evaluate: sources: got None with a system; want sources, or the folder of a run")
        sources = saved_sources(model, "test", trust=trust, moved=moved)
    system = model if isinstance(model, System) else from_pretrained(str(model), trust=trust, parts=parts)
    lines = None if predictions is None else Path(predictions)
    on_bad_row = "stop" if isinstance(model, System) else saved_on_bad_row(model)
    sources, left_out = readable_sources(sources, system.processor, on_bad_row)
    report = evaluate_system(
        system,
        sources,
        batch_size=batch_size,
        role="val" if all(source.role == "val" for source in sources) else "test",
        interval=True,
        predictions=lines,
    )
    return ReadableReport.of(dataclasses.replace(report, notes=(*report.notes, *left_out)))


def compare(*folders: str | Path) -> Comparison:
    """Compares multi-task runs, one per seed, with single-task runs of the same tasks.

    A multi-task run stands for the one at the best learning rate, where `motet baseline` has searched it.

    Args:
        *folders: of finished runs, or folders that hold several.

    Raises:
        CheckpointError: a folder without a finished run.
        ConfigError: no multi-task run, a task without a single-task run, or runs on other rows.
    """
    given = [Path(folder) for folder in folders]
    chosen = (searched_run(folder, given) for folder in run_folders(given))
    return compare_records(
        [read_run(folder if one is None else one[0]) for folder, one in zip(run_folders(given), chosen, strict=True)]
    )


def run_folders(folders: Sequence[Path]) -> list[Path]:
    """Returns the run folders among some folders, and those directly inside a folder that is none itself.

    Raises:
        CheckpointError: a folder with no run in it.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise CheckpointError(f"{folder}: got no such folder; want a run folder, as `motet train` writes it")
        inside = sorted(path.parent for path in folder.glob("*/run.json"))
        if not (folder / "run.json").exists() and not inside:
            raise CheckpointError(
                f"{folder}: got no run.json here or one folder below; want a run folder, as `motet train` writes it"
            )
        found += [folder] if (folder / "run.json").exists() else inside
    return list(dict.fromkeys(found))


def modules_of(run: Run) -> tuple[str, ...]:
    """Returns the modules outside motet that a run's parts come from; who has the run has imported them."""
    return tuple(sorted(outside_modules(to_json(run, whole=False))))
