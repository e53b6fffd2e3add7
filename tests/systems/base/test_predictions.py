"""Scores of names as predictions."""

import torch

from motet.systems.base import class_predictions


def test_the_name_with_the_highest_score_is_predicted() -> None:
    first, second = class_predictions(torch.tensor([[-1.0, -0.5], [-0.25, -2.0]]), ("a", "b"))
    assert (first.index, first.name, first.scores) == (1, "b", (-1.0, -0.5))
    assert (second.index, second.name, second.scores) == (0, "a", (-0.25, -2.0))
