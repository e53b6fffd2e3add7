"""Predictions from scores."""

import pytest
import torch

from motet.core import ClassPrediction
from motet.systems.base import candidate_predictions, class_predictions


def test_the_name_with_the_highest_score_is_predicted() -> None:
    found = class_predictions(torch.tensor([[0.0, 2.0, 1.0], [5.0, 4.0, 3.0]]), ("cat", "dog", "cow"))
    assert found == [ClassPrediction(1, "dog", (0.0, 2.0, 1.0)), ClassPrediction(0, "cat", (5.0, 4.0, 3.0))]


@pytest.mark.parametrize("hidden", [9.0, -torch.inf])
def test_padding_is_never_the_best_candidate_and_has_no_score(hidden) -> None:
    scores = torch.tensor([[1.0, 0.0, hidden], [1.0, 2.0, 3.0]])
    real = torch.tensor([[True, True, False], [True, True, True]])
    found = candidate_predictions(scores, real, [("a", "b"), ("c", "d", "e")])
    assert found == [ClassPrediction(0, "a", (1.0, 0.0)), ClassPrediction(2, "e", (1.0, 2.0, 3.0))]
    assert [each.name for each in candidate_predictions(scores, real)] == ["", ""]
