"""Predictions that all systems make in the same way."""

import torch

from motet.systems.base import class_predictions


def test_a_class_is_the_name_with_the_highest_score_and_has_all_scores() -> None:
    found = class_predictions(torch.tensor([[0.0, 2.0, 1.0], [3.0, 3.0, -1.0]]), ("cat", "dog", "cow"))
    assert [(one.index, one.name, one.scores) for one in found] == [
        (1, "dog", (0.0, 2.0, 1.0)),
        (0, "cat", (3.0, 3.0, -1.0)),
    ]
    assert class_predictions(torch.zeros(0, 3), ("cat", "dog", "cow")) == []
