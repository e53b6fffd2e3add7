"""`motet init`: writes a recipe, ready to run and easy to edit, for the data sets detected in a folder."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError
from motet.data.detect import DetectedDataset, detect
from motet.data.source import Source
from motet.scaffold.assign import assign
from motet.scaffold.recipe_text import TaskPlan, numbered, recipe_text

_PARTS = re.compile(r"(?<![a-z])(training|train|validation|valid|val|testing|test|dev|t10k)(?![a-z])")
_WORDS_OF_KIND = {
    "classification": "kind",
    "captioning": "caption",
    "question answering": "vqa",
    "text reading": "read",
    "detection": "boxes",
    "visual entailment": "entail",
    "sentences": "sentence",
    "verification": "verify",
    "pairs": "pair",
    "referring": "refer",
    "pointing": "point",
    "segmentation": "segment",
    "depth": "depth",
    "surface normals": "normals",
    "edges": "edges",
    "video classification": "video_kind",
    "video captioning": "video_caption",
    "video retrieval": "video_retrieve",
}
_BY_ANNOTATIONS = frozenset({"verification", "pairs", "referring", "pointing"})
"""Kinds whose splits are matched by their annotation files alone; NLVR2's images are in one folder per split."""


@dataclass(frozen=True)
class InitResult:
    """Result of `motet init`.

    Args:
        path: of the recipe.
        lines: one line per detected split, and per problem.
        runs: the functions of the recipe, one per model.
    """

    path: Path
    lines: tuple[str, ...]
    runs: tuple[str, ...] = ("run",)


def write_recipe(folder: Path, path: Path, *, replace: bool = False) -> InitResult:
    """Detects the data sets in a folder and writes a recipe for them.

    Args:
        folder: of the data.
        path: the Python file to write.
        replace: whether an existing file may be overwritten.

    Raises:
        DataError: no such folder, or no data in it to train on.
        ConfigError: the file exists already, or has no name of a Python file.
    """
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ConfigError(f"--out: got {path}; want a Python file, such as my_recipe.py")
    if path.exists() and not replace:
        raise ConfigError(f"{path}: got a file that exists already; want another --out, or --force to replace it")
    found = detect(folder)
    plans = plan_tasks(found)
    if not plans:
        wrong = "; ".join(dict.fromkeys(problem for one in found for problem in one.problems))
        hint = wrong or "no data set detected; docs/DATA.md shows the known layouts"
        raise DataError(f"folder: got nothing to train on ({hint}); want data in a known layout", path=folder)
    text = recipe_text(plans, folder, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: got {error.strerror or error}; want a file that can be written (--out)") from error
    return InitResult(path, tuple(_summary_lines(found, plans)), tuple(assign(plans)))


def sources_in(folder: Path) -> tuple[Source, ...]:
    """Returns the sources of the recipe that `write_recipe` would write.

    Raises:
        DataError: no such folder, or nothing in it that can be trained on.
    """
    found = detect(folder)
    plans = plan_tasks(found)
    if not plans:
        wrong = next((problem for one in found for problem in one.problems), "no known layout; see docs/DATA.md")
        raise DataError(f"folder: got nothing that can be read ({wrong}); want data in a known layout", path=folder)
    path = folder / "motet_recipe.py"
    namespace: dict[str, Any] = {"__file__": str(path), "__name__": "motet_recipe"}
    exec(compile(recipe_text(plans, folder, path), str(path), "exec"), namespace)
    sources: tuple[Source, ...] = namespace["sources"]()
    return sources


def left_out(folder: Path) -> tuple[str, ...]:
    """Returns one line per file or folder that resembles a known layout but cannot be read."""
    return tuple(dict.fromkeys(problem for one in detect(folder) for problem in one.problems))


def plan_tasks(found: Sequence[DetectedDataset]) -> tuple[TaskPlan, ...]:
    """Returns one task per data set and annotation, with its splits; entries that cannot be read are left out."""
    groups: dict[tuple[Any, ...], list[DetectedDataset]] = {}
    for one in found:
        if not one.problems:
            groups.setdefault(_data_set(one), []).append(one)
    names = _names([parts[0] for parts in groups.values()])
    return tuple(TaskPlan(name, _with_training(parts)) for name, parts in zip(names, groups.values(), strict=True))


def _data_set(one: DetectedDataset) -> tuple[Any, ...]:
    """Returns a key that entries of one data set share, whatever split they are of."""
    places = tuple(_PARTS.sub("*", str(value).lower()) for value in one.arguments.values() if isinstance(value, Path))
    if one.kind in _BY_ANNOTATIONS:
        places = places[:1]
    return one.reader, one.kind, one.label, one.arguments.get("task"), places


def _with_training(parts: Sequence[DetectedDataset]) -> tuple[DetectedDataset, ...]:
    """Returns the parts, one of which is to train on: if none is named so, the largest is to be split.

    The labels of GLUE's test sets are secret: its dev sets are the test sets here, and val is split off train.
    """
    if parts[0].reader == "Glue" and all(one.split in ("train", "val") for one in parts):
        parts = [dataclasses.replace(one, split="test") if one.split == "val" else one for one in parts]
    if any(one.split in ("train", "") for one in parts):
        return tuple(parts)
    largest = max(parts, key=lambda one: one.rows)
    return tuple(dataclasses.replace(one, split="") if one is largest else one for one in parts)


def _names(firsts: Sequence[DetectedDataset]) -> list[str]:
    """Returns a name per task: its kind and language, and if those repeat also its folder or file."""
    plain = [_word(one) + ("" if one.language == "en" else f"_{one.language}") for one in firsts]
    names: list[str] = []
    for one, name in zip(firsts, plain, strict=True):
        base = name if plain.count(name) == 1 else f"{name}_{_place(one)}"
        names.append(next(free for free in numbered(base) if free not in names))
    return names


def _word(one: DetectedDataset) -> str:
    return str(one.arguments["task"]) if one.reader == "Glue" else _WORDS_OF_KIND[one.kind]


def _place(one: DetectedDataset) -> str:
    path = next((value for value in one.arguments.values() if isinstance(value, Path)), Path(one.reader))
    return re.sub(r"\W+", "_", path.name.partition(".")[0].lower()).strip("_") or one.reader.lower()


def _summary_lines(found: Sequence[DetectedDataset], plans: Sequence[TaskPlan]) -> Iterator[str]:
    for plan in plans:
        for one in plan.parts:
            yield f"{plan.name}: {one.rows:,} rows{f' ({one.split})' if one.split else ''}: {one.evidence}"
    models = assign(plans)
    if len(models) > 1:
        models_text = "; ".join(
            f"{name}, {suggestion.about}, for {', '.join(plan.name for plan in of)}"
            for name, (suggestion, of) in models.items()
        )
        yield f"{len(models)} models, since no system supports all tasks: {models_text}"
    yield from dict.fromkeys(f"left out: {problem}" for one in found for problem in one.problems)
