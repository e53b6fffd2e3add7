"""The commands `analyse ...`: analyses of a trained system beyond its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from motet.cli.console import print_json, print_lines, table
from motet.cli.interference import affinity, interference
from motet.cli.options import Json, MovedData, RunFolder, Sets, Trust, folder_of, recipe_run, run_sources
from motet.cli.places import Local, On, Only, Part, command_line, place_of
from motet.cli.stop import continued_by
from motet.cli.task_affinity import groups_from_run
from motet.cli.training import Device

if TYPE_CHECKING:
    from motet.analysis.groups import GroupChanges
    from motet.core import Task
    from motet.experiments.study import FinishedCell

Named = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME=TASK,TASK", help="a group of tasks; may be repeated; default: by category"),
]
Representatives = Annotated[
    list[str] | None,
    typer.Option("--representative", metavar="NAME=TASK", help="train only this task of a group; may be repeated"),
]
OneEach = Annotated[bool, typer.Option("--one-each", help="train only one task of each group: its first")]
Role = Annotated[Literal["val", "test"], typer.Option(help="the sources to evaluate on; make choices on val")]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    analyse = typer.Typer(
        help="Analyse trained models: which tasks help each other, which predictions agree.",
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog="Example:  motet analyse groups lit_decoder:tiny",
    )
    analyse.command("groups", epilog="Example:  motet analyse groups lit_decoder:tiny --triples --on local:2")(groups)
    analyse.command("consistency", epilog="Example:  motet analyse consistency runs/twelve --json")(consistency)
    analyse.command("interference", epilog="Example:  motet analyse interference runs/tiny --every-step")(interference)
    analyse.command("affinity", epilog="Example:  motet analyse affinity runs/vit_adapters-tiny")(affinity)
    app.add_typer(analyse, name="analyse")


def groups(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="[RECIPE]", help="a recipe: its groups are trained alone, in pairs and in triples"),
    ] = None,
    named: Named = None,
    representatives: Representatives = None,
    one_each: OneEach = False,
    triples: Annotated[bool, typer.Option("--triples", help="also train every three groups together")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="runs per combination of groups, with seeds 0, 1, ...")] = 3,
    role: Role = "val",
    folder: Annotated[
        Path | None,
        typer.Option(help="folder of runs and results; runs/RECIPE-groups by default; continues where it stopped"),
    ] = None,
    settings: Sets = None,
    on: On = "",
    part: Part = "",
    minutes: Annotated[float | None, typer.Option(help="stop a run that takes more minutes, and leave it out")] = None,
    device: Device = None,
    json: Json = False,
    from_run: Annotated[
        Path | None,
        typer.Option("--from-run", metavar="RUN", help="train this run once more, and measure in it which tasks help"),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="with --from-run: updates between two measurements")] = 10,
    models: Annotated[
        int | None, typer.Option(min=1, help="with --from-run: at most so many groups; half the tasks by default")
    ] = None,
    lookahead: Annotated[
        float | None, typer.Option(help="with --from-run: length of the step ahead; the run's learning rate by default")
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(
            "--grid", metavar="FOLDER", help="with --from-run: compare with what `analyse groups` wrote there"
        ),
    ] = None,
    trust: Trust = None,
    data: MovedData = None,
    only: Only = "",
) -> None:
    """Train groups of tasks alone, in pairs and in triples; show which help each other and which to train jointly.

    Every task has the same samples in every run. The exit code is 1 when a run failed. With --from-run there is one
    run: every few updates a step for each task is tried, and what it does to the losses of the others is measured.
    """
    from motet.core.errors import ConfigError

    if (recipe is None) == (from_run is None):
        got = "neither" if recipe is None else "both"
        raise ConfigError(f"analyse groups: got {got}; want a recipe to train in groups, or --from-run RUN")
    if from_run is not None and (triples or one_each or representatives):
        raise ConfigError(
            "--from-run: got an option of the grid (--triples, --one-each or --representative); want none"
        )
    if from_run is None and (grid or models or lookahead):
        raise ConfigError("analyse groups RECIPE: got --grid, --models or --lookahead; want --from-run RUN with them")
    if from_run is not None:
        groups_from_run(
            from_run,
            named=_named(named),
            every=every,
            models=models,
            lookahead=lookahead,
            grid=grid,
            folder=folder,
            settings=settings,
            device=device,
            trust=trust,
            data=data,
            json=json,
        )
        return
    assert recipe is not None
    from motet.experiments.group_grid import changes_of, group_study, groups_of
    from motet.experiments.study import table
    from motet.experiments.study_grid import StudyGrid
    from motet.report.pages.groups import write_groups
    from motet.training.run_training import run_training

    run = recipe_run(recipe, settings)
    found = groups_of(run, _named(named), representatives=_chosen(representatives), one_each=one_each)
    out = folder or folder_of(recipe).with_name(f"{folder_of(recipe).name}-groups")
    limit = float("inf") if minutes is None else minutes
    study = group_study(run, found, triples=triples, seeds=range(seeds), minutes=limit, role=role)
    grid_of_runs = StudyGrid(study, out, train_run=partial(run_training, resume=True, device=device))
    if only:
        from motet.cli.subprocesses import run_only

        run_only(grid_of_runs, only)
        return
    place = place_of(context, on, part, default=Local(command_line(context)))
    with continued_by("the same command continues"):
        place.run(grid_of_runs, log=(lambda line: typer.echo(line, err=True)) if json else print_lines)
    done = grid_of_runs.results()
    changes = changes_of(done, found)
    files = write_groups(
        out, changes, found, role=role, seeds=len(study.seeds), scores=table(study, out).partition("\n")[2].strip()
    )
    _show_groups(changes, found, done, files, role=role, json=json)
    if any(one.error for one in done):
        raise typer.Exit(1)


def _show_groups(
    changes: GroupChanges,
    groups: Mapping[str, Sequence[str]],
    done: Sequence[FinishedCell],
    files: Sequence[Path],
    *,
    role: str,
    json: bool,
) -> None:
    from motet.analysis.groups import suggest
    from motet.report.pages.groups import TITLES, groups_to_json, table_rows

    failed = [f"{one.cell}, seed {one.seed}: {one.error}" for one in done if one.error]
    suggestion = suggest(changes)
    if json:
        content = groups_to_json(changes, suggestion, groups, role=role)
        print_json({**content, "failed": failed, "files": [str(path) for path in files]})
        return
    for size in TITLES:
        if changes.columns(size):
            head, rows = table_rows(changes, size)
            table(
                head,
                rows,
                title="% of the score of the group trained alone, positive is better",
                numbers=range(1, len(head)),
            )
    print_lines(*suggestion.reasons, *(f"failed: {line}" for line in failed), f"wrote {', '.join(map(str, files))}")


def _named(texts: list[str] | None) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(tasks.split(","))
        for name, tasks in _pairs("--group", texts, "NAME=TASK,TASK", "words=caption,vqa").items()
    }


def _chosen(texts: list[str] | None) -> dict[str, str]:
    return _pairs("--representative", texts, "NAME=TASK", "words=vqa")


def _pairs(option: str, texts: list[str] | None, form: str, example: str) -> dict[str, str]:
    from motet.core.errors import ConfigError

    found: dict[str, str] = {}
    for text in texts or ():
        name, mark, value = text.partition("=")
        if not (name and mark and value):
            raise ConfigError(f"{option}: got {text!r}; want {form}, for example {option} {example}")
        if name in found:
            raise ConfigError(f"{option}: got {name!r} twice; want one {option} per group")
        found[name] = value
    return found


def consistency(
    folder: RunFolder,
    questions: Annotated[
        list[str] | None,
        typer.Option(
            "--questions", metavar="TASK", help="a task that answers questions; may be repeated; default: all of them"
        ),
    ] = None,
    phrases: Annotated[
        list[str] | None,
        typer.Option(
            "--phrases", metavar="TASK", help="a task that locates phrases; may be repeated; default: all of them"
        ),
    ] = None,
    role: Annotated[Literal["val", "test"], typer.Option(help="role of the sources to evaluate on")] = "test",
    answered: Annotated[float, typer.Option(help="lowest accuracy of a correctly answered question, 0 to 1")] = 0.5,
    found: Annotated[float, typer.Option(help="IoU above which a phrase is correctly located, 0 to 1")] = 0.5,
    overlap: Annotated[
        Literal["set", "count"], typer.Option(help="whether a word counts once, or as often as it occurs")
    ] = "set",
    recipe: Annotated[str | None, typer.Option(help="use the sources of this recipe instead of the run's own")] = None,
    settings: Sets = None,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per batch")] = 64,
    device: Device = None,
    trust: Trust = None,
    data: MovedData = None,
    json: Json = False,
) -> None:
    """Show how often both predictions are correct of a question and a phrase on one image that share a word."""
    from motet.analysis.consistency import ScoredPhrase, grounding_consistency
    from motet.analysis.row_scores import score_rows
    from motet.core import Answer, Region
    from motet.experiments.api import modules_of
    from motet.hub import load_system
    from motet.metrics import RegionIoU
    from motet.training.distributed import processes

    if recipe:
        run = recipe_run(recipe, settings)
        sources, modules = run.of_role(role), modules_of(run)
    else:
        sources, modules = run_sources(folder, role, settings, trust=trust, data=data), ()
    with processes(device) as place:
        system = load_system(folder, trust=(*(trust or ()), *modules)).to(place)
        question_tasks = _tasks(system.tasks, questions, Answer, "--questions", "answers questions about images")
        phrase_tasks = _tasks(system.tasks, phrases, Region, "--phrases", "locates phrases")

        def rows(tasks: Sequence[str], metric: Any = None) -> list[ScoredPhrase]:
            return [
                row for task in tasks for row in score_rows(system, sources, task, metric=metric, batch_size=batch_size)
            ]

        whole = grounding_consistency(
            rows(question_tasks), rows(phrase_tasks, RegionIoU), min_accuracy=answered, min_iou=found, overlap=overlap
        )
    content = {
        **vars(whole),
        "questions": question_tasks,
        "phrases": phrase_tasks,
        "role": role,
        "answered": answered,
        "found": found,
    }
    if json:
        print_json(content)
        return
    print_lines(
        f"grounding consistency: {100 * whole.value:.1f} %",
        f"{whole.both:,} of {whole.pairs:,} pairs of a question ({', '.join(question_tasks)}) and a phrase "
        f"({', '.join(phrase_tasks)}) that share a word are both correct; {whole.images:,} images ({role})",
    )


def _tasks(known: Mapping[str, Task], names: list[str] | None, kind: type, option: str, what: str) -> list[str]:
    """Returns the chosen tasks, or by default all tasks with this kind of target and with image and text as inputs.

    Raises:
        ConfigError: no such task, a task of another kind, or a model without one.
    """
    from motet.core.errors import ConfigError, nearest

    for name in names or ():
        if name not in known:
            raise ConfigError(f"{option}: got {name!r}, which is no task of the model; {nearest(name, known)}")
        if not isinstance(known[name].target, kind):
            raise ConfigError(
                f"{option}: got {name!r}, a task of {type(known[name].target).__name__}; want a task that {what}"
            )
    found = names or [n for n, t in known.items() if isinstance(t.target, kind) and {"image", "text"} <= t.inputs]
    if not found:
        raise ConfigError(f"{option}: got a model of {', '.join(known)}; want a model with a task that {what}")
    return found
