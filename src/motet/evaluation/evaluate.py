"""The numbers of a system on sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from motet.core import Report, System, Task
from motet.core.ranks import rank
from motet.data.source import Source
from motet.evaluation.predictions_io import write_lines
from motet.evaluation.retrieval import is_ranked, rank_split
from motet.evaluation.task_evaluation import Progress, TaskEvaluation, evaluate_rows, eval_mode
from motet.evaluation.two_stage_retrieval import Ranking


def evaluate(
    system: System,
    sources: Iterable[Source],
    *,
    batch_size: int,
    step: int = 0,
    role: Literal["val", "test"] = "val",
    interval: bool = False,
    predictions: Path | None = None,
    progress: Progress | None = None,
    workers: int = 0,
    tasks: Sequence[str] | None = None,
    ranking: Ranking | None = None,
) -> Report:
    """Judges every row of the sources; the same report on every rank, whatever their number.

    The system predicts in eval mode without gradients and goes back to the modes it was in.

    Args:
        system: what is judged; its processor decides what it sees.
        sources: whose rows.
        batch_size: rows at a time on each rank.
        step: optimiser steps done, for the report.
        role: what the sources are for, for the report.
        interval: add 95 % bootstrap intervals over images.
        predictions: a file for every row's prediction, one JSON object a line; written by rank 0.
        progress: told of every batch of this rank.
        workers: loader processes.
        tasks: only the tasks of these names; all by default.
        ranking: how the pairs of a whole split are ranked; all of them scored by default.

    Raises:
        DataError: a row that cannot be read, or two rows of a source with one id.
        MetricError: an answer that a metric cannot judge.
    """
    evaluated: list[TaskEvaluation] = []
    with eval_mode(system):
        for source in sources:
            asked = [task for task in source.tasks if tasks is None or task.name in tasks]
            for task in filter(is_ranked, asked):
                evaluated.append(
                    rank_split(
                        system,
                        source.name,
                        source.reader,
                        task,
                        range(len(source.reader)),
                        batch_size=batch_size,
                        workers=workers,
                        keep_predictions=predictions is not None,
                        ranking=ranking,
                        progress=progress,
                    )
                )
            for together in task_groups(system, [task for task in asked if not is_ranked(task)]):
                rows = range(len(source.reader))
                evaluated += evaluate_rows(
                    system,
                    source.name,
                    source.reader,
                    together,
                    rows,
                    batch_size=batch_size,
                    workers=workers,
                    keep_predictions=predictions is not None,
                    progress=progress,
                )
    if predictions is not None and rank() == 0:
        write_lines(predictions, (line for part in evaluated for line in part.lines()))
    # A task without a single row (a partly labelled set) has no number.
    evaluated = [part for part in evaluated if part.images]
    order = {name: place for place, name in enumerate(system.tasks)}
    evaluated.sort(key=lambda part: order.get(part.task.name, len(order)))
    return Report(
        step=step,
        role=role,
        results=tuple(result for part in evaluated for result in part.results(interval)),
        notes=(*(note for part in evaluated for note in part.notes(role)), *_staged(evaluated, ranking)),
    )


def _staged(evaluated: Sequence[TaskEvaluation], ranking: Ranking | None) -> tuple[str, ...]:
    """What a reader should know of ranks of two stages."""
    ranked = [part for part in evaluated if is_ranked(part.task)]
    if ranking is None or ranking.rerank_top_k is None:
        return ()
    first = f"the best {ranking.rerank_top_k} candidates of a first ranking by {ranking.first_stage_size} anchors were scored"
    how = f"{first}, not all, where that is less"
    return tuple(f"{part.task.name} on {part.source}: {how}" for part in ranked)


def task_groups(system: System, tasks: Sequence[Task]) -> list[tuple[Task, ...]]:
    """The tasks that one batch can carry: all of them, or one after the other when a row has one task."""
    if system.tasks_per_row == "many":
        return [tuple(tasks)] if tasks else []
    return [(task,) for task in tasks]
