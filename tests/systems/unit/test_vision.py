"""Position encodings, padding masks, and the image layers with and without a task token."""

import math

import pytest
import torch

from motet.systems.unit.vision import ImageLayers, downsample_mask, sine_positions


def layers(**changes) -> ImageLayers:
    torch.manual_seed(0)
    return ImageLayers(6, 8, 12, 1, 2, 16, ["a", "b"], **changes).eval()


def test_positions_end_at_two_pi_whatever_the_size() -> None:
    valid = torch.zeros(1, 4, 6, dtype=torch.bool)
    valid[0, :3, :5] = True
    padded, alone = sine_positions(valid, 8).view(1, 4, 6, 8), sine_positions(valid[:, :3, :5], 8).view(1, 3, 5, 8)
    torch.testing.assert_close(padded[:, :3, :5], alone)
    # The first frequency of y is the angle itself: 2 pi in the last row.
    assert float(alone[0, -1, 0, 0]) == pytest.approx(math.sin(2 * math.pi), abs=1e-4)
    assert float(alone[0, 0, 0, 0]) == pytest.approx(math.sin(2 * math.pi / 3), abs=1e-4)


def test_a_mask_is_downsampled_to_the_map() -> None:
    valid = torch.zeros(1, 8, 8, dtype=torch.bool)
    valid[:, :4] = True
    assert downsample_mask(valid, (2, 2)).tolist() == [[[True, True], [False, False]]]


def test_tasks_differ_by_their_tokens_only() -> None:
    features, one = torch.randn(1, 4, 6), layers()
    memories = [one(features, (2, 2), None, name)[0] for name in ("a", "b")]
    assert not torch.allclose(*memories)
    one.tokens["b"].data = one.tokens["a"].data
    torch.testing.assert_close(one(features, (2, 2), None, "b")[0], memories[0])
    plain = layers(task_token=False)
    torch.testing.assert_close(*(plain(features, (2, 2), None, name)[0] for name in ("a", "b")))


def test_the_residual_is_added_before_the_projection() -> None:
    features, residual, plain = torch.randn(1, 4, 6), layers(), layers(residual=False)
    plain.load_state_dict(residual.state_dict())
    difference = residual(features, (2, 2), None, "a")[0] - plain(features, (2, 2), None, "a")[0]
    torch.testing.assert_close(difference, residual.input(features) @ residual.out.weight.T)


def test_no_projection_between_equal_widths(make) -> None:
    assert isinstance(ImageLayers(6, 8, 8, 1, 2, 16, ["a"]).out, torch.nn.Identity)
    blocks = make("boxes", "vqa").vision.blocks()
    assert list(blocks) == ["trunk", "image_input", "image_layer0", "image_output"]
