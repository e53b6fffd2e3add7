"""Smoothed labels, against PyTorch's own, and texts with masked words."""

import pytest
import torch
from torch.nn import functional as F

from motet.systems.uni_perceiver import answers


@pytest.fixture
def scores():
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothing_is_that_of_torch(scores, smoothing) -> None:
    index = torch.tensor([0, 5, 2, 2])
    loss = answers.smoothed_loss(scores, index, smoothing)
    expected = F.cross_entropy(scores, index, label_smoothing=smoothing, reduction="sum")
    assert (float(loss.total), float(loss.weight)) == (pytest.approx(float(expected)), 4.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_targets_that_are_not_compared_with_are_as_if_absent(scores, smoothing) -> None:
    allowed = torch.tensor([True, True, False, True, False, True]).expand(4, 6)
    loss = answers.smoothed_loss(scores, torch.tensor([0, 5, 3, 1]), smoothing, allowed)
    expected = answers.smoothed_loss(scores[:, [0, 1, 3, 5]], torch.tensor([0, 3, 2, 1]), smoothing)
    assert float(loss.total) == pytest.approx(float(expected.total), rel=1e-5)


def test_masked_words_are_filled_in_row_by_row() -> None:
    ids = torch.tensor([[7, 9, 1], [9, 9, 1]])
    masked = torch.tensor([[False, True, False], [True, True, False]])
    scores = torch.full((3, 12), -4.0)
    for word, best in enumerate((3, 5, 6)):
        scores[word, best] = 4.0
    found = answers.masked_text_predictions(ids, masked, scores, str, torch.tensor([4, 3, 7]))
    assert [prediction.text for prediction in found] == ["[7, 4, 1]", "[6, 7, 1]"]
    assert found[1].log_prob == pytest.approx(2 * found[0].log_prob, rel=1e-5)
    # The first row's word is right; of the second's two the last is, and the first is one of the unlikely ones.
    first, second = (prediction.words for prediction in found)
    assert (first.correct, first.count) == (1, 1)
    assert (second.correct, second.count) == (1, 2)
    assert first.log_prob == pytest.approx(found[0].log_prob, rel=1e-5)
    assert second.log_prob == pytest.approx(found[1].log_prob - 8.0, rel=1e-5)
