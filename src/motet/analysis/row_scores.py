"""Scores of a system's predictions for single questions and phrases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from motet.analysis.consistency import ScoredPhrase
from motet.core import ConfigError, Metric, System, Task
from motet.data.source import Source
from motet.evaluation.task_evaluation import eval_mode, evaluate_rows


def score_rows(
    system: System,
    sources: Iterable[Source],
    task: str,
    *,
    metric: Callable[[], Metric] | None = None,
    batch_size: int = 64,
    workers: int = 0,
) -> tuple[ScoredPhrase, ...]:
    """Evaluates every row of a task in the sources, and returns its text with its score.

    Args:
        system: the system to evaluate.
        sources: the sources; those without the task are skipped.
        task: name of the task.
        metric: the metric of the row scores, in percent; the task's main one by default.
        batch_size: rows per batch on each rank.
        workers: number of loader processes.

    Raises:
        ConfigError: a metric without row scores, or a row without an image.
        DataError: a row that cannot be read.
    """
    found: list[ScoredPhrase] = []
    with eval_mode(system):
        for source in sources:
            for known in source.tasks:
                if known.name == task:
                    found += _evaluated(system, source, known, metric or known.metrics[0], batch_size, workers)
    return tuple(found)


def _evaluated(
    system: System, source: Source, task: Task, metric: Callable[[], Metric], batch_size: int, workers: int
) -> list[ScoredPhrase]:
    scored_task = dataclasses.replace(task, metrics=(metric,))
    rows = range(len(source.reader))
    (evaluated,) = evaluate_rows(
        system,
        source.name,
        source.reader,
        (scored_task,),
        rows,
        batch_size=batch_size,
        workers=workers,
        keep_predictions=True,
    )
    ids = sorted(evaluated.predictions)
    scores = evaluated.metrics[0].row_scores(ids)
    if scores is None:
        raise ConfigError(
            f"task {task.name!r}: metric {evaluated.metrics[0].name}: got no score per row; want a metric with row "
            "scores, such as an accuracy or an IoU"
        )
    found = []
    for row_id, score in zip(ids, scores.tolist(), strict=True):
        if not evaluated.images[row_id]:
            raise ConfigError(f"task {task.name!r}: row {row_id}: got no image; want rows with an image")
        found.append(ScoredPhrase(evaluated.images[row_id][0], _text(evaluated.predictions[row_id][0]), score / 100))
    return found


def _text(text: str | list[str]) -> str:
    return text if isinstance(text, str) else " ".join(text)
