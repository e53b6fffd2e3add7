"""Answers that a beam search extends, keeps and returns."""

import torch

from motet.nn.generate.hypotheses import NEVER, Hypotheses
from motet.nn.generate.step import SpecialIds

IDS = SpecialIds()
EOS = IDS.eos


def two_answers() -> Hypotheses:
    """Returns one item's answers, [5] and the ended [6, end], of at most three tokens."""
    return Hypotheses(
        scores=torch.tensor([[-1.0, -2.0]]),
        log_probs=torch.tensor([[-1.5, -2.5]]),
        tokens=torch.tensor([[[5, 0, 0], [6, EOS, 0]]]),
        ended=torch.tensor([[False, True]]),
    )


def test_empty_slots_have_no_score_and_share_no_memory() -> None:
    empty = Hypotheses.empty(2, 3, 4, SpecialIds(pad=7), torch.device("cpu"))
    assert empty.tokens.shape == (2, 3, 4)
    assert (empty.tokens == 7).all()
    empty.log_probs.zero_()
    assert (empty.scores == NEVER).all()
    assert not empty.ended.any()


def test_answers_continue_their_parents_and_an_end_is_for_good() -> None:
    scores = torch.tensor([[-1.0, -2.0, -3.0, NEVER]])
    parents, tokens = torch.tensor([[1, 0, 0, 0]]), torch.tensor([[0, EOS, 8, EOS]])
    found = two_answers().extend(2, parents, tokens, scores, scores - 1, IDS)
    assert found.tokens.tolist() == [[[6, EOS, 0], [5, 0, EOS], [5, 0, 8], [5, 0, EOS]]]
    assert found.ended.tolist() == [[True, True, False, False]], "an empty slot has not ended"
    assert torch.equal(found.log_probs, scores - 1)


def test_extended_answers_leave_the_old_ones_as_they_were() -> None:
    old = two_answers()
    old.extend(2, torch.tensor([[0, 1]]), torch.tensor([[8, 9]]), old.scores, old.log_probs, IDS)
    assert torch.equal(old.tokens, two_answers().tokens)


def test_the_best_of_two_sets_keep_their_own_values() -> None:
    scores = torch.tensor([[-1.5, -0.5]])
    others = Hypotheses(scores, 2 * scores, torch.full((1, 2, 3), 9), torch.zeros(1, 2, dtype=torch.bool))
    best = two_answers().best(3, others)
    assert best.scores.tolist() == [[-0.5, -1.0, -1.5]]
    assert best.log_probs.tolist() == [[-1.0, -1.5, -3.0]]
    assert best.tokens[0, :, 0].tolist() == [9, 5, 9]
    assert two_answers().best(4, others).ended.tolist() == [[False, False, False, True]]


def test_items_are_selected_and_put_back() -> None:
    whole = Hypotheses.empty(3, 2, 3, IDS, torch.device("cpu"))
    whole.put(torch.tensor([2]), two_answers())
    assert whole.ended.tolist() == [[False, False], [False, False], [False, True]]
    for items in (torch.tensor([2]), torch.tensor([False, False, True])):
        found = whole.select(items)
        for name in ("scores", "log_probs", "tokens", "ended"):
            assert torch.equal(getattr(found, name), getattr(two_answers(), name)), name
