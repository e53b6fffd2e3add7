"""The commands `analyse interference` and `analyse affinity`: effects of tasks on each other in shared weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines, size, table
from motet.cli.options import Json, MovedData, RunFolder, Sets, Trust, recipe_run, run_of
from motet.cli.places import On, Only, Part, place_of
from motet.cli.training import Device

if TYPE_CHECKING:
    from motet.analysis.interference_measurement import InterferenceSettings, Measurement
    from motet.experiments.measurement_grid import MeasuredModel
    from motet.training.run import Run

_MOST_COLUMNS = 4
"""Most tasks with a column each; more do not fit the width of a terminal."""


def interference(
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="folders of runs; several are compared")],
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            help="only this task; may be repeated; default: all; with several runs those that two of them have",
        ),
    ] = None,
    steps: Annotated[
        list[int] | None, typer.Option("--step", help="the checkpoint of this step; may be repeated; default: the last")
    ] = None,
    every_step: Annotated[bool, typer.Option("--every-step", help="every checkpoint of a run")] = False,
    blocks: Annotated[
        list[str] | None,
        typer.Option("--block", help="only this block of shared weights, or this weight; may be repeated"),
    ] = None,
    batches: Annotated[
        int, typer.Option(min=1, help="batches per task for its gradient, and as many to measure losses on")
    ] = 100,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per batch")] = 16,
    seed: Annotated[int, typer.Option(help="seed of rows, crops and confidence intervals")] = 0,
    leave_one_out: Annotated[
        bool,
        typer.Option("--leave-one-out", help="measure losses on the same batches, each without its own gradient"),
    ] = False,
    training: Annotated[bool, typer.Option("--training-mode", help="training mode, with dropout")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="folder of page and tables; RUN/interference by default; continues where it stopped"),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="use the sources of this recipe instead of the run's own")] = None,
    settings: Sets = None,
    workers: Annotated[int, typer.Option(min=0, help="number of loader processes")] = 0,
    device: Device = None,
    trust: Trust = None,
    data: MovedData = None,
    json: Json = False,
    on: On = "",
    part: Part = "",
    only: Only = "",
) -> None:
    """Measure how much a step for one task helps or harms every other task, per block of shared weights.

    The metric of Uni-Perceiver-MoE (equations 1 and 2) and cosines of gradients, for any system, on rows of the run's
    training sources.
    """
    from motet.analysis.interference_measurement import InterferenceSettings
    from motet.cli.subprocesses import run_only
    from motet.core.errors import ConfigError
    from motet.core.model_folder import read_model
    from motet.experiments.interference import chosen_models, passes, tasks_of_each
    from motet.experiments.measurement_grid import MeasuredModel, MeasurementGrid
    from motet.experiments.run_grid import Here, check_finished
    from motet.report.pages.interference import write_interference
    from motet.training.saved_names import saved_names

    if recipe and len(folders) > 1:
        raise ConfigError(
            f"--recipe: got it with {len(folders)} runs; want --recipe with a single run only"
            " (several must record their own)"
        )
    options = InterferenceSettings(
        batches=batches,
        batch_size=batch_size,
        seed=seed,
        training=training,
        blocks=tuple(blocks or ()),
        leave_one_out=leave_one_out,
    )
    names = _names(folders)
    models = {name: chosen_models(folder, steps or (), every=every_step) for name, folder in names.items()}
    runs = {
        name: recipe_run(recipe, settings)
        if recipe
        else run_of(names[name], settings, trust=trust, data=data, roles=("train",))
        for name in names
    }
    from motet.experiments.api import modules_of

    trusts = {name: (*(trust or ()), *(modules_of(run) if recipe else ())) for name, run in runs.items()}
    known = {n: [task.name for task in read_model(models[n][0][1], saved_names(trusts[n])).tasks] for n in names}
    chosen = tasks_of_each(known, tasks or ())
    whole = sum(len(models[name]) * passes(len(chosen[name]), options) for name in names)
    count = sum(map(len, models.values()))
    _print_status(
        f"{count} checkpoint{'' if count == 1 else 's'}, tasks {_listed(chosen)}: {whole:,} forward and backward "
        f"passes of {batch_size} rows",
        json=json,
    )
    place = out or (folders[0] / "interference" if len(names) == 1 else folders[0].parent / "interference")

    def measure_one(model: MeasuredModel) -> Measurement:
        return _measured(
            model, runs[model.run], chosen[model.run], options,
            trust=trusts[model.run], folder=place / "measured", workers=workers, device=device, quiet=json,
        )  # fmt: skip

    grid = MeasurementGrid(
        [MeasuredModel(name, step, model) for name in names for step, model in models[name]],
        place / "measured",
        measure_one=measure_one,
        identity={"tasks": chosen, "settings": vars(options), "recipe": recipe, "set": settings},
    )
    if only:
        run_only(grid, only)
        return
    place_of(context, on, part, default=Here()).run(grid, log=lambda line: _print_status(line, json=json))
    check_finished(grid)
    measured = grid.results()
    files = write_interference(place, measured, options)
    _show(measured, options, files, json=json)


def affinity(
    folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="folder of page and tables; RUN/affinity by default")] = None,
    json: Json = False,
) -> None:
    """Show the task affinities of a run of the ViT adapters, at its end and over training."""
    from motet.report.pages.affinity import affinity_to_json, read_affinities, table_rows, write_affinity
    from motet.training.run_data import read_record

    found = read_affinities(folder, tuple(read_record(folder)["tasks"]))
    files = write_affinity(out or folder / "affinity", found, title=folder.resolve().name)
    if json:
        print_json({**affinity_to_json(found), "files": [str(path) for path in files]})
        return
    head, rows = table_rows(found)
    table(
        head, rows, title=f"affinity of each task to the others, step {max(found.saved):,}", numbers=range(1, len(head))
    )
    print_lines(f"wrote {', '.join(map(str, files))}")


def _measured(
    model: MeasuredModel,
    run: Run,
    tasks: Sequence[str],
    options: InterferenceSettings,
    *,
    trust: Sequence[str],
    folder: Path,
    workers: int,
    device: str | None,
    quiet: bool,
) -> Measurement:
    from motet.analysis.gradients import trained_blocks
    from motet.analysis.interference_measurement import Measurement
    from motet.cli.progress import counting
    from motet.experiments.interference import measure, with_stored_features
    from motet.hub import load_system
    from motet.training.distributed import choose_device

    system = load_system(model.folder, trust=trust).to(choose_device(device))
    label = model.run if model.step is None else f"{model.run}, step {model.step:,}"
    shared = sum(p.numel() for block in trained_blocks(system, options.blocks).values() for p in block)
    _print_status(
        f"{label}: {shared:,} shared weights; {size(8 * shared * len(tasks))} for the gradients of {len(tasks)} tasks",
        json=quiet,
    )
    with counting("reading stored features", quiet=quiet) as progress:
        with_stored_features(run, system, tasks, progress)
    with counting(f"interference in {label}", quiet=quiet) as progress:
        found, notes = measure(
            system,
            run.sources,
            tasks,
            options,
            model=model.folder,
            folder=folder,
            workers=workers,
            skip_bad_rows=run.train.on_bad_row == "skip",
            progress=progress,
        )
    return Measurement(run=model.run, step=model.step, system=type(system).__name__, interference=found, notes=notes)


def _show(measured: Sequence[Measurement], options: InterferenceSettings, files: Sequence[Path], *, json: bool) -> None:
    from motet.report.pages.interference import extreme_rows, report_to_json, shallow_and_deep, table_rows

    if json:
        print_json({**report_to_json(measured, options), "files": [str(path) for path in files]})
        return
    for one in measured:
        chosen = shallow_and_deep(one.interference)
        if chosen is None:
            print_lines(f"{one.name}: no block is shared by two tasks")
            continue
        title = f"{one.name}: effect of a step for one task on another, relative to the effect of its own step"
        if len(one.interference.tasks) > _MOST_COLUMNS:
            for block in dict.fromkeys(chosen):
                table(*extreme_rows(one, block), title=f"{title}; {block}")
        else:
            head, rows = table_rows(one, "ratios", tuple(dict.fromkeys(chosen)))
            table(head, rows, title=title, numbers=range(2, len(head)))
        print_lines(*(f"note: {note}" for note in one.notes))
    print_lines(f"wrote {', '.join(map(str, files))}")


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """Returns the runs, named by the shortest ends of their paths that differ."""
    from motet.core.errors import ConfigError

    places = [folder.resolve() for folder in folders]
    if len(set(places)) != len(places):
        raise ConfigError(f"RUN: got {', '.join(map(str, folders))}; want each run once")
    for depth in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, folders, strict=True))


def _listed(chosen: Mapping[str, Sequence[str]]) -> str:
    different = dict.fromkeys(", ".join(tasks) for tasks in chosen.values())
    return "; ".join(different)


def _print_status(line: str, *, json: bool) -> None:
    if json:
        typer.echo(line, err=True)
    else:
        print_lines(line)
