"""What is judged, and the files that official servers take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from motet.core import Answer, ConfigError, Task, Text, nearest
from motet.data.source import Source
from motet.evaluate.written import read_lines
from motet.metrics.result_files import answer_results, caption_results, write_results


def chosen_sources(
    sources: Sequence[Source],
    role: Literal["val", "test"],
    known: Mapping[str, Task],
    tasks: Sequence[str] | None = None,
) -> tuple[Source, ...]:
    """The sources of a role that a model can be judged on.

    Args:
        sources: of a recipe.
        role: which of them.
        known: the model's tasks.
        tasks: only sources with one of these; all by default.

    Raises:
        ConfigError: a task that the model does not have, or no source that is left.
    """
    for name in tasks or ():
        if name not in known:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, known)}")
    wanted = set(tasks or known)
    of_role = [source for source in sources if source.role == role]
    for source in of_role:
        for task in source.tasks:
            if task.name in wanted and task.target != getattr(known.get(task.name), "target", task.target):
                raise ConfigError(f"task {task.name!r}: got another kind of answer in the recipe; want the model's")
    chosen = [source for source in of_role if wanted & {task.name for task in source.tasks} & set(known)]
    if not chosen:
        names = sorted({task.name for source in of_role for task in source.tasks})
        raise ConfigError(f"sources of role {role!r}: got the tasks {names}; want some of {sorted(wanted)}")
    return tuple(chosen)


def write_result_files(predictions: Path, folder: Path, tasks: Mapping[str, Task]) -> tuple[Path, ...]:
    """Writes captions and answers in the form that the COCO and VQA servers take, a file a source and task.

    Args:
        predictions: every row's prediction, as `motet.evaluate.evaluate` wrote them.
        folder: gets ``<source>-<task>.json``.
        tasks: the model's.

    Raises:
        MetricError: two captions of one image, or a folder that cannot be written.
    """
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in read_lines(predictions):
        said.setdefault((line["source"], line["task"]), []).append((line["id"], str(line["prediction"])))
    written = []
    for (source, name), rows in said.items():
        if isinstance(tasks[name].target, Text | Answer):
            results = caption_results(rows) if isinstance(tasks[name].target, Text) else answer_results(rows)
            written.append(folder / f"{source.replace('/', '-')}-{name}.json")
            write_results(written[-1], results)
    return tuple(written)
