"""Masked words: predictions and the states that they come from."""

import pytest
import torch
from torch.nn import functional as F

from motet.core import TextPrediction


def test_masked_words_are_predicted(make, rows, batch) -> None:
    system = make("masked").eval()
    (prediction,) = system.predict(batch(system, [rows(0)]))["masked"]
    assert isinstance(prediction, TextPrediction)
    assert prediction.log_prob < 0
    assert prediction.words.count >= 1


def test_the_loss_is_the_mean_cross_entropy_of_masked_words(make, rows, batch) -> None:
    system = make("masked").eval()
    task, found = system.tasks["masked"], batch(system, [rows(0), rows(1)])
    target = found.targets["masked"]
    states, _, masked = system.masked_words.states(task, found, target)
    assert len(states) == int(masked.sum()) > 0
    scores = system.masked_words.vocabulary.scores(task, states)
    loss, _ = system.masked_words.loss(task, found, target)
    expected = F.cross_entropy(scores, target.value["masked_ids"][masked] - 1)
    assert torch.allclose(loss.total / loss.weight, expected, atol=1e-5)
    words = [prediction.words for prediction in system.masked_words.predict(task, found, target)]
    assert sum(one.count for one in words) == len(states)
    assert -sum(one.log_prob for one in words) == pytest.approx(float(loss.total.detach()), rel=1e-4)
