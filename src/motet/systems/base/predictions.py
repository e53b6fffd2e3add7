"""Predictions that all systems make in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from motet.core import ClassPrediction, Prediction


def class_predictions(scores: Float[Tensor, "r k"], names: Sequence[str]) -> list[Prediction]:
    """Returns per row the name with the highest score, with the scores of all names.

    Examples:
        >>> import torch
        >>> (dog,) = class_predictions(torch.tensor([[0.5, 2.0]]), ("cat", "dog"))
        >>> dog, dog.scores
        (ClassPrediction(index=1, name='dog'), (0.5, 2.0))
    """
    best = scores.argmax(-1).tolist()
    return [ClassPrediction(index, names[index], tuple(row)) for index, row in zip(best, scores.tolist(), strict=True)]
