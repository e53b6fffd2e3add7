"""`analyse interference` and `analyse affinity`: which tasks help and harm each other in what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines, size, table
from motet.cli.options import Json, RunFolder, Sets, Trust, recipe_run, recorded, run_of, trusted
from motet.cli.training import Device

if TYPE_CHECKING:
    from motet.analysis.interference_measurement import InterferenceSettings, Measurement
    from motet.training.run import Run

_MOST_COLUMNS = 4
"""More tasks' numbers do not fit a line of a screen."""


def interference(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="folders of runs; several are set side by side")
    ],
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task", help="only this task; may be repeated; default: all, of several runs those that two of them have"
        ),
    ] = None,
    steps: Annotated[
        list[int] | None, typer.Option("--step", help="the model of this step; may be repeated; default: the last")
    ] = None,
    every_step: Annotated[bool, typer.Option("--every-step", help="every saved model of a run")] = False,
    blocks: Annotated[
        list[str] | None, typer.Option("--block", help="only this block of shared weights; may be repeated")
    ] = None,
    batches: Annotated[
        int, typer.Option(min=1, help="batches of a task for its direction, and as many to try directions on")
    ] = 100,
    batch_size: Annotated[int, typer.Option(min=1, help="rows of a batch")] = 16,
    seed: Annotated[int, typer.Option(help="of rows, crops and spreads")] = 0,
    training: Annotated[bool, typer.Option("--training-mode", help="with dropout, as in training")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="page and tables; RUN/interference by default, or beside several runs; goes on when stopped"),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="take the sources of this recipe instead of its own")] = None,
    settings: Sets = None,
    workers: Annotated[int, typer.Option(min=0, help="loader processes")] = 0,
    device: Device = None,
    trust: Trust = None,
    json: Json = False,
) -> None:
    """Measure how much a step for one task helps or harms every other, block by block of what they share.

    The metric of Uni-Perceiver-MoE (equations 1 and 2) and cosines of gradients, for any system, on rows of the run's
    training sources.
    """
    from motet.analysis.interference_measurement import InterferenceSettings
    from motet.core.errors import ConfigError
    from motet.core.model_folder import read_model
    from motet.experiments.interference import chosen_models, passes, tasks_of_each
    from motet.report.pages.interference import write_interference

    if recipe and len(folders) > 1:
        raise ConfigError(f"--recipe: got it with {len(folders)} runs; want one run, or runs that know their recipes")
    how = InterferenceSettings(
        batches=batches, batch_size=batch_size, seed=seed, training=training, blocks=tuple(blocks or ())
    )
    names = _names(folders)
    models = {name: chosen_models(folder, steps or (), every=every_step) for name, folder in names.items()}
    runs = {name: recipe_run(recipe, settings) if recipe else run_of(names[name], settings) for name in names}
    from motet.experiments.api import modules_of

    trusts = {name: (*trusted(trust), *modules_of(run)) for name, run in runs.items()}
    known = {n: [task.name for task in read_model(models[n][0][1], trust=trusts[n]).tasks] for n in names}
    chosen = tasks_of_each(known, tasks or ())
    whole = sum(len(models[name]) * passes(len(chosen[name]), how) for name in names)
    count = sum(map(len, models.values()))
    _tell(
        f"{count} saved model{'' if count == 1 else 's'}, tasks {_listed(chosen)}: {whole:,} forward and backward "
        f"passes of {batch_size} rows",
        json=json,
    )
    place = out or (folders[0] / "interference" if len(names) == 1 else folders[0].parent / "interference")
    measured = [
        _measured(
            name, step, model, runs[name], chosen[name], how,
            trust=trusts[name], folder=place / "measured", workers=workers, device=device, quiet=json,
        )
        for name in names
        for step, model in models[name]
    ]  # fmt: skip
    files = write_interference(place, measured, how)
    _show(measured, how, files, json=json)


def affinity(
    folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="page and tables; RUN/affinity by default")] = None,
    json: Json = False,
) -> None:
    """Show what the tasks of a run of the ViT adapters take from each other, at the end and over training."""
    from motet.report.pages.affinity import affinity_to_json, read_affinities, table_rows, write_affinity

    found = read_affinities(folder, tuple(recorded(folder)["tasks"]))
    files = write_affinity(out or folder / "affinity", found, title=folder.resolve().name)
    if json:
        print_json({**affinity_to_json(found), "files": [str(path) for path in files]})
        return
    head, rows = table_rows(found)
    table(head, rows, title=f"what a task takes from each, step {max(found.saved):,}", numbers=range(1, len(head)))
    print_lines(f"written: {', '.join(map(str, files))}")


def _measured(
    name: str,
    step: int | None,
    model: Path,
    run: Run,
    tasks: Sequence[str],
    how: InterferenceSettings,
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

    system = load_system(model, trust=trust).to(choose_device(device))
    said = name if step is None else f"{name}, step {step:,}"
    shared = sum(p.numel() for block in trained_blocks(system, how.blocks).values() for p in block)
    _tell(
        f"{said}: {shared:,} shared weights; {size(8 * shared * len(tasks))} for the directions of {len(tasks)} tasks",
        json=quiet,
    )
    with counting("reading stored features", quiet=quiet) as filling:
        with_stored_features(run, system, tasks, filling)
    with counting(f"interference in {said}", quiet=quiet) as told:
        found, notes = measure(
            system,
            run.sources,
            tasks,
            how,
            model=model,
            folder=folder,
            workers=workers,
            skip_bad_rows=run.train.on_bad_row == "skip",
            progress=told,
        )
    return Measurement(run=name, step=step, system=type(system).__name__, interference=found, notes=notes)


def _show(measured: Sequence[Measurement], how: InterferenceSettings, files: Sequence[Path], *, json: bool) -> None:
    from motet.report.pages.interference import extreme_rows, report_to_json, shallow_and_deep, table_rows

    if json:
        print_json({**report_to_json(measured, how), "files": [str(path) for path in files]})
        return
    for one in measured:
        chosen = shallow_and_deep(one.interference)
        if chosen is None:
            print_lines(f"{one.name}: no two tasks touch a block")
            continue
        title = f"{one.name}: what a step for one task does for another, its own step being 1"
        if len(one.interference.tasks) > _MOST_COLUMNS:
            for block in dict.fromkeys(chosen):
                table(*extreme_rows(one, block), title=f"{title}; {block}")
        else:
            head, rows = table_rows(one, "ratios", tuple(dict.fromkeys(chosen)))
            table(head, rows, title=title, numbers=range(2, len(head)))
        print_lines(*(f"note: {note}" for note in one.notes))
    print_lines(f"written: {', '.join(map(str, files))}")


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """The runs by the shortest ends of their paths that tell them apart."""
    from motet.core.errors import ConfigError

    places = [folder.resolve() for folder in folders]
    if len(set(places)) != len(places):
        raise ConfigError(f"RUN: got {', '.join(map(str, folders))}; want every run once")
    for depth in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, folders, strict=True))


def _listed(chosen: Mapping[str, Sequence[str]]) -> str:
    different = dict.fromkeys(", ".join(tasks) for tasks in chosen.values())
    return "; ".join(different)


def _tell(line: str, *, json: bool) -> None:
    if json:
        typer.echo(line, err=True)
    else:
        print_lines(line)
