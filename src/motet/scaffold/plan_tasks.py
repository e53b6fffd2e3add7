"""The tasks of a recipe: one per detected data set and annotation, with its splits and a name."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from motet.data.detect import DetectedDataset
from motet.scaffold.task_plan import TaskPlan

_PARTS = re.compile(
    r"(?:oidv\d+-)?(?<![a-z])(training|train|validation|valid|val|testing|test|dev|t10k)(?![a-z])", re.IGNORECASE
)  # Open Images has its version before some splits alone
WORDS_OF_KIND = {
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
"""The name of the task of each kind, where a folder has only one."""
_BY_ANNOTATIONS = frozenset({"verification", "pairs", "referring", "pointing"})
"""Kinds whose splits are matched by their annotation files alone; NLVR2's images are in one folder per split."""


def plan_tasks(found: Sequence[DetectedDataset]) -> tuple[TaskPlan, ...]:
    """Returns one task per data set and annotation, with its splits; entries that cannot be read are left out."""
    groups: dict[tuple[Any, ...], list[DetectedDataset]] = {}
    for one in found:
        if not one.problems:
            groups.setdefault(_data_set(one), []).append(one)
    names = _names([parts[0] for parts in groups.values()])
    return tuple(TaskPlan(name, with_training(parts)) for name, parts in zip(names, groups.values(), strict=True))


def numbered(name: str) -> Iterator[str]:
    """Yields the name, then the name with numbers appended."""
    yield name
    count = 2
    while True:
        yield f"{name}_{count}"
        count += 1


def _data_set(one: DetectedDataset) -> tuple[Any, ...]:
    """Returns a key that entries of one data set share, whatever split they are of."""
    places = tuple(_PARTS.sub("*", str(value)) for value in one.arguments.values() if isinstance(value, Path))
    if one.kind in _BY_ANNOTATIONS:
        places = places[:1]
    return one.reader, one.kind, one.label, one.arguments.get("task"), places


def with_training(parts: Sequence[DetectedDataset]) -> tuple[DetectedDataset, ...]:
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
    return str(one.arguments["task"]) if one.reader == "Glue" else WORDS_OF_KIND[one.kind]


def _place(one: DetectedDataset) -> str:
    """Returns the name of its folder or file in characters that a variable of Python may have."""
    path = next((value for value in one.arguments.values() if isinstance(value, Path)), Path(one.reader))
    # Python takes identifiers that are equal after NFKC for the same one.
    name = unicodedata.normalize("NFKC", path.name.partition(".")[0].lower())
    plain = "".join(char if f"a{char}".isidentifier() else "_" for char in name)
    return re.sub("_+", "_", plain).strip("_") or one.reader.lower()
