"""Confusion matrices: which classes of a task are taken for which others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from motet.core.normalised_text import normalise
from motet.report.runs import RunRecord

NO_CLASS = "(no class)"
"""Heading of the predictions that are the name of no class, which systems that generate text can make."""
_METRIC = "accuracy"


@dataclass(frozen=True)
class ConfusedPair:
    """A class that is taken for another.

    Args:
        ground_truth: its name.
        predicted: the name of the other class.
        count: rows.
        share: of the rows of the class, from 0 to 1.
    """

    ground_truth: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class Confusion:
    """The confusion matrix of one task.

    Args:
        task: its name.
        names: of the classes.
        counts: rows per ground-truth class and predicted class; the last column counts predictions that are no class.
    """

    task: str
    names: tuple[str, ...]
    counts: Int[np.ndarray, "classes predicted"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; that of predictions that are no class only where there are some."""
        return (*self.names, *((NO_CLASS,) if self.counts[:, -1].any() else ()))

    def shares(self) -> np.ndarray:
        """Returns the counts of `columns` divided by the rows of each class; 0 for a class without rows."""
        counts = self.counts[:, : len(self.columns)].astype(np.float64)
        shares: np.ndarray = counts / np.maximum(1.0, self.counts.sum(axis=1, keepdims=True))
        return shares

    def most_confused(self, most: int | None = None) -> tuple[ConfusedPair, ...]:
        """Returns the pairs of different classes with the most rows, those with the larger share first among equals.

        Args:
            most: number of pairs; None for all.
        """
        rows = self.counts.sum(axis=1)
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        columns = (*self.names, NO_CLASS)
        pairs = [
            ConfusedPair(
                self.names[row], columns[column], int(wrong[row, column]), float(wrong[row, column] / rows[row])
            )
            for row, column in np.argwhere(wrong).tolist()
        ]
        pairs.sort(key=lambda pair: (-pair.count, -pair.share, pair.ground_truth, pair.predicted))
        return tuple(pairs[:most])


def confusions(
    lines: Iterable[Mapping[str, Any]], run: RunRecord, class_names: Mapping[str, Sequence[str]]
) -> tuple[Confusion, ...]:
    """Returns the confusion matrix of every task whose classes are evaluated by accuracy, in the order of the report.

    Args:
        lines: of predictions.jsonl.
        run: its report says which task was evaluated on which source.
        class_names: of the tasks that are known; for others the classes are those that are some row's ground truth.
    """
    sources = {result.task: result.source for result in run.report.results if result.metric == _METRIC}
    pairs: dict[str, Counter[tuple[str, str]]] = {task: Counter() for task in sources}
    for line in lines:
        match line:
            case {"task": str() as task, "source": str() as source, "prediction": str() as predicted, "ground_truth":
                  str() as ground_truth} if sources.get(task) == source:  # fmt: skip
                pairs[task][ground_truth, predicted] += 1
    return tuple(_confusion(task, counted, class_names.get(task, ())) for task, counted in pairs.items() if counted)


def _confusion(task: str, counted: Mapping[tuple[str, str], int], class_names: Sequence[str]) -> Confusion:
    names = tuple(dict.fromkeys([*class_names, *(() if class_names else sorted({truth for truth, _ in counted}))]))
    by_text: dict[str, int] = {}
    for place, name in enumerate(names):
        by_text.setdefault(normalise(name), place)
    counts = np.zeros((len(names), len(names) + 1), dtype=np.int64)
    for (ground_truth, predicted), count in counted.items():
        row = by_text.get(normalise(ground_truth))
        if row is not None:
            counts[row, by_text.get(normalise(predicted), len(names))] += count
    return Confusion(task, names, counts)
