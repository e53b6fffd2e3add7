"""The sources to evaluate, and result files in the forms of official evaluation servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from motet.core import Answer, Boxes, ConfigError, Label, Reader, Task, Text, nearest
from motet.data.source import Source
from motet.evaluation.predictions_io import read_lines
from motet.metrics.result_files import (
    answer_results,
    box_results,
    caption_results,
    glue_results,
    write_glue,
    write_results,
)
from motet.tasks.class_names import COCO_IDS, GLUE


def chosen_sources(
    sources: Sequence[Source],
    role: Literal["val", "test"],
    known: Mapping[str, Task],
    tasks: Sequence[str] | None = None,
) -> tuple[Source, ...]:
    """Returns the sources of a role that a model can be evaluated on.

    Args:
        sources: of a recipe.
        role: of the sources.
        known: the model's tasks, by name.
        tasks: only sources with one of these; all by default.

    Raises:
        ConfigError: a task that the model does not have, or no source that is left.
    """
    for name in tasks or ():
        if name not in known:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, known)}")
    requested = set(tasks or known)
    of_role = [source for source in sources if source.role == role]
    for source in of_role:
        for task in source.tasks:
            if task.name in requested and task.target != getattr(known.get(task.name), "target", task.target):
                raise ConfigError(f"task {task.name!r}: got another kind of answer in the recipe; want the model's")
    chosen = [source for source in of_role if requested & {task.name for task in source.tasks} & set(known)]
    if not chosen:
        names = sorted({task.name for source in of_role for task in source.tasks})
        raise ConfigError(f"sources of role {role!r}: got the tasks {names}; want some of {sorted(requested)}")
    return tuple(chosen)


def write_result_files(
    predictions: Path, folder: Path, tasks: Mapping[str, Task], sources: Sequence[Source] = ()
) -> tuple[Path, ...]:
    """Writes predictions in the forms of COCO's, VQA's and GLUE's servers, one file per source.

    Captions, answers and boxes go to ``<source>-<task>.json``, GLUE's classes to ``<source>-<task>.tsv``, which its
    server wants renamed (``CoLA.tsv``, ``MNLI-m.tsv``, ...). A box's class is called by the number that its source's
    reader knows it by, else by COCO's own, else by its place, from 1.

    Args:
        predictions: every row's prediction, as `motet.evaluation.evaluate` wrote them.
        folder: gets the files.
        tasks: the model's.
        sources: that were evaluated.

    Raises:
        MetricError: two captions of one image, or a folder that cannot be paths.
    """
    predictions_of: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for line in read_lines(predictions):
        predictions_of.setdefault((line["source"], line["task"]), []).append((line["id"], line["prediction"]))
    readers = {source.name: source.reader for source in sources}
    paths = []
    for (source, name), rows in predictions_of.items():
        place = folder / f"{source.replace('/', '-')}-{name}.json"
        texts = [(row_id, str(answer)) for row_id, answer in rows]
        match tasks[name].target:
            case Text():
                write_results(place, caption_results(texts))
            case Answer():
                write_results(place, answer_results(texts))
            case Boxes(names=names):
                write_results(place, box_results(rows, _category_ids(readers.get(source), names)))
            case Label(names=names) if GLUE.get(name) == names:
                place = place.with_suffix(".tsv")
                write_glue(place, glue_results(texts, names))
            case _:
                continue
        paths.append(place)
    return tuple(paths)


def _category_ids(reader: Reader | None, names: Sequence[str]) -> tuple[int, ...]:
    known: tuple[int, ...] | None = getattr(reader, "category_ids", None)
    if known is not None:
        return known
    if all(name in COCO_IDS for name in names):
        return tuple(COCO_IDS[name] for name in names)
    return tuple(range(1, len(names) + 1))
