import pytest
import torch

from motet.nn.regions import contrast, pool_regions, pooling_weights, select_disjoint, surroundings

GRID = (4, 6)


@pytest.fixture
def tokens():
    return torch.randn(2, 24, 5, generator=torch.Generator().manual_seed(0))


def test_the_whole_image_gives_the_mean_of_a_smooth_map() -> None:
    ramp = torch.arange(6.0).expand(4, 6).reshape(1, 24, 1)
    found = pool_regions(ramp, torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]), GRID, bins=2, samples=6)
    assert float(found) == pytest.approx(2.5, abs=0.05)


def test_a_box_reads_only_its_part_of_the_map() -> None:
    half = torch.zeros(4, 6)
    half[:, :3] = 1.0
    boxes = torch.tensor([[[0.0, 0.0, 1 / 3, 1.0], [2 / 3, 0.0, 1.0, 1.0]]])
    assert pool_regions(half.reshape(1, 24, 1), boxes, GRID).flatten().tolist() == [1.0, 0.0]


def test_no_box_has_no_feature(tokens) -> None:
    assert pool_regions(tokens, torch.zeros(2, 0, 4), GRID).shape == (2, 0, 5)


def test_weights_of_fixed_boxes_give_what_pooling_gives(tokens) -> None:
    boxes = torch.tensor([[0.1, 0.2, 0.7, 0.9], [0.0, 0.0, 0.3, 0.3]])
    pooled = pool_regions(tokens, boxes.expand(2, -1, -1), GRID)
    torch.testing.assert_close(pooling_weights(boxes, GRID) @ tokens, pooled, atol=1e-5, rtol=0)


def test_surroundings_are_clipped_to_the_image() -> None:
    found = surroundings(torch.tensor([[0.4, 0.4, 0.6, 0.6], [0.0, 0.5, 0.2, 1.0]]), 2.0)
    torch.testing.assert_close(found, torch.tensor([[0.3, 0.3, 0.7, 0.7], [0.0, 0.25, 0.3, 1.0]]))


def test_equal_features_have_no_contrast_and_opposite_ones_have_two() -> None:
    x = torch.tensor([[1.0, 2.0]])
    assert float(contrast(x, 3 * x)) == pytest.approx(0.0, abs=1e-6)
    assert float(contrast(x, -x)) == pytest.approx(2.0, abs=1e-6)


def test_of_overlapping_boxes_only_the_best_is_selected() -> None:
    overlapping = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    places, filled = select_disjoint(torch.tensor([[0.9, 0.5, 0.1], [0.2, 0.3, 0.8]]), overlapping, 2)
    assert places.tolist() == [[0, 2], [2, 1]]
    assert filled.all()
    _, filled = select_disjoint(torch.tensor([[0.9, 0.5, 0.1]]), overlapping, 3)
    assert filled.tolist() == [[True, True, False]]
