"""The evaluated rows that a model does worst on, and those that it is surest of and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from motet.core import Result
from motet.report.content import Choice
from motet.report.precision_recall import f1_of

Line = Mapping[str, Any]
CORRECT_PER_ROW = {"accuracy", "answer_match", "exact_match", "region_accuracy", "match_accuracy", "recall_at_1"}
"""Metrics whose score of one row is 0 or 100: their cards have a mark instead of the score."""
MIN_SCORE = 0.3
"""Boxes of a lower score are not drawn."""


def hardest(lines: Iterable[Line], result: Result, most: int) -> list[tuple[Line, Choice]]:
    """Returns at most so many lines of a task, the surest wrong ones or the worst ones first.

    A wrong prediction is "surest" by its confidence; where none has one, and for graded scores, the lowest scores come
    first: for boxes the F1 of those that are drawn, for rankings the rank of the correct candidate. A row with the best
    score there is, or without one, is never among them.

    Args:
        lines: of predictions.jsonl, all of one task.
        result: the task's main result.
        most: number of lines.
    """
    found = ((_badness(line, result), line) for line in lines)
    wrong = [(badness, line) for badness, line in found if badness is not None and badness > 0]
    if result.metric in CORRECT_PER_ROW and any(confidence_of(line) is not None for _, line in wrong):
        order = sorted(wrong, key=lambda one: (-(confidence_of(one[1]) or 0.0), one[1]["id"]))
        return [(line, "surest wrong") for _, line in order[:most]]
    order = sorted(wrong, key=lambda one: (-one[0], -(confidence_of(one[1]) or 0.0), one[1]["id"]))
    return [(line, "worst") for _, line in order[:most]]


def confidence_of(line: Line) -> float | None:
    """Returns the confidence that a line holds, from 0 to 1; None where it holds none.

    Examples:
        >>> confidence_of({"confidence": 0.25}), confidence_of({"confidence": "high"})
        (0.25, None)
    """
    match line.get("confidence"):
        case bool():
            return None
        case int() | float() as share if 0 <= share <= 1:
            return float(share)
    return None


def _badness(line: Line, result: Result) -> float | None:
    """Returns a number that is larger for a worse row and 0 for a perfect one; None where the row has no score."""
    match line:
        case {"ranking": {"rank": int() as rank}}:
            return float(rank - 1)
    score = line["scores"].get(result.metric)
    if score is None:
        score = f1_of(line, min_score=MIN_SCORE)
        return None if score is None else 100.0 - score
    if not result.higher_is_better:
        return float(score)
    # A score without an upper end has no perfect row.
    bounded = result.unit == "%" or result.metric in CORRECT_PER_ROW
    return 100.0 - float(score) if bounded else 1.0 / (1.0 + max(0.0, float(score)))
