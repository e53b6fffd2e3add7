"""Losses and predictions from scores, against PyTorch's own."""

import pytest
import torch
from torch.nn import functional as F

from motet.core import Answer, Label
from motet.systems.uni_perceiver import answers


class Task:
    target = Label(("cat", "dog", "cow"))


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


def test_soft_targets_are_scaled_and_hard_ones_are_cross_entropy(scores) -> None:
    hard = F.one_hot(torch.tensor([1, 0, 4, 4]), 6).float()
    expected = F.cross_entropy(scores, hard.argmax(-1), reduction="sum")
    for factor in (0.3, 1.0):
        assert float(answers.soft_target_loss(scores, hard * factor).total) == pytest.approx(float(expected), rel=1e-5)


def test_a_row_without_a_correct_candidate_adds_nothing_but_counts(scores) -> None:
    correct = F.one_hot(torch.tensor([1, 0, 4, 4]), 6).bool()
    correct[2] = False
    loss = answers.candidate_loss(scores, correct)
    expected = F.cross_entropy(scores[[0, 1, 3]], torch.tensor([1, 0, 4]), reduction="sum")
    assert (float(loss.total), float(loss.weight)) == (pytest.approx(float(expected)), 4.0)


def test_several_correct_candidates_share_their_probability(scores) -> None:
    correct = torch.zeros(4, 6, dtype=torch.bool)
    correct[:, 1:3] = True
    expected = -scores.softmax(-1)[:, 1:3].sum(-1).log().sum()
    assert float(answers.candidate_loss(scores, correct).total) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("target", [Label(("cat", "dog", "cow")), Answer(("cat", "dog", "cow"))])
def test_classes_are_the_most_likely_names(target) -> None:
    task = Task()
    task.target = target
    (found,) = answers.class_predictions(task, torch.tensor([[0.0, 2.0, 1.0]]))
    assert (found.index, found.name) == (1, "dog")
    assert sum(torch.tensor(found.scores).exp().tolist()) == pytest.approx(1)


def test_padding_is_never_the_best_candidate() -> None:
    scores, real = torch.tensor([[1.0, 0.0, 9.0]]), torch.tensor([[True, True, False]])
    (found,) = answers.candidate_predictions(scores, real, [("a", "b")])
    assert (found.index, found.name, found.scores) == (0, "a", (1.0, 0.0))


def test_masked_words_are_filled_in_row_by_row() -> None:
    ids = torch.tensor([[7, 9, 1], [9, 9, 1]])
    masked = torch.tensor([[False, True, False], [True, True, False]])
    scores = torch.full((3, 12), -4.0)
    for word, best in enumerate((3, 5, 6)):
        scores[word, best] = 4.0
    found = answers.masked_text_predictions(ids, masked, scores, str)
    assert [prediction.text for prediction in found] == ["[7, 4, 1]", "[6, 7, 1]"]
    assert found[1].log_prob == pytest.approx(2 * found[0].log_prob, rel=1e-5)
