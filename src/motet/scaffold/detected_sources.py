"""Sources of detected splits: one task per target, all cut alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from motet.core import ConfigError, DataError
from motet.data.detect.dataset import DetectedDataset, Split
from motet.data.detect.guess import Guess
from motet.data.detect.survey import split_of
from motet.data.source import Source
from motet.scaffold.plan_tasks import numbered, with_training
from motet.scaffold.recipe_plan import plan_recipe
from motet.scaffold.task_plan import TaskPlan


def sources_of(parts: Sequence[tuple[Guess, DetectedDataset]]) -> tuple[Source, ...]:
    """Returns the sources of detected splits: one task per target, all cut alike."""
    check_read([found for _, found in parts])
    groups: dict[tuple[str, str], list[DetectedDataset]] = {}
    for mapping, found in parts:
        columns = mapping.labels[found.label]
        groups.setdefault((found.label, columns if isinstance(columns, str) else found.label), []).append(found)
    names: list[str] = []
    for label, column in groups:
        names.append(next(free for free in numbered(_task_name(column) or label) if free not in names))
    tasks = [TaskPlan(name, with_training(found)) for name, found in zip(names, groups.values(), strict=True)]
    return plan_recipe(tasks, shared_images=True).build_sources()


def check_read(parts: Sequence[DetectedDataset]) -> None:
    """Raises DataError where one of the parts cannot be read."""
    for one in parts:
        if one.problems:
            raise DataError(one.problems[0])


def split_named(name: str, *, alone: bool) -> Split:
    """Returns the split of a name such as "validation"; raises ConfigError if it is none, and not the only one."""
    found = split_of(Path(name), Path()) if name else ""
    if not found and not alone:
        raise ConfigError(f"split: got {name!r}; want 'train', 'val' or 'test' among several")
    return found


def _task_name(column: str) -> str:
    """Returns a column's name in characters that a task's name may have."""
    name = unicodedata.normalize("NFKC", column.rpartition(".")[2].strip())
    return re.sub("_+", "_", "".join(char if char.isalnum() else "_" for char in name)).strip("_")
