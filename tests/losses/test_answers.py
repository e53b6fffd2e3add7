import math

import pytest
import torch

from motet.core import Answer, Boxes, ConfigError, Label, Masked, Match, Region, Score, Text
from motet.losses import (
    absolute_error,
    candidate_cross_entropy,
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


def test_soft_cross_entropy_does_not_depend_on_the_scale_of_targets() -> None:
    scores, targets = torch.randn(3, 5), torch.rand(3, 5)
    one, other = soft_cross_entropy(scores, targets), soft_cross_entropy(scores, 7 * targets)
    torch.testing.assert_close(one.total, other.total)
    assert float(one.weight) == 3


def test_several_matches_add_their_probabilities() -> None:
    scores, is_match = torch.randn(1, 4), torch.tensor([[True, False, True, False]])
    wanted = -scores.softmax(-1)[is_match].sum().log()
    torch.testing.assert_close(candidate_cross_entropy(scores, is_match).total, wanted)


def test_padding_of_candidates_has_no_probability_and_a_row_without_a_match_counts() -> None:
    scores = torch.tensor([[1.0, 2.0, -torch.inf], [0.0, 3.0, 1.0]])
    loss = candidate_cross_entropy(scores, torch.tensor([[True, False, False], [False] * 3]))
    assert float(loss.total) == pytest.approx(math.log(1 + math.exp(1.0)))
    assert float(loss.weight) == 2
