"""The run that motet suggests for sources: the system, schedule and training of the recipe that `motet init` writes."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from motet.core import (
    Answer,
    Boxes,
    ConfigError,
    DataError,
    Dense,
    Label,
    Masked,
    Match,
    Panoptic,
    Region,
    Score,
    Task,
    Text,
)
from motet.core.cache_folder import cache_folder
from motet.data.source import Source
from motet.scaffold.assign import RUN, assign
from motet.scaffold.expressions import Namespace
from motet.scaffold.recipe_plan import FRAMES_CALL
from motet.systems.base.suggestion import FRAMES, FunctionText
from motet.training.run import Run

_SOURCES = "SOURCES"
_BOXES_READ = 500  # images, to find the most boxes in one
_DENSE = {"class": "segmentation", "metre": "depth", "unit vector": "surface normals", "probability": "edges"}


def suggest(sources: Sequence[Source], *, steps: int | None = None) -> Run:
    """Returns a run for sources on encoders that come with motet, minutes on a laptop, to begin with.

    It has the system, the schedule and the numbers that `motet init` writes into a recipe. Change it with
    ``dataclasses.replace``.

    Args:
        sources: of all roles, such as `from_folder` returns.
        steps: of training; by default by the number of rows.

    Raises:
        ConfigError: tasks that no single system answers, with the systems that answer some of them.
    """
    tasks = _given_tasks(sources)
    models = assign(tasks)  # type: ignore[arg-type]  # reads the kind alone
    if list(models) != [RUN]:
        which = "; ".join(f"{one.about} for {', '.join(task.name for task in of)}" for one, of in models.values())
        raise ConfigError(f"suggest: got tasks that no one system answers: {which}; want the sources of one")
    suggestion, _ = models[RUN]
    text = suggestion.text(RUN, tasks, _SOURCES, "")
    run = _evaluated(text if steps is None else text.with_steps(steps), tuple(sources))
    if run.features is None:
        return run
    return replace(run, features=replace(run.features, folder=cache_folder() / "features"))


@dataclass(frozen=True)
class _GivenTask:
    """A task of given sources, as a system's suggestion reads it; see `PlannedTask`."""

    name: str
    kind: str
    sources: tuple[Source, ...]

    @property
    def rows(self) -> int:
        return sum(len(source.reader) for source in self.sources)

    @property
    def reader(self) -> str:
        return type(self.sources[0].reader).__name__

    def most_boxes(self) -> int:
        source = self.sources[0]
        (task,) = (task for task in source.tasks if task.name == self.name)
        most = 0
        for row in range(min(_BOXES_READ, len(source.reader))):
            try:
                most = max(most, len(task.annotation_of(source.reader[row]).labels))
            except DataError:
                continue
        return most


def _given_tasks(sources: Sequence[Source]) -> list[_GivenTask]:
    training: dict[str, list[tuple[Task, Source]]] = {}
    for source in sources:
        if not isinstance(source, Source):
            raise ConfigError(f"suggest: got a {type(source).__name__} among the sources; want Source values")
        for task in source.tasks if source.role == "train" else ():
            training.setdefault(task.name, []).append((task, source))
    if not training:
        raise ConfigError("suggest: got no source of role 'train'; want at least one")
    return [
        _GivenTask(name, kind_of(pairs[0][0]), tuple(source for _, source in pairs)) for name, pairs in training.items()
    ]


def kind_of(task: Task) -> str:
    """Returns the kind of a task, as `motet init` names it (`motet.data.detect.dataset.Kind`).

    Examples:
        >>> from motet.tasks import TASKS
        >>> kind_of(TASKS["cifar10"]), kind_of(TASKS["coco_caption"]), kind_of(TASKS["sst2"])
        ('classification', 'captioning', 'sentences')
    """
    if "video" in task.inputs:
        kinds = {Label: "video classification", Text: "video captioning"}
        return kinds.get(type(task.target), "video retrieval")
    match task.target:
        case Label():
            if "text" not in task.inputs:
                return "classification"
            return "visual entailment" if "image" in task.inputs else "sentences"
        case Answer():
            return "question answering"
        case Text():
            return "text reading" if task.category == "ocr" else "captioning"
        case Boxes():
            return "detection"
        case Region():
            return "referring"
        case Dense(unit=unit):
            return _DENSE[unit]
        case Match():
            return "pointing"
        case Masked() | Panoptic() | Score():
            return type(task.target).__name__.lower()
        case never:
            assert_never(never)


def _evaluated(text: FunctionText, sources: tuple[Source, ...]) -> Run:
    """Returns what a recipe's function returns: only calls of what it imports from motet, and plain values."""
    namespace = Namespace()
    namespace.define(FRAMES, FRAMES_CALL)
    names: dict[str, Any] = {_SOURCES: sources, "Path": Path, FRAMES: namespace.build(FRAMES_CALL)}
    for module, imported in text.imports.items():
        for one in imported:
            name, _, alias = one.partition(" as ")
            names[alias or name] = getattr(importlib.import_module(module), name)
    (function,) = ast.parse("\n".join(text.lines)).body
    assert isinstance(function, ast.FunctionDef)
    for statement in function.body:
        match statement:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                names[name] = _value(value, names)
            case ast.Return(value=ast.expr() as value):
                run = _value(value, names)
                assert isinstance(run, Run)
                return run
    raise AssertionError(f"a suggestion without a run: {text.lines}")


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return names[name]
        case ast.Attribute(of, name):
            return getattr(_value(of, names), name)
        case ast.Tuple(parts):
            return tuple(_value(part, names) for part in parts)
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, names)
        case ast.Dict(keys, values):
            return {_value(k, names): _value(v, names) for k, v in zip(keys, values, strict=True) if k is not None}
        case ast.Call(function, arguments, keywords):
            given = {one.arg: _value(one.value, names) for one in keywords if one.arg is not None}
            return _value(function, names)(*[_value(one, names) for one in arguments], **given)
    raise AssertionError(f"a suggestion with {ast.dump(node)}, which no recipe has")
