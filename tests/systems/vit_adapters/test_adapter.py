"""The parts of an adapter: they start as no change, and what they compute by hand."""

import pytest
import torch
from torch import Tensor, nn

from motet.systems.vit_adapters.adapter import BlockBias, Bottleneck, Film, FullBias, TaskScaledNorm


def drawn(module: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.5)
    return module


Z = torch.tensor([[1.0, -2.0], [0.5, 3.0]])


def test_modulation_is_a_scale_and_a_shift_per_row() -> None:
    film = drawn(Film(2, 3))
    x = torch.randn(2, 5, 3)
    scale, shift = film.scale_shift(Z).chunk(2, dim=-1)
    torch.testing.assert_close(film(x, Z)[1], (1 + scale[1]) * x[1] + shift[1])
    torch.testing.assert_close(film(x, Z[:1])[1], (1 + scale[0]) * x[1] + shift[0])


def test_a_new_modulation_changes_nothing() -> None:
    x = torch.randn(2, 5, 3)
    assert torch.equal(Film(2, 3)(x, Z), x)


def test_the_block_bias_is_zero_between_rows_of_a_window() -> None:
    bias = drawn(BlockBias(2, (2, 3), (2, 3)))(Z)
    assert bias.shape == (2, 6, 6)
    rows = torch.arange(6) // 3
    same_row = rows[:, None] == rows[None, :]
    assert not bias[:, ~same_row].any()
    assert bool((bias[:, same_row] != 0).all())


def test_queries_of_a_finer_grid_get_the_bias_at_the_key_row_they_fall_on() -> None:
    bias = drawn(BlockBias(2, (4, 2), (2, 1)))(Z[:1])[0]
    assert bias.shape == (8, 2)
    assert (bias != 0).int().tolist() == [[1, 0]] * 4 + [[0, 1]] * 4


def test_the_full_bias_is_a_matrix_product() -> None:
    module = drawn(FullBias(2, (1, 2), (1, 3)))
    scale, shift = module.scale(Z).view(2, 3, 3), module.shift(Z).view(2, 2, 3)
    torch.testing.assert_close(module(Z), torch.stack([module.matrix @ scale[i] + shift[i] for i in range(2)]))
    assert not FullBias(2, (1, 2), (1, 3))(Z).any()


@pytest.mark.parametrize("shift", [False, True])
def test_the_task_scaled_norm_starts_as_the_norm_it_replaces(shift: bool) -> None:
    norm = drawn(nn.LayerNorm(6, eps=1e-3))
    x: Tensor = torch.randn(2, 4, 6)
    scaled = TaskScaledNorm.from_norm(norm, 2, shift=shift)
    torch.testing.assert_close(scaled(x, Z), norm(x))
    assert (scaled.shift is not None) is shift
    scaled.weight.data.fill_(3.0)
    assert not bool((norm.weight == 3.0).any()), "the norms share a weight"


def test_only_with_a_shift_does_the_bias_depend_on_the_task() -> None:
    x = torch.zeros(2, 4, 6)  # nothing is left of a constant but the bias
    without, with_shift = (drawn(TaskScaledNorm(6, 2, shift=shift))(x, Z) for shift in (False, True))
    torch.testing.assert_close(without[0], without[1])
    assert not torch.allclose(with_shift[0], with_shift[1])


def test_a_bottleneck_without_activation_is_linear_in_its_input() -> None:
    x = torch.randn(1, 3, 6)
    for activation, linear in (("gelu", False), (None, True)):
        module = drawn(Bottleneck(6, 2, 3, activation))
        zero = module(torch.zeros_like(x), Z[:1])
        doubled = torch.allclose(module(2 * x, Z[:1]) - zero, 2 * (module(x, Z[:1]) - zero), atol=1e-4)
        assert doubled is linear
    assert Bottleneck(2, 2, reduction=3).down.out_features == 1
