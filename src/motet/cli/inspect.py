"""The commands to use before training: `list`, `data check`, `data look`, `data stats`, `plan`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from motet.cli.console import console, print_json, print_lines, size, table
from motet.cli.leaks import deduplicate, leaks
from motet.cli.options import Json, RecipeName, RecipeOrFolder, Sets, data_of, recipe_run
from motet.cli.regions import regions

if TYPE_CHECKING:
    from motet.training.estimate import Estimate

What = Literal["readers", "tasks", "systems", "recipes", "balancers"]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("list", epilog="Example:  motet list recipes --json")(list_)
    data = typer.Typer(
        help="Inspect data: rows, images, annotations, duplicates.",
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog="Example:  motet data check lit_decoder:tiny",
    )
    data.command("check", epilog="Example:  motet data check path/to/folder")(check)
    data.command("look", epilog="Example:  motet data look vit_adapters:tiny --out data.html")(look)
    data.command("stats", epilog="Example:  motet data stats lit_decoder:photos --json")(stats)
    data.command("leaks", epilog="Example:  motet data leaks path/to/recipe.py:run --pairs pairs.html")(leaks)
    data.command("deduplicate", epilog="Example:  motet data deduplicate path/to/recipe.py:run --near")(deduplicate)
    data.command("regions", epilog="Example:  motet data regions path/to/recipe.py:run --out regions.lmdb")(regions)
    app.add_typer(data, name="data")
    app.command("plan", epilog="Example:  motet plan lit_decoder:tiny --set train.steps=500")(plan)


def list_(
    what: Annotated[
        What | None, typer.Argument(help="one kind only", metavar="[readers|tasks|systems|recipes|balancers]")
    ] = None,
    json: Json = False,
) -> None:
    """List the readers of data, tasks, systems and recipes of motet; `motet list balancers` lists the balancers."""
    # Balancers are read from torch modules, which take seconds to import.
    kinds = (what,) if what else ("readers", "tasks", "systems", "recipes")
    found: dict[str, Mapping[str, Any]] = {kind: _listed(kind) for kind in kinds if kind != "balancers"}
    if "balancers" in kinds:
        found["balancers"] = _balancers()
    if json:
        print_json(found)
        return
    for kind, entries in found.items():
        if kind == "balancers":
            head = ("balancers", "backward passes", "remembers", "source", "")
            keys = ("passes", "state", "paper", "summary")
            rows = [(name, *(info[key] for key in keys)) for name, info in entries.items()]
            table(head, rows)
        else:
            table((kind, ""), list(entries.items()))
    if not what:
        print_lines("balancers: motet list balancers")


def check(target: RecipeOrFolder, settings: Sets = None, json: Json = False, limit: int = 20) -> None:
    """Read every row and image once, and list those that training would stop at; exit code 1 if there are any."""
    from motet.core.printable import one_line
    from motet.data.alike_names import alike_names
    from motet.data.check import Problem, problems
    from motet.data.clipped_boxes import ClippedBoxes
    from motet.preprocess.images import decode

    data = data_of(target, settings)
    found: list[Problem] = []
    rows, boxes = 0, dict[str, ClippedBoxes]()
    for source in data.sources:
        clipped = boxes.setdefault(source.name, ClippedBoxes())
        with _bar(f"{source.name} ({source.role})", len(source.reader), quiet=json) as advance:
            for problem in problems(source, decode=decode, clipped=clipped):
                rows += 1
                advance()
                if problem is not None:
                    found.append(problem)
    boxes = {name: clipped for name, clipped in boxes.items() if clipped.first}
    tasks = {task.name: alike_names(getattr(task.target, "names", ())) for one in data.sources for task in one.tasks}
    alike = {name: text for name, text in tasks.items() if text}
    if json:
        print_json(
            {
                "rows": rows,
                "problems": [vars(problem) for problem in found],
                "left_out": list(data.left_out),
                "notes": list(data.notes),
                "clipped_boxes": {name: vars(clipped) for name, clipped in boxes.items()},
                "alike_names": alike,
            }
        )
    else:
        print_lines(*data.lines)
        lines = (f"{problem.source}, row {problem.row}: {problem.text}" for problem in found[:limit])
        print_lines(*map(one_line, lines))
        print_lines(*([f"... and {len(found) - limit:,} more"] if len(found) > limit else []))
        print_lines(*(f"{name}: {clipped.problem or clipped.summary}" for name, clipped in boxes.items()))
        print_lines(*(f"{name}: {text}; want one name per class" for name, text in alike.items()))
        print_lines(f"{rows:,} rows read, {len(found):,} with a problem")
        print_lines(*(["to train without them: --set train.on_bad_row=skip"] if found else []))
    if found or data.left_out or any(clipped.problem for clipped in boxes.values()):
        raise typer.Exit(1)


def look(
    target: RecipeOrFolder,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="the page")] = Path("data.html"),
    rows: Annotated[int, typer.Option("--rows", min=1, help="rows per source")] = 4,
    settings: Sets = None,
    json: Json = False,
) -> None:
    """Draw some rows of every source on one page: boxes on the images, maps beside them, texts below."""
    from motet.core.errors import ConfigError
    from motet.core.whole_files import write_whole
    from motet.report.cards.annotations import row_cards
    from motet.report.pages.data import data_page

    data, credit = data_of(target, settings), _credit_of(target, settings)
    shown = []
    for source in data.sources:
        name = f"{source.name} ({source.role}, {len(source.reader):,} rows)"
        with _bar(source.name, min(rows, len(source.reader)), quiet=json) as advance:
            made = []
            for row in row_cards(source, rows):
                made.append(row)
                advance()
        shown.append((name, made))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, data_page(f"Data of {target}", shown, credit))
    except OSError as error:
        raise ConfigError(f"--out: got {error.strerror or error}; want a path that can be written ({out})") from error
    count, wrong = sum(len(made) for _, made in shown), sum(bool(row.problems) for _, made in shown for row in made)
    if json:
        print_json({"file": str(out), "rows": count, "with_a_problem": wrong})
    else:
        print_lines(*data.lines)
        print_lines(f"{count:,} rows of {len(shown)} sources, {wrong:,} with an impossible annotation: {out}")


def stats(target: RecipeOrFolder, settings: Sets = None, json: Json = False) -> None:
    """Count rows and images, and show the frequency of annotations and the length of texts."""
    import dataclasses

    from motet.data.stats import stats as stats_of

    data = data_of(target, settings)
    found = [stats_of(source) for source in data.sources]
    if json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_lines(*data.lines)
    rows = [
        (s.source, s.role, f"{s.counts.rows:,}", f"{s.counts.unique_images:,}", ", ".join(t.task for t in s.tasks))
        for s in found
    ]
    table(("source", "role", "rows", "images", "tasks"), rows, numbers=(2, 3))
    print_lines(
        *(f"{s.source}: {s.broken:,} rows cannot be read, the first: {s.first_error}" for s in found if s.broken)
    )
    answers = [
        (
            f"{s.source}: {t.task}",
            f"{t.different:,}",
            f"{t.mean_words:.1f} / {t.max_words}",
            ", ".join(f"{text} {times / t.rows:.0%}" for text, times in t.most if t.rows),
        )
        for s in found
        for t in s.tasks
    ]
    table(("task", "different", "words mean / max", "most frequent (share of rows)"), answers, numbers=(1, 2))
    boxes = [
        (
            f"{s.source}: {t.task}",
            f"{sum(n for _, n in t.boxes):,}",
            f"{t.cut:,}",
            f"{t.dropped:,}",
            ", ".join(f"{name} {n:,}" for name, n in t.boxes),
        )
        for s in found
        for t in s.tasks
        if t.boxes or t.dropped
    ]
    if boxes:
        table(("task", "boxes", "cut at the border", "dropped", "of each class"), boxes, numbers=(1, 2, 3))
    maps = [
        (
            f"{s.source}: {t.task}",
            f"{t.pixels:,}",
            f"{t.valid:.1%}",
            ", ".join(f"{name} {share:.1%}" for name, share in t.classes) or _range(t.lowest, t.highest),
        )
        for s in found
        for t in s.tasks
        if t.pixels
    ]
    if maps:
        table(("task", "pixels", "valid", "classes, or lowest to highest"), maps, numbers=(1, 2))


def _range(lowest: float, highest: float) -> str:
    return f"{lowest:.3g} to {highest:.3g}" if highest > lowest else ""


def plan(recipe: RecipeName, settings: Sets = None, json: Json = False, timed_steps: int = 3) -> None:
    """Estimate a run before it is trained: samples, parameters, time, memory, stored features."""
    import dataclasses

    from motet.training.estimate import estimate

    run = recipe_run(recipe, settings)
    with console().status("building the system and timing a few steps") if not json else _nothing():
        found = estimate(run, timed_steps=timed_steps)
    if json:
        print_json(dataclasses.asdict(found))
    else:
        _show_plan(found)


def _show_plan(found: Estimate) -> None:
    from motet.report.tables import duration

    rows = [
        (
            ", ".join(s.tasks),
            s.source,
            f"{s.rows:,}",
            f"{s.images:,}",
            f"{s.samples:,}",
            f"{s.share:.1%}",
            f"{s.epochs:.1f}",
        )
        for s in found.samples
    ]
    head = ("tasks", "source", "rows", "images", "samples to see", "share", "epochs")
    table(head, rows, numbers=(2, 3, 4, 5, 6))
    print_lines(
        f"parameters: {found.shared:,} shared, {found.own:,} task-specific, {found.frozen:,} frozen",
        f"time: about {duration(found.seconds)}: {found.steps:,} steps of {1000 * found.step_seconds:.0f} ms, "
        f"{duration(found.evaluation_seconds)} of evaluations, {duration(found.setup_seconds)} to start"
        + (f", {duration(found.store_seconds)} to store features" if found.store_seconds else ""),
        f"memory: {size(found.memory_bytes)} at its peak in the timed steps",
    )
    if found.passes > 1:
        print_lines(
            f"gradient method: up to {found.passes} backward passes per step, one per task, and "
            f"{size(found.gradients_bytes)} for the gradients of all tasks"
        )
    if found.stored_bytes:
        print_lines(
            f"stored features: {size(found.stored_bytes)} in {found.stored_in}, {size(found.free_bytes)} free there"
        )


def _credit_of(target: str, settings: list[str] | None) -> tuple[str, ...]:
    """Returns the credit lines that must be beside the images of a recipe; none for a folder of data."""
    return () if Path(target).is_dir() else recipe_run(target, settings).credit


def _listed(kind: str) -> Mapping[str, str]:
    from motet.config.recipe_files import list_recipes

    if kind == "recipes":
        return {listed.name: listed.summary for listed in list_recipes()}
    if kind == "readers":
        from motet.data.readers import READERS

        return {name: _summary(reader) for name, reader in READERS.items()}
    if kind == "systems":
        from motet.config.table_summaries import table_summaries

        return table_summaries(Path(__file__).parents[1] / "systems" / "__init__.py", "SYSTEMS")
    from motet.scenes.tasks import SCENE_TASKS
    from motet.tasks import TASKS
    from motet.tasks.describe import describe_target

    return {
        name: f"inputs: {' and '.join(sorted(task.inputs))}; {describe_target(task.target)}; {task.main_metric}"
        for name, task in {**TASKS, **{f"scenes/{name}": task for name, task in SCENE_TASKS.items()}}.items()
    }


def _balancers() -> dict[str, dict[str, str]]:
    """Returns the cost, the memory and the source of every balancer, by name."""
    import dataclasses

    from motet.training.balancers import BALANCERS

    return {name: {"summary": _summary(kind), **dataclasses.asdict(kind.info)} for name, kind in BALANCERS.items()}


def _summary(thing: Any) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def _bar(name: str, total: int, *, quiet: bool) -> Any:
    from motet.cli.progress import bar

    return bar(name, total, quiet=quiet)
