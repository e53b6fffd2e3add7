"""The command `tune`: a search of a recipe's settings on its val rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines, table
from motet.cli.options import Json, RecipeName, Sets, folder_of, origin_of, recipe_run
from motet.cli.places import On, Only, Part, place_of
from motet.cli.stop import continued_by

if TYPE_CHECKING:
    from motet.core import Report
    from motet.experiments.tune import Trial
    from motet.training.evaluator import Evaluator
    from motet.training.run import Run


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example:  motet tune lit_decoder:tiny --minutes 30")(tune)


def tune(
    context: typer.Context,
    recipe: RecipeName,
    minutes: Annotated[float, typer.Option(help="time for all trials of this call; the same command goes on")],
    folder: Annotated[Path | None, typer.Option(help="folder of the study; runs/RECIPE-tune by default")] = None,
    settings: Sets = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the best available by default")] = None,
    json: Json = False,
    on: On = "",
    part: Part = "",
    only: Only = "",
) -> None:
    """Search learning rate, sampling rates, balancer and depth of a recipe on val rows; write the best as a recipe."""
    from motet.cli.subprocesses import run_only
    from motet.config.tuned_recipe import tuned_recipe
    from motet.core.errors import ConfigError
    from motet.core.whole_files import write_whole
    from motet.experiments.run_grid import HERE
    from motet.experiments.search_space import search_space
    from motet.experiments.tune import best_of, trial_round
    from motet.experiments.tune import tune as search
    from motet.training.run_training import run_training

    if not minutes > 0:
        raise ConfigError(f"--minutes: got {minutes:g}; want more than 0")
    place = folder or folder_of(recipe).with_name(f"{folder_of(recipe).name}-tune")
    origin, space = origin_of(recipe, settings), search_space(recipe_run(recipe, settings))

    def configure(changes: Sequence[str]) -> Run:
        return recipe_run(recipe, [*(settings or ()), *changes])

    def train_trial(run: Run, where: Path, /, *, evaluator: Evaluator) -> Report:
        return run_training(
            run, where, resume=True, device=device, baselines=False, evaluator=evaluator, show=False, origin=origin
        )

    if only:
        run_only(trial_round(configure, place, seconds=60 * minutes, train_trial=train_trial), only)
        return
    print_lines(*([] if json else [f"searches {', '.join(one.name for one in space)} on val rows, in {place}"]))
    with continued_by("the same command continues the study"):
        trials = search(
            configure,
            space,
            place,
            seconds=60 * minutes,
            identity=origin,
            train_trial=train_trial,
            place=place_of(context, on, part, default=HERE),
            log=print_lines if not json else _quiet,
        )
    best = best_of(trials)
    # Python knows a file by its name alone: that of the best trial is the recipe's own.
    written = place / f"{folder_of(recipe).name}_tuned.py"
    write_whole(
        written,
        tuned_recipe(
            str(origin["recipe"]), [*(settings or ()), *best.settings], gain=best.gain or 0.0, trials=len(trials)
        ),
    )
    if json:
        print_json({"best": best.__dict__, "recipe": str(written), "trials": [one.__dict__ for one in trials]})
    else:
        _show(trials, best, written)


def _show(trials: tuple[Trial, ...], best: Trial, recipe: Path) -> None:
    ranked = sorted(trials, key=lambda one: (one.outcome != "finished", -(one.gain or 0.0)))
    rows = [
        (
            str(one.number),
            "-" if one.gain is None else f"{one.gain:+.1f} %",
            one.outcome,
            " ".join(one.settings) or "the recipe itself",
        )
        for one in ranked
    ]
    table(("trial", "delta-m on val", "outcome", "settings"), rows, numbers=(0, 1))
    print_lines(
        "the recipe itself is the best"
        if not best.settings
        else f"best: trial {best.number}, {best.gain:+.1f} % on val",
        "a gain on the rows that it was chosen by is too high by design: train it, and compare on test rows",
        f"motet train {recipe}",
    )


def _quiet(*lines: str) -> None:
    """Prints nothing."""
