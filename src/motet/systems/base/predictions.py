"""Predictions from scores of names, and of a row's candidates."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool, Float
from torch import Tensor, inf

from motet.core import ClassPrediction, Prediction


def class_predictions(scores: Float[Tensor, "r k"], names: Sequence[str]) -> list[Prediction]:
    """Returns the name with the highest score of each row, with the scores of all names."""
    best = scores.argmax(-1).tolist()
    return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]


def candidate_predictions(
    scores: Float[Tensor, "r c"], real: Bool[Tensor, "r c"], names: Sequence[Sequence[str]] = ()
) -> list[Prediction]:
    """Returns the best candidate of each row, with the scores of all of its candidates.

    Args:
        scores: of candidates and padding.
        real: False on padding.
        names: of each row's candidates; none for candidates without names.
    """
    scores = scores.float().masked_fill(~real, -inf)
    found: list[Prediction] = []
    for row, best in enumerate(scores.argmax(-1).tolist()):
        found.append(ClassPrediction(best, names[row][best] if names else "", tuple(scores[row][real[row]].tolist())))
    return found
