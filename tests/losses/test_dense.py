"""Losses of maps: what counts, how much, and that parts add up to the whole."""

import math

import pytest
import torch

from motet.core import ConfigError, Dense
from motet.core.codec import from_json, to_json
from motet.losses import (
    BerHu,
    WeightedCrossEntropy,
    balanced_l1,
    berhu,
    default_for,
    dense_cross_entropy,
    dense_l1,
    rotate_loss,
)
from motet.training.saved_names import saved_names

NAN = float("nan")
SURFACES = [dense_l1, rotate_loss, berhu, BerHu(0.5)]


def maps(channels: int = 1, rows: int = 4):
    rng = torch.Generator().manual_seed(0)
    scores = torch.randn(rows, channels, 6, 7, generator=rng, requires_grad=True)
    valid = torch.rand(rows, 6, 7, generator=rng) < 0.7
    annotation = torch.rand(rows, channels, 6, 7, generator=rng)
    return scores, {"map": torch.where(valid[:, None], annotation, NAN), "valid": valid}


def part(value, rows):
    return {name: tensor[rows] for name, tensor in value.items()}


@pytest.mark.parametrize(
    ("unit", "channels", "loss"),
    [("class", 3, dense_cross_entropy), ("metre", 1, rotate_loss), ("unit vector", 3, dense_l1),
     ("probability", 1, dense_l1)],
)  # fmt: skip
def test_each_unit_has_the_papers_loss(unit, channels, loss) -> None:
    assert default_for(Dense(channels, unit)) is loss


@pytest.mark.parametrize("loss", [*SURFACES, balanced_l1])
def test_a_batch_costs_what_its_halves_cost(loss) -> None:
    scores, value = maps()
    whole = loss(scores, value)
    halves = [loss(scores[rows], part(value, rows)) for rows in (slice(0, 1), slice(1, 4))]
    torch.testing.assert_close(whole.total, halves[0].total + halves[1].total)
    torch.testing.assert_close(whole.weight, halves[0].weight + halves[1].weight)


@pytest.mark.parametrize("loss", [*SURFACES, balanced_l1])
def test_the_value_at_pixels_without_an_annotation_is_never_read(loss) -> None:
    scores, value = maps()
    loss(scores, value).total.backward()
    gradient = scores.grad.clone()
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
    other = {"map": value["map"].nan_to_num(7.0), "valid": value["valid"]}
    torch.testing.assert_close(loss(scores, other).total, loss(scores, value).total)


@pytest.mark.parametrize("loss", [*SURFACES, balanced_l1, dense_cross_entropy])
def test_maps_without_any_annotation_weigh_and_cost_nothing(loss) -> None:
    scores, value = maps()
    annotation = torch.full((4, 6, 7), -1) if loss is dense_cross_entropy else torch.full_like(value["map"], NAN)
    empty = loss(scores, {"map": annotation, "valid": torch.zeros_like(value["valid"])})
    empty.total.backward()
    assert (float(empty.total.detach()), float(empty.weight)) == (0.0, 0.0)
    assert not scores.grad.any()


def test_weights_are_pixels_and_images() -> None:
    scores, value = maps(channels=3)
    assert dense_l1(scores, value).weight == value["valid"].sum()
    assert dense_l1(scores, value, over="all").weight == value["valid"].numel()
    assert rotate_loss(scores, value).weight == 4
    value["valid"][1] = False
    assert rotate_loss(scores, value).weight == 3
    expected = (scores - value["map"].nan_to_num()).abs().mean(1)[value["valid"]].sum()
    torch.testing.assert_close(dense_l1(scores, value).total, expected)


def test_classes_beside_the_valid_ones_do_not_count() -> None:
    scores = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([[[0, 2], [-1, 1]], [[1, 1], [0, -1]]])
    loss = dense_cross_entropy(scores, {"map": classes, "valid": classes >= 0})
    logs = scores.log_softmax(1)
    expected = -sum(
        logs[r, classes[r, y, x], y, x] for r in range(2) for y in range(2) for x in range(2) if classes[r, y, x] >= 0
    )
    torch.testing.assert_close(loss.total, expected)
    assert loss.weight == 6


@pytest.mark.parametrize(("y", "x"), [(0, 0), (1, -1), (-1, 1), (1, 1), (0, -1)])
def test_a_map_that_is_off_by_one_pixel_costs_nothing_under_rotation(y: int, x: int) -> None:
    annotation = torch.rand(2, 1, 8, 9, generator=torch.Generator().manual_seed(1))
    value = {"map": annotation, "valid": torch.ones(2, 8, 9, dtype=torch.bool)}
    assert float(rotate_loss(annotation.roll((y, x), dims=(2, 3)), value).total) == 0.0
    assert float(rotate_loss(annotation.roll(3, dims=3), value).total) > 0.1


def test_the_mean_over_pixels_with_an_annotation_is_in_metres() -> None:
    value = {"map": torch.full((1, 1, 6, 6), 3.0), "valid": torch.ones(1, 6, 6, dtype=torch.bool)}
    value["valid"][:, :3] = False
    predicted = torch.full((1, 1, 6, 6), 5.0)
    assert float(rotate_loss(predicted, value, over="valid").total) == pytest.approx(2.0)
    assert float(rotate_loss(predicted, value).total) == pytest.approx(1.0)  # half of the inside counts as right


def test_berhu_is_linear_below_its_bend_and_square_above() -> None:
    value = {"map": torch.zeros(1, 1, 1, 3), "valid": torch.ones(1, 1, 3, dtype=torch.bool)}
    loss = berhu(torch.tensor([[[[1.0, 2.0, 10.0]]]]), value, threshold=0.2)
    assert float(loss.total) == pytest.approx(1.0 + 2.0 + (100.0 + 4.0) / 4.0)


def test_edges_count_as_much_as_the_rest_when_balanced() -> None:
    annotation = torch.zeros(1, 1, 2, 5)
    annotation[..., 0, 0] = 1.0
    value = {"map": annotation, "valid": torch.ones(1, 2, 5, dtype=torch.bool)}
    nothing, everything = balanced_l1(torch.zeros(1, 1, 2, 5), value), balanced_l1(torch.ones(1, 1, 2, 5), value)
    assert float(nothing.total) == pytest.approx(5.0)
    assert float(everything.total) == pytest.approx(5.0)
    assert float(nothing.weight) == 10.0
    plain = {"map": torch.zeros(1, 1, 2, 5), "valid": value["valid"]}
    predicted = torch.full((1, 1, 2, 5), 0.25)
    assert float(balanced_l1(predicted, plain).total) == pytest.approx(float(dense_l1(predicted, plain).total))


def test_options_of_berhu_are_a_value_that_can_be_saved() -> None:
    assert from_json(to_json(BerHu(0.5, "batch", "all")), saved_names()) == BerHu(0.5, "batch", "all")
    scores, value = maps()
    torch.testing.assert_close(BerHu(0.5)(scores, value).total, berhu(scores, value, threshold=0.5).total)
    with pytest.raises(ConfigError, match=r"BerHu\.threshold: got 0; want a share above 0"):
        BerHu(0)


def test_a_map_without_an_inside_cannot_be_rotated() -> None:
    value = {"map": torch.zeros(1, 1, 2, 9), "valid": torch.ones(1, 2, 9, dtype=torch.bool)}
    with pytest.raises(ConfigError, match="got maps of 2 x 9 pixels; want 3 or more per side"):
        rotate_loss(torch.zeros(1, 1, 2, 9), value)


def test_weighted_cross_entropy_is_smallest_at_a_graded_chance() -> None:
    """A pixel that is an edge in one of ten images: its best prediction is between 0 and 1, and orders pixels."""
    edge = torch.zeros(10, 1, 1, 2)
    edge[:1, :, :, 0] = 1.0
    edge[:, :, :, 1] = torch.arange(10).view(10, 1, 1) < 5
    value = {"map": edge.reshape(1, 1, 10, 2), "valid": torch.ones(1, 10, 2, dtype=torch.bool)}
    chances = torch.linspace(0.01, 0.99, 99)

    def best(loss, column: int) -> float:
        totals = []
        for chance in chances:
            scores = torch.full((1, 1, 10, 2), 0.5)
            scores[..., column] = chance
            totals.append(float(loss(scores, value).total))
        return float(chances[int(torch.tensor(totals).argmin())])

    few, many = (best(WeightedCrossEntropy(), column) for column in (0, 1))
    assert 0.1 < few < many < 0.9
    assert best(dense_l1, 0) == pytest.approx(0.01)
    assert best(balanced_l1, 0) in (pytest.approx(0.01), pytest.approx(0.99))


def test_weighted_cross_entropy_by_hand_and_without_edges() -> None:
    scores = torch.tensor([[[[0.8, 0.1, 0.4]]]])
    value = {"map": torch.tensor([[[[1.0, 0.0, 0.0]]]]), "valid": torch.ones(1, 1, 3, dtype=torch.bool)}
    on, off = -math.log(0.8), -(math.log(0.9) + math.log(0.6)) / 2
    assert float(WeightedCrossEntropy(0.9)(scores, value).total) == pytest.approx(3 * (0.9 * on + 0.1 * off), rel=1e-5)
    value["map"] = torch.zeros(1, 1, 1, 3)
    none = -(math.log(0.2) + math.log(0.9) + math.log(0.6)) / 3
    assert float(WeightedCrossEntropy(0.9)(scores, value).total) == pytest.approx(3 * none, rel=1e-5)
    with pytest.raises(ConfigError, match="want between 0 and 1"):
        WeightedCrossEntropy(1.0)
