"""Evaluates a system on sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from motet.core import Report, System, Task
from motet.core.ranks import rank
from motet.data.source import Source
from motet.evaluation.intervals import Bootstrap
from motet.evaluation.predictions_io import write_lines
from motet.evaluation.retrieval import is_ranked, rank_split
from motet.evaluation.task_evaluation import Progress, TaskEvaluation, eval_mode, evaluate_rows
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
    bootstraps: Path | None = None,
    progress: Progress | None = None,
    workers: int = 0,
    tasks: Sequence[str] | None = None,
    ranking: Ranking | None = None,
) -> Report:
    """Evaluates a system on every row of the sources; the report is the same on all ranks and for any number of them.

    The system predicts in eval mode without gradients, and is set back to its previous modes.

    Args:
        system: the system to evaluate.
        sources: the sources whose rows are read.
        batch_size: rows per batch on each rank.
        step: optimiser steps done, for the report.
        role: role of the sources, for the report.
        interval: whether to add 95 % bootstrap intervals over images.
        predictions: a file for every row's prediction, one JSON object per line; rank 0 writes it.
        bootstraps: with `interval`, a file for the bootstrap of each task's main metric, which `motet compare` pairs
            with that of another run; rank 0 writes it.
        progress: called after every batch of this rank.
        workers: number of loader processes.
        tasks: names of the tasks to evaluate; all by default.
        ranking: ranking of the pairs of a whole split; by default all pairs are scored.

    Raises:
        DataError: a row that cannot be read, or two rows of a source with the same id.
        MetricError: a prediction that a metric cannot evaluate.
    """
    evaluated: list[TaskEvaluation] = []
    in_two_stages: list[str] = []
    with eval_mode(system):
        for source in sources:
            selected = [task for task in source.tasks if tasks is None or task.name in tasks]
            whole = [task for task in selected if is_ranked(task, source.reader)]
            in_two_stages += [f"{task.name} on {source.name}" for task in whole]
            for task in whole:
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
            for group in task_groups(system, [task for task in selected if task not in whole]):
                rows = range(len(source.reader))
                evaluated += evaluate_rows(
                    system,
                    source.name,
                    source.reader,
                    group,
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
    drawn = [part.bootstraps() if interval else () for part in evaluated]
    if bootstraps is not None and rank() == 0:
        main = ((part, own[0]) for part, own in zip(evaluated, drawn, strict=True) if own)
        # A metric that is undefined on some sample of the images has no pairs.
        write_lines(bootstraps, (_bootstrap_line(*one) for one in main if np.isfinite(one[1].values).all()))
    return Report(
        step=step,
        role=role,
        results=tuple(r for part, own in zip(evaluated, drawn, strict=True) for r in part.results(own)),
        notes=(*(note for part in evaluated for note in part.notes(role)), *_ranking_notes(in_two_stages, ranking)),
    )


def _bootstrap_line(part: TaskEvaluation, drawn: Bootstrap) -> dict[str, Any]:
    """Returns a line of bootstraps.jsonl."""
    values = [float(f"{value:.7g}") for value in drawn.values]
    named = {"task": part.task.name, "source": part.source, "metric": part.metrics[0].name}
    return {**named, "images": drawn.images, "values": values}


def _ranking_notes(ranked: Sequence[str], ranking: Ranking | None) -> tuple[str, ...]:
    """Returns a remark for each task and source whose candidates were ranked in two stages."""
    if ranking is None or ranking.rerank_top_k is None:
        return ()
    note = (
        f"only the top {ranking.rerank_top_k} candidates of a first stage with {ranking.first_stage_size} anchors were "
        "scored, where that is fewer than all"
    )
    return tuple(f"{name}: {note}" for name in ranked)


def task_groups(system: System, tasks: Sequence[Task]) -> list[tuple[Task, ...]]:
    """Groups tasks that one batch can carry: all of them, or one per group if a row has one task."""
    if system.tasks_per_row == "many":
        return [tuple(tasks)] if tasks else []
    return [(task,) for task in tasks]
