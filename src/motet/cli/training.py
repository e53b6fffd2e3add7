"""The commands `train` and `evaluate`; both also run under `torchrun -m motet.cli`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from motet.cli.console import print_json, print_lines, table
from motet.cli.decoding import Decodings, decode_as_set
from motet.cli.options import (
    Json,
    MovedData,
    RecipeName,
    RunFolder,
    Sets,
    Trust,
    check_task_names,
    folder_of,
    is_main_process,
    origin_of,
    recipe_run,
    run_sources,
)
from motet.cli.stop import continued_by

if TYPE_CHECKING:
    from motet.core import Report, Task
    from motet.data.source import Source
    from motet.training.run import Run
    from motet.training.trackers import TrackerName


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet train lit_decoder:tiny --folder runs/tiny --set train.steps=500")(train)
    app.command(epilog="Example:  motet evaluate runs/tiny --role val --json")(evaluate)


_LENGTH = ("train.steps", "train.evaluate_every", "train.save_every")
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the best available by default")]


def train(
    recipe: RecipeName,
    folder: Annotated[Path | None, typer.Option(help="the run's folder; runs/RECIPE by default")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="continue an interrupted run from its last checkpoint")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(help="as many steps as fit into this time at the measured speed, about")
    ] = None,
    settings: Sets = None,
    device: Device = None,
    check: Annotated[
        bool, typer.Option("--check", help="exit code 1 if a result is below what the recipe expects")
    ] = False,
    track: Annotated[
        list[str] | None, typer.Option(help="also log to trackio, wandb or mlflow; may be repeated")
    ] = None,
    json: Json = False,
) -> None:
    """Train a recipe, evaluate it on its test sources, and write the run's folder: log, checkpoints, report."""
    place = folder or folder_of(recipe)
    settings = [*(settings or ()), *_fitted(recipe, settings, place, minutes, resume=resume, device=device)]
    run = recipe_run(recipe, settings)
    with continued_by(f"continue with: {resume_command(recipe, place, settings)}"):
        report = train_run(
            run,
            place,
            origin=origin_of(recipe, settings),
            resume=resume,
            device=device,
            quiet=json,
            track=tracker_names(track or ()),
        )
    if is_main_process():
        if json:
            print_json({"folder": str(place), "finished": report.step == run.train.steps, **report.to_dict()})
        else:
            _show_trained(report, run, place)
    missed = shortfalls(report, run) if check else []
    if missed:
        print_lines(*(missed if is_main_process() else ()))
        raise typer.Exit(1)


def tracker_names(names: Sequence[str]) -> tuple[TrackerName, ...]:
    """Returns the trackers of the command line.

    Raises:
        ConfigError: another name.
    """
    from motet.training.trackers import checked_names

    return checked_names(names) if names else ()


def _fitted(
    recipe: str, settings: list[str] | None, place: Path, minutes: float | None, *, resume: bool, device: str | None
) -> list[str]:
    """Returns the settings of a run that fits into some minutes; of a run that is continued those it began with."""
    if minutes is None:
        return []
    from motet.core.errors import ConfigError
    from motet.training.distributed import choose_device
    from motet.training.run_data import read_record
    from motet.training.time_budget import steps_within

    if minutes <= 0:
        raise ConfigError(f"--minutes: got {minutes:g}; want more than 0")
    if resume and (place / "run.json").is_file():
        first = (read_record(place).get("origin") or {}).get("settings") or []
        return [one for one in first if str(one).startswith(_LENGTH)]
    run = recipe_run(recipe, settings)
    config = run.train.at_length(steps_within(run, 60 * minutes, device=choose_device(device)))
    print_lines(f"{config.steps:,} steps fit into {minutes:g} min at the speed of this machine")
    return [f"{name}={getattr(config, name.removeprefix('train.'))}" for name in _LENGTH]


def resume_command(recipe: str, folder: Path, settings: list[str] | None) -> str:
    """Returns the command that continues a run."""
    sets = [part for setting in settings or () for part in ("--set", setting)]
    return shlex.join(["motet", "train", recipe, "--folder", str(folder), *sets, "--resume"])


def train_run(
    run: Run,
    folder: Path,
    *,
    origin: dict[str, object],
    resume: bool,
    device: str | None,
    quiet: bool = False,
    page: bool = True,
    track: Sequence[TrackerName] = (),
) -> Report:
    """Trains a run with progress on the terminal; with `page` also writes its report page and model card at the end."""
    from motet.cli.progress import counting
    from motet.experiments import api
    from motet.training.run_training import run_training

    with counting("storing features", quiet=quiet) as progress:
        if page:
            return api.train(
                run,
                folder,
                resume=resume,
                device=device,
                show=not quiet,
                progress=progress,
                origin=origin,
                track=track,
            )
        return run_training(run, folder, resume=resume, device=device, show=not quiet, progress=progress, origin=origin)


def evaluate(
    folder: RunFolder,
    role: Annotated[Literal["val", "test"], typer.Option(help="role of the sources to evaluate on")] = "test",
    recipe: Annotated[str | None, typer.Option(help="use the sources of this recipe instead of the run's own")] = None,
    settings: Sets = None,
    tasks: Annotated[list[str] | None, typer.Option("--task", help="only this task; may be repeated")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per batch")] = 64,
    predictions: Annotated[
        Path | None, typer.Option(help="write every row's prediction to this file (JSON lines)")
    ] = None,
    result_files: Annotated[
        Path | None, typer.Option(help="write result files in the formats of COCO, VQA and GLUE to this folder")
    ] = None,
    rerank_top_k: Annotated[
        int | None,
        typer.Option(
            min=1, help="rank retrieval in two stages: score only the best K candidates of each query exactly"
        ),
    ] = None,
    first_stage_size: Annotated[
        int, typer.Option(min=1, help="images and texts that the first stage scores all candidates with")
    ] = 64,
    decoding: Decodings = None,
    device: Device = None,
    trust: Trust = None,
    data: MovedData = None,
    json: Json = False,
) -> None:
    """Evaluate a trained model on the sources of its run, or of a recipe with the same tasks.

    A pretrained model is evaluated as it is on the tasks of a recipe: motet evaluate vlm:HUB_NAME --recipe RECIPE.
    """
    check_task_names(folder, tasks or ())
    from motet.core.errors import ConfigError
    from motet.evaluation import Ranking
    from motet.evaluation import evaluate as evaluate_system
    from motet.evaluation.readable_rows import readable_sources
    from motet.experiments.submissions import chosen_sources, write_result_files
    from motet.hub import load_system
    from motet.systems import build_system, untrained_config
    from motet.training.distributed import processes
    from motet.training.run_data import saved_on_bad_row

    config = untrained_config(str(folder))
    if config is not None and not recipe:
        raise ConfigError(f"{folder}: got a model without a run; want its tasks: --recipe RECIPE")
    sources, modules = _evaluated_sources(folder, role, recipe, settings, trust, data)
    lines = predictions or (result_files / "predictions.jsonl" if result_files else None)
    nothing_written = continued_by("no report was written; the same command evaluates again")
    with nothing_written, processes(device) as place:
        if config is None:
            system = load_system(folder, trust=(*(trust or ()), *modules)).to(place)
        else:
            answered = {task.name: task for source in sources if source.role == role for task in source.tasks}
            system = build_system(config, list(answered.values()), texts=list).eval().to(place)
        changed = decode_as_set(system, decoding)
        sources, names = chosen_sources(sources, role, system.tasks, tasks), tasks or list(system.tasks)
        readable, left_out = readable_sources(sources, system.processor, saved_on_bad_row(folder))
        report = evaluate_system(
            system,
            readable,
            batch_size=batch_size,
            role=role,
            interval=True,
            predictions=lines,
            tasks=names,
            ranking=Ranking(rerank_top_k=rerank_top_k, first_stage_size=first_stage_size),
        )
    report = dataclasses.replace(report, notes=(*report.notes, *changed, *left_out))
    if not is_main_process():
        return
    if lines is not None and result_files is not None:
        written = write_result_files(lines, result_files, system.tasks, sources)
        print_lines(*(f"wrote {path}" for path in written if not json))
    if json:
        print_json(report.to_dict())
    else:
        _show_results(report)


def _evaluated_sources(
    folder: Path,
    role: Literal["val", "test"],
    recipe: str | None,
    settings: list[str] | None,
    trust: list[str] | None,
    data: list[str] | None,
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Returns the sources to evaluate on, and the modules that a typed recipe has imported, which are trusted."""
    from motet.experiments.api import modules_of

    if recipe:
        run = recipe_run(recipe, settings)
        return run.sources, modules_of(run)
    return run_sources(folder, role, settings, trust=trust, data=data), ()


def shortfalls(report: Report, run: Run) -> list[str]:
    """Returns one line per result that is worse than its recipe expects by more than the recipe allows."""
    from motet.core import decimals

    found = {(result.task, result.metric): result for result in report.results}
    lines = []
    for key, (value, allowed) in run.expect.items():
        result = found.get(key)
        if result is None:
            lines.append(f"{key[0]} {key[1]}: got no result; want {value:g}")
        elif (value - result.value if result.higher_is_better else result.value - value) > allowed:
            got = f"{result.value:.{decimals(result.unit)}f}"
            lines.append(f"{key[0]} {key[1]}: got {got}; want {value:g}, at most {allowed:g} worse")
    return lines


def _show_trained(report: Report, run: Run, folder: Path) -> None:
    if report.step < run.train.steps:
        print_lines(f"stopped after step {report.step:,} of {run.train.steps:,}; --resume continues")
        return
    _show_results(report)
    name = next(iter(report.results)).task if report.results else run.tasks[0].name
    task = next(task for task in run.tasks if task.name == name)
    print_lines(
        f"report: {folder / 'report.html'}",
        f"use it: {predict_command(folder, task)}",
        *([f"train single-task baselines to compare: motet baseline {folder}"] if len(run.tasks) > 1 else []),
    )


def predict_command(folder: Path, task: Task) -> str:
    """Returns the command that predicts the task, with the inputs that it has."""
    from motet.core import Match

    image = [("--image", "VIDEO" if "video" in task.inputs else "IMAGE")] if {"image", "video"} & task.inputs else []
    text = [("--text", "TEXT")] if "text" in task.inputs else []
    match task.target:
        case Match(among="texts"):
            inputs = [*image, *([("--candidate", "TEXT")] * 2)]
        case Match(among="images"):
            inputs = [*text, *image, *image]
        case Match(among="regions"):
            inputs = [*image, *text, *([("--candidate", "LEFT,TOP,RIGHT,BOTTOM")] * 2)]
        case _:
            inputs = [*image, *text]
    words = ["motet", "predict", str(folder), "--task", task.name]
    return " ".join([shlex.join(words), *(f"{option} {value}" for option, value in inputs)])


def _show_results(report: Report) -> None:
    from motet.report import tables

    table(tables.RESULTS_HEAD, tables.results_rows(report), numbers=(2, 3, 4, 5))
    below = any(tables.is_below_trivial(report, result) for result in report.results)
    print_lines(*([tables.BELOW_NOTE] if below else ()), *(f"note: {note}" for note in report.notes))
