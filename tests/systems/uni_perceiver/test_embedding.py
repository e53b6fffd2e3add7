"""Embeddings: positions, the special token and frames."""

import pytest
import torch
from torch import nn

from motet.core import ConfigError
from motet.systems.uni_perceiver.embedding import Embedding, grid_positions

SPECIAL = 9


@pytest.fixture
def embedding():
    torch.manual_seed(0)
    return Embedding(
        8, 10, SPECIAL, 6, patches=nn.Conv2d(3, 8, 2, 2), grid_hw=(2, 3), max_frames=4, special_bias=True
    ).eval()


def test_a_text_from_a_later_position_has_its_embeddings(embedding) -> None:
    ids = torch.tensor([[3, 4, 5, 6]])
    late = embedding.text(ids[:, 2:], torch.tensor([2]))
    assert torch.equal(late, embedding.text(ids)[:, 2:])
    assert not torch.allclose(late, embedding.text(ids[:, 2:]))


def test_padding_beyond_the_last_position_is_no_error(embedding) -> None:
    found = embedding.text(torch.tensor([[3, 4, 0, 0]]), torch.tensor([4]))
    assert torch.isfinite(found).all()


def test_the_special_token_has_a_position_inside_a_text_alone(embedding) -> None:
    first = embedding.special_token(2)
    assert first.shape == (2, 1, 8)
    inside = embedding.text(torch.tensor([[SPECIAL, SPECIAL]]))
    assert not torch.allclose(inside[0, 0], inside[0, 1])
    with torch.no_grad():
        embedding.special_bias.fill_(0.5)
        embedding.special_bias[0] = -1
    assert not torch.allclose(embedding.special_token(2), first)
    assert not torch.allclose(embedding.text(torch.tensor([[SPECIAL, SPECIAL]])), inside)
    assert torch.equal(embedding.text(torch.tensor([[3]])), embedding.text(torch.tensor([[3]])))


def test_frames_have_positions_in_time_random_in_training(embedding) -> None:
    frame = torch.randn(1, 1, 3, 4, 6)
    still = embedding.images(frame.expand(1, 2, -1, -1, -1), features=False)
    assert still.shape == (1, 12, 8)
    assert not torch.allclose(still[:, :6], still[:, 6:])
    assert torch.allclose(embedding.images(frame, features=False), still[:, :6], atol=1e-5)
    embedding.train()
    first = {round(float(embedding.images(frame, features=False)[0, 0, 0].detach()), 4) for _ in range(60)}
    assert len(first) == 4


def test_too_many_frames_and_odd_channels(embedding) -> None:
    with pytest.raises(ConfigError, match=r"frames: got 5; want at most 4, UniPerceiverConfig\.max_frames"):
        embedding.images(torch.zeros(1, 5, 3, 4, 6), features=False)
    with pytest.raises(ConfigError, match=r"EncoderSize\.width: got 6; want a multiple of 4"):
        grid_positions(2, 2, 6)


def test_grid_positions_depend_on_their_coordinate_alone() -> None:
    grid = grid_positions(3, 5, 8).view(3, 5, 8)
    assert torch.equal(grid[..., :4], grid[:, :1, :4].expand(-1, 5, -1))
    assert torch.equal(grid[..., 4:], grid[:1, :, 4:].expand(3, -1, -1))
    assert torch.allclose(grid_positions(3, 5, 8, 0.5).view(3, 5, 8)[2, 4], grid_positions(3, 5, 8).view(3, 5, 8)[1, 2])
