"""The commands of the first steps: `demo` on the bundled data, `init` on your own."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Annotated

import typer

from motet.cli.console import console, print_errors, print_lines
from motet.cli.options import INIT_RECIPE, chosen_device
from motet.cli.serve import check_extra, serve_model
from motet.cli.stop import continued_by


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet demo --quick")(demo)
    app.command(epilog="Example:  motet init path/to/folder --out my_recipe.py")(init)


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="smaller: under three minutes instead of ten")] = False,
    folder: Annotated[Path, typer.Option(help="folder of the runs and the report")] = Path("runs/demo"),
    serve: Annotated[
        bool, typer.Option("--serve", help="at the end serve the model, with a page to try it on your images")
    ] = False,
) -> None:
    """Train a model on seven tasks, train single-task baselines, compare them, and show some predictions.

    Nothing is downloaded: images are drawn from the OpenMoji font (CC BY-SA 4.0), the encoder comes with motet.
    """
    from motet.cli.demo import demo as run_demo

    if serve:  # before minutes of training
        check_extra()
    with continued_by("the same command continues"):
        run_demo(folder, quick, console())
    if serve:
        from motet.serve.run import ServeSettings

        serve_model(ServeSettings(model=str(folder / "multi"), device=chosen_device(None)))


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a folder of data sets in known formats")],
    out: Annotated[Path | None, typer.Option(help="the recipe's file; FOLDER/motet_recipe.py by default")] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite an existing file")] = False,
    class_level: Annotated[
        int | None,
        typer.Option(min=1, help="how many folders below FOLDER the class folders of images are; found out by default"),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.0, help="most time of each model on this machine, which is measured; 0 for any time")
    ] = 10.0,
) -> None:
    """Detect the data sets in a folder, and write a recipe for them that is ready to run."""
    from motet.scaffold.init import NothingToRead, write_recipe

    try:
        result = write_recipe(folder, out or folder / INIT_RECIPE, replace=force, class_level=class_level)
    except NothingToRead as error:
        print_errors(*(error.lines if len(error.lines) > 1 else ()))  # the error itself has the first
        raise
    print_lines(*result.lines)
    print_lines("", f"wrote {result.path}")
    if minutes:
        fitted = [_fitted(result.path, run, minutes) for run in result.runs]
        fewer = {run: steps for run, (steps, _) in zip(result.runs, fitted, strict=True) if steps}
        if fewer:
            result.write(fewer)
        print_lines(*(line for _, line in fitted))
    print_lines("next:")
    for run in result.runs:
        recipe = shlex.quote(f"{result.path}:{run}")
        print_lines(*(f"  motet {command} {recipe}" for command in ("data check", "plan", "train")))


def _fitted(path: Path, run: str, minutes: float) -> tuple[int, str]:
    """Returns the steps that fit into some minutes, 0 where the recipe's do, and what to expect of the run."""
    from rich.console import Console

    from motet.cli.options import recipe_run
    from motet.core import MotetError
    from motet.training.distributed import choose_device
    from motet.training.time_budget import measure

    try:
        with Console(stderr=True).status(f"{run}: measuring its time on this machine, some 10 to 40 s"):
            planned = recipe_run(f"{path}:{run}", [])
            found = measure(planned, within=60 * minutes, device=choose_device(None))
    except MotetError as error:
        return 0, f"{run}: its time was not measured: {error}"
    steps = planned.train.steps
    fitting = max(1, found.steps_in(60 * minutes))
    if found.at_most:
        most = max(1, math.ceil((found.fixed_seconds + steps * found.step_seconds) / 60))
        return 0, f"{run}: {steps:,} steps, less than {most} min on this machine"
    taken = min(steps, fitting)
    rest = found.fixed_seconds - found.store_seconds
    parts = [f"{found.store_seconds:.0f} s to store features"] if found.store_seconds >= 1 else []
    parts += [f"{taken * found.step_seconds:.0f} s to train", f"{rest:.0f} s to evaluate"]
    whole = (found.fixed_seconds + taken * found.step_seconds) / 60
    line = f"{run}: {taken:,} steps, about {max(1, round(whole))} min on this machine ({', '.join(parts)})"
    return (0 if fitting >= steps else fitting), line
