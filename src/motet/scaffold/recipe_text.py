"""The Python text of a recipe for the data sets detected in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from motet.scaffold.expressions import Attribute, Call, Imported, Item
from motet.scaffold.literals import code, comment, lines_of
from motet.scaffold.recipe_plan import FRAMES_CALL, RecipePlan
from motet.scaffold.task_plan import VIDEOS, TaskPlan
from motet.systems.base.suggestion import FRAMES, FunctionText, Suggestion

_LONGEST = 100  # characters of an import on one line
_HOW_MANY = {1: "One model", 2: "Two models", 3: "Three models", 4: "Four models", 5: "Five models"}


def recipe_text(plan: RecipePlan, folder: Path, path: Path, steps: Mapping[str, int] | None = None) -> str:
    """Returns the recipe as Python text.

    No name of a folder, file, class or column is in it but as an escaped literal or within a comment of one line.

    Args:
        plan: of the recipe.
        folder: of the data.
        path: of the recipe; in the folder itself, it finds the data beside it.
        steps: of the functions that shall not have the steps that their system suggests.
    """
    folder, path = folder.resolve(), path.resolve()
    functions = [_function(plan, name, suggestion, of) for name, (suggestion, of) in plan.models.items()]
    functions = [
        function.with_steps(steps[name]) if steps and name in steps else function
        for name, function in zip(plan.models, functions, strict=True)
    ]
    lines = [*_docstring(plan, path), *_imports(plan, functions)]
    data = "Path(__file__).resolve().parent" if path.parent == folder else f"Path({code(str(folder), folder)})"
    lines += ["", f"DATA = {data}"]
    if plan.has_videos:
        frames = "  # of each video: how many, and their shorter side in pixels"
        lines += lines_of(FRAMES_CALL, folder, before=f"{FRAMES} = ", after=frames)
    lines += ["", "", *_sources_function(plan, folder)]
    for function in functions:
        lines += ["", "", *function.lines]
    return "\n".join(lines) + "\n"


def _function(plan: RecipePlan, name: str, suggestion: Suggestion, tasks: tuple[TaskPlan, ...]) -> FunctionText:
    alone = len(plan.models) == 1
    sources = "sources()" if alone else f"sources({', '.join(code(task.name, Path()) for task in tasks)})"
    few = ", ".join(task.name for task in tasks) if len(tasks) < 4 else f"{len(tasks)} tasks"
    return suggestion.text(name, tasks, sources, "all of it" if alone else few)


def _docstring(plan: RecipePlan, path: Path) -> Iterator[str]:
    yield f'"""{_HOW_MANY[len(plan.models)]} for the data in DATA, written by `motet init`; edit it as you like.'
    yield ""
    for name in plan.models:
        yield from (f"    motet {command} {path.name}:{name}" for command in ("data check", "plan", "train"))
    yield from ('"""', "")


def _imports(plan: RecipePlan, functions: Iterable[FunctionText]) -> Iterator[str]:
    names: dict[str, set[str]] = {"pathlib": {"Path"}}
    for call in [*(statement.value for statement in plan.statements), *(source.call for source in plan.sources)]:
        for one in _imported(call):
            name = one.name if not one.alias else f"{one.name} as {one.alias}"
            names.setdefault(one.module, set()).add(name)
    for one in _imported(FRAMES_CALL) if plan.has_videos else ():
        names.setdefault(one.module, set()).add(one.name)
    for function in functions:
        for module, used in function.imports.items():
            names.setdefault(module, set()).update(used)
    for module in sorted(names, key=lambda module: (module.startswith("motet"), module)):
        line = f"from {module} import {', '.join(sorted(names[module]))}"
        if len(line) <= _LONGEST:
            yield line
        else:
            yield f"from {module} import ("
            yield from (f"    {name}," for name in sorted(names[module]))
            yield ")"
        if not module.startswith("motet"):
            yield ""


def _imported(value: object) -> Iterator[Imported]:
    """Yields everything that an expression imports."""
    match value:
        case Imported():
            yield value
        case Attribute(of) | Item(of):
            yield from _imported(of)
        case Call(function, arguments, keywords):
            yield function
            for part in (*arguments, *keywords.values()):
                yield from _imported(part)
        case Mapping():
            for part in value.values():
                yield from _imported(part)
        case tuple() | list():
            for part in value:
                yield from _imported(part)


def _sources_function(plan: RecipePlan, folder: Path) -> Iterator[str]:
    several = len(plan.models) > 1
    yield f"def sources({'*names: str' if several else ''}) -> tuple[Source, ...]:"
    which = ", of these tasks or all" if several else ""
    by = "video" if all(task.kind in VIDEOS for task in plan.tasks) else "image"
    yield f'    """The sources for training, validation and test{which}. Missing splits are split off by {by}."""'
    for statement in plan.statements:
        if statement.comment:
            yield f"    {comment(statement.comment)}"
        lines = lines_of(statement.value, folder, before=f"{statement.variable} = ")
        yield from (f"    {line}" for line in lines)
    yield "    every = (" if several else "    return ("
    for source in plan.sources:
        yield from (f"        {line}" for line in lines_of(source.call, folder, after=","))
    yield "    )"
    if several:
        yield "    return tuple(source for source in every if not names or source.tasks[0].name in names)"
