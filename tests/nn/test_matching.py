"""Boxes against boxes: equal to torchvision's formula, and the cheapest one-to-one choice."""

from itertools import permutations

import pytest
import torch
from torchvision.ops import generalized_box_iou

from motet.core import ConfigError
from motet.nn.matching import MatchCosts, corners, generalised_iou, match


def boxes(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, 4, generator=torch.Generator().manual_seed(sum(shape))) * 0.4 + 0.1


def test_generalised_iou_is_torchvisions() -> None:
    one, other = corners(boxes(5)), corners(boxes(7))
    got = generalised_iou(one[:, None], other[None])
    assert torch.allclose(got, generalized_box_iou(one, other), atol=1e-6)


def test_boxes_without_area_give_a_number() -> None:
    point = torch.tensor([0.5, 0.5, 0.5, 0.5], requires_grad=True)
    value = generalised_iou(point, point)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(point.grad).all()


def test_the_choice_is_the_cheapest_of_all() -> None:
    logits, predicted, annotation = torch.randn(1, 1, 4, 3), boxes(1, 1, 4), boxes(1, 3)
    labels = torch.tensor([[0, 1, 0]])
    found = match(logits, predicted, labels, annotation, torch.ones(1, 3, dtype=torch.bool))[0, 0]

    def cost(queries) -> float:
        total = 0.0
        for box, query in enumerate(queries):
            total -= float(logits[0, 0, query].softmax(-1)[labels[0, box]])
            total += 5 * float((predicted[0, 0, query] - annotation[0, box]).abs().sum())
            total -= 2 * float(generalised_iou(corners(predicted[0, 0, query]), corners(annotation[0, box])))
        return total

    best = min(permutations(range(4), 3), key=cost)
    assert [int((found == box).nonzero()) for box in range(3)] == list(best)
    assert int((found == -1).sum()) == 1


def test_what_fills_up_is_never_chosen_wherever_it_stands() -> None:
    predicted = boxes(2, 2, 5)
    valid = torch.tensor([[False, True, False], [False, False, False]])
    found = match(torch.zeros(2, 2, 5, 3), predicted, torch.zeros(2, 3, dtype=torch.long), boxes(2, 3), valid)
    assert (found[:, 0] == 1).sum(1).tolist() == [1, 1]
    assert (found[:, 0] == -1).sum(1).tolist() == [4, 4]
    assert (found[:, 1] == -1).all()


def test_numbers_that_are_none_are_matched_somehow() -> None:
    logits = torch.full((1, 1, 3, 2), float("nan"))
    found = match(logits, boxes(1, 1, 3), torch.zeros(1, 2, dtype=torch.long), boxes(1, 2), torch.ones(1, 2).bool())
    assert sorted(found[0, 0].tolist()) == [-1, 0, 1]


def test_costs_below_zero_are_refused() -> None:
    with pytest.raises(ConfigError, match="want weights of at least 0"):
        MatchCosts(l1=-1)
