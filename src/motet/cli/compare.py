"""The commands that compare runs: `baseline`, `compare`, `study`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from motet.cli.console import console, print_json, print_lines, table
from motet.cli.options import Json, MovedData, Sets, Trust, folder_of, origin_of, recipe_run, run_of, run_sources
from motet.cli.places import Local, On, Only, Part, command_line, place_of
from motet.cli.stop import continued_by
from motet.cli.training import train_run

if TYPE_CHECKING:
    from motet.core import Report
    from motet.data.source import Role, Source
    from motet.experiments.baselines import TaskBudget
    from motet.report import Comparison
    from motet.report.budget import Budget
    from motet.training.run import Run


EVALUATED: tuple[Role, ...] = ("val", "test")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet baseline runs/tiny --match rows --search lr")(baseline)
    app.command(epilog="Example:  motet compare runs/tiny runs/tiny-single")(compare)
    app.command(epilog="Example:  motet study studies/table1.py --on local:2 --table docs/results/table1.md")(study)


def baseline(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="RECIPE|RUN", help="a recipe, or the folder of a multi-task run")],
    match: Annotated[
        Literal["rows", "steps", "compute", "plateau"],
        typer.Option(
            help="length of a baseline: the run's samples of its task, its steps, the compute of the whole run; or "
            "until its score on val stops rising"
        ),
    ] = "rows",
    tasks: Annotated[list[str] | None, typer.Option("--task", help="only this task; may be repeated")] = None,
    search: Annotated[
        Literal["none", "lr"],
        typer.Option(help="on both sides, by val rows alone; lr: 1/3, 1 and 3 times the run's learning rate"),
    ] = "lr",
    lrs: Annotated[
        list[float] | None, typer.Option("--lr", help="a learning rate to try instead; may be repeated")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="folder of the single-task runs; by default RUN-single, or RUN-single-steps, -compute, -plateau"
        ),
    ] = None,
    settings: Sets = None,
    recipe: Annotated[
        str | None, typer.Option(help="of a run folder: this recipe, where the run is not data alone")
    ] = None,
    trust: Trust = None,
    data: MovedData = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the best available by default")] = None,
    on: On = "",
    part: Part = "",
    only: Only = "",
) -> None:
    """Train a single-task baseline for every task, with the same code, and compare them with the multi-task run."""
    from motet.cli.subprocesses import run_only
    from motet.experiments.baseline_grid import BaselineGrid
    from motet.experiments.baselines import task_budgets, train_baselines
    from motet.experiments.lr_search import best_multi_task, is_searched, rates_of
    from motet.experiments.run_grid import Here, check_finished
    from motet.hub.load import read_report
    from motet.report.budget import BUDGETS
    from motet.training.distributed import choose_device

    run, place, origin, seen = _multi_task(target, settings, recipe, trust, data)
    single_runs_in = folder or baselines_folder(place, match)
    names = tasks or [task.name for task in run.tasks]
    counted_on = choose_device(device)
    rates = rates_of(run, search, lrs or ())
    whole = len(names) == len(run.tasks) and read_report(place) is not None

    def execute(single_run: Run, where: Path, *, resume: bool) -> Report:
        # Runs of the search for a learning rate have no test rows: a report page of them would be empty.
        evaluated = bool(single_run.of_role("test"))
        return train_run(single_run, where, origin=origin, resume=resume, device=device, page=evaluated)

    # The learning rate of the multi-task run is searched once, whatever the budgets of its baselines.
    first = baselines_folder(place, "rows")
    searched_in = first if folder is None and is_searched(first) else single_runs_in
    runs = BaselineGrid(
        run_of_all=run,
        folder=single_runs_in,
        train_run=execute,
        tasks=names,
        match=match,
        search=search,
        lrs=lrs or (),
        multi_task=place if whole else None,
        searched_in=searched_in,
        samples_seen=seen,
        device=counted_on,
    )
    if only:
        run_only(runs, only)
        return
    found = task_budgets(run, names, match, samples_seen=seen, device=counted_on)
    _show_budgets(found, match, run.train.steps)
    print_lines(*_search_cost(run, found, rates, place if whole else None))
    with continued_by("the same command continues"):
        place_of(context, on, part, default=Here()).run(runs, log=print_lines)
        check_finished(runs)
        # All runs are finished: these name the best, evaluate it on the test rows, and say the scores.
        train_baselines(
            run,
            single_runs_in,
            train_run=execute,
            tasks=names,
            match=match,
            search=search,
            lrs=lrs or (),
            samples_seen=seen,
            device=counted_on,
            log=print_lines,
        )
        if whole:
            best_multi_task(run, place, searched_in, rates, train_run=execute, log=print_lines)
    others = () if folder else tuple(baselines_folder(place, budget) for budget in BUDGETS)
    compared = [place, *dict.fromkeys([*(one for one in others if list(one.glob("*/report.json"))), single_runs_in])]
    hint = f"motet compare {' '.join(map(str, compared))}"
    if whole:
        compare(compared)
    else:
        print_lines(f"compare: {hint} (needs the multi-task run and the single-task baselines of all its tasks)")


def _multi_task(
    target: str,
    settings: list[str] | None,
    recipe: str | None,
    trust: list[str] | None,
    data: list[str] | None,
) -> tuple[Run, Path, dict[str, object], Mapping[str, int] | None]:
    """Returns the multi-task run, its folder, its origin, and its samples seen per source if it is finished."""
    from motet.hub.load import read_report
    from motet.training.run_data import read_record

    place = Path(target)
    if not place.is_dir():
        return recipe_run(target, settings), folder_of(target), origin_of(target, settings), None
    report = read_report(place)
    run = recipe_run(recipe, settings) if recipe else run_of(place, settings, trust=trust, data=data)
    return run, place, read_record(place).get("origin") or {}, report.samples_seen if report else None


def baselines_folder(run: Path, match: Budget) -> Path:
    """Returns the default folder of a run's baselines, one per budget: they are other runs."""
    return run.with_name(f"{run.name}-single" + ("" if match == "rows" else f"-{match}"))


def _search_cost(run: Run, found: Sequence[TaskBudget], rates: Sequence[float], place: Path | None) -> Iterator[str]:
    """Yields the line on what the search costs: its runs, their steps, and the time at the multi-task run's speed."""
    from motet.report import read_run
    from motet.report.tables import duration

    at_most = any(one.at_most for one in found)
    if len(rates) < 2 and not at_most:
        return
    others = 0 if place is None else sum(lr != run.train.lr for lr in rates)
    rows_per_step = {one.task: one.single_rows / max(1, one.single_steps) for one in found}
    steps = {one.task: one.single_steps * len(rates) + one.probe_steps for one in found}
    samples = round(sum(steps[task] * rows_per_step[task] for task in steps)) + others * sum(one.rows for one in found)
    tried = (
        f"search of {len(rates)} learning rates ({', '.join(f'{lr:g}' for lr in rates)}), by val rows alone"
        if len(rates) > 1
        else "search of the length by val rows alone"
    )
    text = (
        f"{tried}: {len(found) * (len(rates) + at_most)} single-task runs"
        + (f" and {others} more multi-task runs" if others else "")
        + (", at most" if at_most else ",")
        + f" {sum(steps.values()) + others * run.train.steps:,} steps of {samples:,} samples"
    )
    if place is not None and (record := read_run(place)).log.seconds:
        seen = max(1, sum(record.report.samples_seen.values()))
        text += f", about {duration(record.log.seconds * samples / seen)}"
    yield f"{text}; --search none does without" if len(rates) > 1 else text


def _show_budgets(found: Sequence[TaskBudget], match: Budget, steps: int) -> None:
    from motet.report.budget import BUDGET_NAMES

    rows = [
        (
            one.task,
            f"{one.rows:,}",
            f"{steps:,}",
            f"{'at most ' if one.at_most else ''}{one.single_rows:,} samples in {one.single_steps:,} steps",
        )
        for one in found
    ]
    head = ("task", "multi-task samples", "its steps", f"baseline, {BUDGET_NAMES[match]}")
    table(head, rows, title="budgets of the single-task baselines", numbers=(1, 2, 3))


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="folders of runs, or folders with several runs")],
    out: Annotated[Path | None, typer.Option(help="folder of the table; the multi-task run's by default")] = None,
    trust: Trust = None,
    data: MovedData = None,
    json: Json = False,
) -> None:
    """Compare multi-task runs, one per seed, with single-task runs of the same tasks; write table and report."""
    import dataclasses

    from motet.core.whole_files import write_whole
    from motet.experiments.api import run_folders
    from motet.experiments.run_report import write_page
    from motet.report import compare as compare_runs
    from motet.report import read_run
    from motet.report.verdict import verdicts

    found, notes = _searched(run_folders(runs), runs)
    records = [read_run(folder) for folder in found.values()]
    comparison = compare_runs(records)
    first = next(record for record in records if len(record.tasks) > 1)
    given = next(folder for folder, used in found.items() if used == first.folder)
    sources, missing = evaluated_sources(first.folder, trust, data)
    title = given.name if given == first.folder else f"{given.name}, {first.name}"
    page = write_page(first.folder, sources, title=title, comparison=comparison, trust=trust or ())
    place = out or given
    _write_comparison(place, comparison)
    if page.parent != given:
        write_whole(given / "comparison.html", page.read_bytes())
        page = given / "comparison.html"
    if json:
        print_json(dataclasses.asdict(comparison))
    else:
        print_lines(*notes, *(str(one) for one in verdicts(first, comparison)))
        show_comparison(comparison)
        print_lines(*missing, f"wrote {place / 'comparison.md'}, {page}")


def _searched(folders: Sequence[Path], given: Sequence[Path]) -> tuple[dict[Path, Path], list[str]]:
    """Returns for each run folder the one that is compared, and a line where a search has chosen another."""
    from motet.experiments.lr_search import searched_run

    found, notes = dict[Path, Path](), list[str]()
    for folder in folders:
        chosen = searched_run(folder, given)
        found[folder] = folder if chosen is None else chosen[0]
        if chosen is not None:
            notes.append(f"{folder}: its run at learning rate {chosen[1]:g} is compared, the best on val ({chosen[0]})")
    return found, notes


def show_comparison(comparison: Comparison) -> None:
    """Prints a comparison as two tables: scores and costs."""
    from motet.report import tables

    table(tables.COMPARISON_HEAD, tables.comparison_rows(comparison), numbers=(2, 3, 4))
    table(tables.COST_HEAD, tables.cost_rows(comparison), numbers=(1, 2, 3, 4))


def _write_comparison(folder: Path, comparison: Comparison) -> None:
    from motet.core.whole_files import write_whole
    from motet.report import tables

    folder.mkdir(parents=True, exist_ok=True)
    scores = tables.table(tables.COMPARISON_HEAD, tables.comparison_rows(comparison), left=2)
    cost = tables.table(tables.COST_HEAD, tables.cost_rows(comparison))
    write_whole(folder / "comparison.md", f"{scores}\n\n{cost}\n")


def evaluated_sources(
    folder: Path, trust: list[str] | None, data: list[str] | None
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Returns the evaluated sources of a run, for the images of its page; or none, and the line that says why."""
    from motet.core.errors import MotetError

    try:
        return tuple(s for role in EVALUATED for s in run_sources(folder, role, trust=trust, data=data)), ()
    except MotetError as error:
        return (), (f"the page has no images: {error}",)


def study(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="path/to/file.py or path/to/file.py:function, which returns a Study")
    ],
    folder: Annotated[Path, typer.Option(help="folder of all studies")] = Path("runs/studies"),
    on: On = "",
    part: Part = "",
    table: Annotated[Path | None, typer.Option(help="write the table to this file")] = None,
    run: Annotated[
        bool, typer.Option("--run/--no-run", help="run what is not finished; or only write the table")
    ] = True,
    only: Only = "",
) -> None:
    """Run a grid of systems, options and seeds: one JSON per run, one table; it continues where it stopped."""
    from motet.cli.subprocesses import run_only
    from motet.config.recipe_files import load_from_file
    from motet.core.printable import printable
    from motet.core.whole_files import write_whole
    from motet.experiments.study import Study
    from motet.experiments.study import table as table_of
    from motet.experiments.study_grid import StudyGrid
    from motet.training.run_training import run_training

    path, _, function = file.partition(":")
    grid = load_from_file(Path(path), function, Study, what="study")
    runs = StudyGrid(grid, folder, train_run=partial(run_training, resume=True))
    if only:
        run_only(runs, only)
        return
    if run:
        place = place_of(context, on, part, default=Local(command_line(context)))
        with continued_by("the same command continues"):
            place.run(runs, log=print_lines)
    page = table_of(grid, folder)
    if table is not None:
        table.parent.mkdir(parents=True, exist_ok=True)
        write_whole(table, page)
    from rich.markdown import Markdown

    console().print(Markdown(printable(page)))
