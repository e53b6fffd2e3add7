"""What a system answers to questions and phrases of sources, row by row, with how right each answer is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from motet.analysis.consistency import ScoredPhrase
from motet.core import ConfigError, Metric, System, Task
from motet.data.source import Source
from motet.evaluation.task_evaluation import evaluate_rows, eval_mode


def score_rows(
    system: System,
    sources: Iterable[Source],
    task: str,
    *,
    metric: Callable[[], Metric] | None = None,
    batch_size: int = 64,
    workers: int = 0,
) -> tuple[ScoredPhrase, ...]:
    """Every row of the sources that asks a task, judged.

    Args:
        system: what is asked.
        sources: whose rows; those without the task are passed over.
        task: its name.
        metric: gives each row its score, in percent; the task's main one by default.
        batch_size: rows at a time on each rank.
        workers: loader processes.

    Raises:
        ConfigError: a metric that gives rows no score of their own, or rows on no picture.
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
    asked = dataclasses.replace(task, metrics=(metric,))
    rows = range(len(source.reader))
    (evaluated,) = evaluate_rows(
        system,
        source.name,
        source.reader,
        (asked,),
        rows,
        batch_size=batch_size,
        workers=workers,
        keep_predictions=True,
    )
    ids = sorted(evaluated.predictions)
    scores = evaluated.metrics[0].row_scores(ids)
    if scores is None:
        raise ConfigError(
            f"task {task.name!r}: metric {evaluated.metrics[0].name}: got no score of each row; want one that has them"
        )
    found = []
    for row_id, score in zip(ids, scores.tolist(), strict=True):
        if not evaluated.images[row_id]:
            raise ConfigError(f"task {task.name!r}: row {row_id}: got no picture; want rows that ask of one")
        found.append(ScoredPhrase(evaluated.images[row_id][0], _text(evaluated.predictions[row_id][0]), score / 100))
    return found


def _text(said: str | list[str]) -> str:
    return said if isinstance(said, str) else " ".join(said)
