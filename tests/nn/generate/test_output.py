import torch

from motet.nn.generate.output import gather_answers, ranked
from motet.nn.generate.step import SpecialIds

NEVER = float("-inf")


def test_finished_answers_come_first_then_better_ones_and_empty_slots_last():
    tokens = torch.tensor([[[5, 6], [7, 1], [8, 1], [9, 9]]])
    log_probs = torch.tensor([[-0.1, -3.0, -2.0, NEVER]])
    finished = torch.tensor([[False, True, True, False]])
    found = ranked(tokens, log_probs, log_probs / 2, finished, SpecialIds())
    assert found.tokens.tolist() == [[[8, 1], [7, 1], [5, 6], [0, 0]]]
    assert found.scores.tolist() == [[-1.0, -1.5, -0.05000000074505806, NEVER]]
    assert found.finished.tolist() == [[True, True, False, False]]


def test_equal_scores_keep_their_order():
    tokens = torch.tensor([[[5], [6], [7]]])
    same = torch.full((1, 3), -1.0)
    found = ranked(tokens, same, same, torch.ones(1, 3, dtype=torch.bool), SpecialIds())
    assert found.tokens.flatten().tolist() == [5, 6, 7]


def test_the_best_answer_is_without_end_and_padding():
    tokens = torch.tensor([[[5, 2, 3], [6, 6, 6]]])
    scores = torch.tensor([[-1.0, -2.0]])
    found = ranked(tokens, scores, scores, torch.ones(1, 2, dtype=torch.bool), SpecialIds(pad=3, eos=2))
    assert found.best() == [[5]]


def test_answers_are_gathered_within_their_item():
    tokens = torch.arange(8).view(2, 2, 2)
    assert gather_answers(tokens, torch.tensor([[1], [0]])).tolist() == [[[2, 3]], [[4, 5]]]
