"""Ranges and shapes of the heads."""

import torch

from motet.systems.unit.heads import AttributeHead, BoxMlp, DetectionHead


def test_boxes_are_relative_to_the_image() -> None:
    boxes = BoxMlp(8)(10 * torch.randn(5, 3, 8))
    assert boxes.shape == (5, 3, 4)
    assert bool(((boxes >= 0) & (boxes <= 1)).all())


def test_attribute_scores_depend_on_the_class_and_relu_after_leaves_none_below_zero() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 8)
    between, after = (AttributeHead(8, 4, 6, relu=relu) for relu in ("between", "after"))
    assert not torch.equal(between(x, torch.tensor([0])), between(x, torch.tensor([1])))
    assert float(between(x, torch.tensor([0])).detach().min()) < 0
    assert float(after(x, torch.tensor([0])).detach().min()) >= 0


def test_a_detection_head_scores_background_too_and_has_attributes_only_if_there_are_any() -> None:
    assert DetectionHead(8, 3).attributes is None
    head = DetectionHead(8, 3, 5)
    assert head.classes(torch.randn(2, 8)).shape == (2, 4)
    assert head.attributes is not None
    assert head.attributes(torch.randn(2, 8), torch.tensor([3, 0])).shape == (2, 5)
