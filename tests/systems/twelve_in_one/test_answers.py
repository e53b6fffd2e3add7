"""Losses and predictions by kind of answer, on states that need no model."""

import numpy as np
import pytest
import torch

from motet.core import Label, Target, Task
from motet.metrics import Accuracy
from motet.systems.twelve_in_one.answers import (
    EncodedPairs,
    FusedClassAnswers,
    MatchAnswers,
    PointingAnswers,
    ReferringAnswers,
    binary_label_loss,
    regions_loss,
)
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.regions import PaddedRegions

SAME = torch.nn.Identity()
BOXES = torch.tensor([[[0.0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0, 0, 0.1, 0.1]]])


def encoded(fused: torch.Tensor, image: torch.Tensor | None = None) -> EncodedPairs:
    """Pairs with given joint states and given region states; the third region is padding."""
    valid = torch.tensor([[True, True, False]])
    regions = PaddedRegions(torch.zeros(1, 3, 1), BOXES, valid, torch.tensor([[100.0, 200.0]]), valid)
    image = torch.zeros(1, 4, 1) if image is None else image
    return EncodedPairs(PairStates(image, image, fused, fused), fused, regions)


def test_padding_regions_have_no_loss() -> None:
    scores, targets, valid = torch.randn(2, 3), torch.rand(2, 3), torch.tensor([[True, True, False], [False] * 3])
    loss = regions_loss(scores, targets, valid)
    other = regions_loss(torch.where(valid, scores, 50.0), targets, valid)
    assert float(loss.total) == float(other.total)
    assert float(loss.weight) == 2


def test_the_binary_loss_of_a_label_is_a_mean_over_names() -> None:
    assert float(binary_label_loss(torch.zeros(2, 5), torch.tensor([0, 3])).total) == pytest.approx(2 * np.log(2))


def test_two_images_of_a_row_are_concatenated() -> None:
    task = Task(name="t", inputs=frozenset({"image"}), label="x", target=Label(tuple("abcd")), metrics=(Accuracy,))
    fused = torch.tensor([[0.0, 1.0], [9.0, 2.0]])
    (one,) = FusedClassAnswers(task, SAME, binary=False).predict(encoded(fused), Target(torch.tensor([0]), {}))
    assert (one.index, one.name, len(one.scores)) == (2, "c", 4)


def test_the_best_candidate_has_its_name_and_padding_has_no_score() -> None:
    value = {"valid": torch.tensor([[True, True, False]]), "names": (("x", "y"),)}
    fused = torch.tensor([[0.5], [0.7], [9.0]])
    (one,) = MatchAnswers(SAME).predict(encoded(fused), Target(torch.tensor([0]), value))
    assert (one.name, one.scores) == ("y", pytest.approx((0.5, 0.7)))


def test_a_referring_expression_is_a_box_in_pixels_or_the_whole_image() -> None:
    answers, target = ReferringAnswers(SAME, SAME, 0.5, 0.0), Target(torch.tensor([0]), {})
    for scores, box in (((0, 1, 2, 9), [100, 50, 200, 100]), ((3, 1, 2, 9), [0, 0, 200, 100])):
        image = torch.tensor(scores, dtype=torch.float32).view(1, 4, 1)
        (one,) = answers.predict(encoded(torch.zeros(1, 1), image), target)
        assert one.boxes_xyxy.tolist() == [box]


@pytest.mark.parametrize(("threshold", "is_referred", "best"), [(0.2, True, 0.25), (0.5, True, 0.0), (0.2, False, 0.0)])
def test_targets_are_ious_above_the_threshold(threshold: float, is_referred: bool, best: float) -> None:
    """Of the target box a quarter is region 0; with a weight of 1 the loss shows each region's target."""
    value = {"box": torch.tensor([[0.0, 0, 100, 200]]), "is_referred": torch.tensor([is_referred])}
    image = torch.tensor([-30.0, -30, -30, -30]).view(1, 4, 1)
    # The box is taller than the image: the whole image overlaps it by 1/3, region 0 by 1/4.
    loss, _ = ReferringAnswers(SAME, SAME, threshold, 0.0).losses(
        encoded(torch.zeros(1, 1), image), Target(torch.tensor([0]), value)
    )
    whole = 1 / 3 if is_referred and threshold <= 1 / 3 else 0.0
    assert float(loss.total) == pytest.approx(30 * (best + whole), abs=1e-3)


def test_pointing_scores_the_extra_boxes_only() -> None:
    image = torch.tensor([50.0, 50, 1, 2]).view(1, 4, 1)
    value = {"valid": torch.tensor([[True, True]])}
    (one,) = PointingAnswers(SAME, SAME).predict(encoded(torch.zeros(1, 1), image), Target(torch.tensor([0]), value))
    assert one.index == 1
    assert all(score < 0 for score in one.scores)
