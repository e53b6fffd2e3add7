"""The set loss: exact predictions cost nothing, the order of queries does not matter, counts are those of the boxes."""

import pytest
import torch

from motet.systems.unit import DetectionConfig
from motet.systems.unit.criterion import BoxTargets, detection_losses, loss_term_names

TARGETS = BoxTargets(
    torch.tensor([[[0.5, 0.5, 0.2, 0.2], [0.2, 0.2, 0.1, 0.3]], [[0.7, 0.3, 0.2, 0.2], [0.0, 0.0, 0.0, 0.0]]]),
    torch.tensor([[0, 1], [2, 0]]), torch.tensor([[[0, 1], [1, -1]], [[-1, -1], [-1, -1]]]),
    torch.tensor([[True, True], [True, False]]),
)  # fmt: skip


def exact(num_queries: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and boxes, two layers, whose first queries are the targets."""
    logits, boxes = torch.full((2, 2, num_queries, 4), -20.0), torch.rand(2, 2, num_queries, 4) * 0.1 + 0.05
    logits[..., 3] = 0.0
    for image in range(2):
        for box in range(int(TARGETS.valid[image].sum())):
            boxes[:, image, box] = TARGETS.boxes_cxcywh[image, box]
            logits[:, image, box] = -20.0
            logits[:, image, box, TARGETS.labels[image, box]] = 20.0
    return logits, boxes


def test_an_exact_prediction_costs_nothing() -> None:
    losses = detection_losses(*exact(), TARGETS, DetectionConfig())
    assert float(losses["box"].total) == pytest.approx(0, abs=1e-4)
    assert float(losses["class"].total) == pytest.approx(0, abs=1e-4)
    assert float(losses["box"].weight) == 3
    assert float(losses["class"].weight) == pytest.approx(3 + 0.1 * 5)


def test_the_order_of_queries_does_not_matter() -> None:
    logits, boxes = torch.randn(2, 2, 4, 4), torch.rand(2, 2, 4, 4) * 0.5 + 0.2
    order = torch.tensor([2, 0, 3, 1])
    one = detection_losses(logits, boxes, TARGETS, DetectionConfig())
    other = detection_losses(logits[:, :, order], boxes[:, :, order], TARGETS, DetectionConfig())
    for name, loss in one.items():
        torch.testing.assert_close(other[name].total, loss.total)


def test_the_last_layer_alone_is_that_layer() -> None:
    logits, boxes = torch.randn(2, 2, 4, 4), torch.rand(2, 2, 4, 4) * 0.5 + 0.2
    last = detection_losses(logits, boxes, TARGETS, DetectionConfig(every_layer=False))
    alone = detection_losses(logits[-1:], boxes[-1:], TARGETS, DetectionConfig())
    assert {n: float(x.total) for n, x in last.items()} == {n: float(x.total) for n, x in alone.items()}


def test_attributes_are_a_mean_per_box_over_boxes_that_have_any() -> None:
    scores = lambda labels: torch.zeros(*labels.shape, 2)  # noqa: E731
    losses = detection_losses(*exact(), TARGETS, DetectionConfig(), scores)
    # Two boxes with attributes, two layers: each adds half of log 2.
    assert float(losses["attribute"].total) == pytest.approx(4 * 0.5 * torch.tensor(2.0).log().item(), abs=1e-5)
    assert float(losses["attribute"].weight) == 2


@pytest.mark.parametrize("balanced", [False, True])
def test_names_of_terms_are_those_of_the_losses(balanced: bool) -> None:
    options = DetectionConfig(balanced=balanced)
    found = detection_losses(*exact(), TARGETS, options)
    assert set(found) == set(loss_term_names(options, attributes=False))
