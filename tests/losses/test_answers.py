import pytest
import torch
from torch.nn import functional

from motet.core import Answer, Boxes, ConfigError, Label, Masked, Match, Region, Score, Text
from motet.losses import (
    absolute_error,
    candidates_loss,
    cross_entropy,
    default_for,
    soft_answer_targets,
    soft_answers,
    soft_cross_entropy,
)


def test_each_kind_of_answer_has_its_own_default() -> None:
    assert default_for(Label(("a", "b"))) is cross_entropy
    assert default_for(Answer(("a", "b"))) is soft_answers
    assert default_for(Score(0, 1)) is absolute_error


@pytest.mark.parametrize("spec", [Text(3), Match("texts"), Masked("words")])
def test_a_loss_in_a_systems_own_space_is_not_ours(spec) -> None:
    with pytest.raises(ConfigError, match="own output space"):
        default_for(spec)


@pytest.mark.parametrize("spec", [Boxes(("a",)), Region()])
def test_without_a_standard_loss_the_task_must_have_one(spec) -> None:
    with pytest.raises(ConfigError, match=r"want one in Task\.loss"):
        default_for(spec)


def test_losses_are_sums_with_the_rows_as_weight() -> None:
    scores, index = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 1, 1, 0])
    whole, first, rest = (
        cross_entropy(scores, index),
        cross_entropy(scores[:2], index[:2]),
        cross_entropy(scores[2:], index[2:]),
    )
    torch.testing.assert_close(whole.total, first.total + rest.total)
    assert whole.weight == first.weight + rest.weight == 5
    expected = -scores.log_softmax(1)[torch.arange(5), index].sum()
    torch.testing.assert_close(whole.total, expected)


def test_soft_answers_are_binary_cross_entropies_added_over_the_list() -> None:
    scores = torch.tensor([[0.5, -1.0]])
    targets = torch.tensor([[0.6, 0.0]])
    p = scores.sigmoid()
    expected = -(targets * p.log() + (1 - targets) * (1 - p).log()).sum()
    torch.testing.assert_close(soft_answers(scores, targets).total, expected)


@pytest.fixture
def scores() -> torch.Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) * 3


def test_soft_targets_are_scaled_and_hard_ones_are_cross_entropy(scores) -> None:
    index = torch.tensor([1, 0, 4, 4])
    hard = functional.one_hot(index, 6).float()
    for factor in (0.3, 1.0, 7.0):
        loss = soft_cross_entropy(scores, hard * factor)
        torch.testing.assert_close(loss.total, cross_entropy(scores, index).total)
    mixed = soft_cross_entropy(scores[:1], torch.tensor([[0.9, 0.0, 0.3, 0.0, 0.0, 0.0]]))
    log_probs = scores[0].log_softmax(-1)
    torch.testing.assert_close(mixed.total, -(0.75 * log_probs[0] + 0.25 * log_probs[2]))


def test_a_row_without_a_target_adds_zero_but_counts(scores) -> None:
    index, kept = torch.tensor([1, 0, 4, 4]), [0, 1, 3]
    targets = functional.one_hot(index, 6).float()
    targets[2] = 0
    expected = cross_entropy(scores[kept], index[kept]).total
    for loss in (soft_cross_entropy(scores, targets), candidates_loss(scores, targets.bool())):
        torch.testing.assert_close(loss.total, expected)
        assert float(loss.weight) == 4


def test_several_matches_add_their_probabilities(scores) -> None:
    matches = torch.zeros(4, 6, dtype=torch.bool)
    matches[:, 1:3] = True
    expected = -scores.softmax(-1)[:, 1:3].sum(-1).log().sum()
    torch.testing.assert_close(candidates_loss(scores, matches).total, expected)


def test_padding_at_minus_infinity_leaves_a_finite_gradient(scores) -> None:
    scores = scores.masked_fill(torch.arange(6) > 3, -torch.inf).requires_grad_()
    matches = functional.one_hot(torch.tensor([1, 0, 3, 3]), 6).bool()
    candidates_loss(scores, matches).total.backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
    assert not scores.grad[:, 4:].any()


def test_the_only_answer_of_a_row_counts_fully() -> None:
    assert soft_answer_targets(["red"], ["red", "blue"]).tolist() == [1.0, 0.0]
    assert soft_answer_targets(["red"] * 10, ["red", "blue"]).tolist() == [1.0, 0.0]


def test_every_loss_has_a_gradient() -> None:
    for loss, scores, annotation in (
        (cross_entropy, torch.zeros(2, 3, requires_grad=True), torch.tensor([0, 1])),
        (soft_answers, torch.zeros(2, 3, requires_grad=True), torch.rand(2, 3)),
        (absolute_error, torch.zeros(2, requires_grad=True), torch.ones(2)),
    ):
        loss(scores, annotation).total.backward()
        assert scores.grad is not None
        assert scores.grad.abs().sum() > 0
