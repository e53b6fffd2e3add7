"""Adapter parts, blocks with adapters, the decoder and the whole tiny model: the official code's numbers."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from motet.systems.vit_adapters.adapter import BlockBias, Bottleneck, Film, TaskScaledNorm

HERE = Path(__file__).parent
PARTS = dict(np.load(HERE / "s4_adapter_parts.npz", allow_pickle=False))


def tensor(array) -> Tensor:
    return torch.from_numpy(np.asarray(array))


def weights(source, prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor(value) for name, value in source.items() if name.startswith(prefix)}


def renamed(state: dict[str, Tensor], *pairs: tuple[str, str]) -> dict[str, Tensor]:
    out = {}
    for name, value in state.items():
        for old, new in pairs:
            name = re.sub(old, new, name)
        out[name] = value
    return out


def filled(module: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    module.load_state_dict(state)
    return module.eval()


FILM = (r"(film\.|)gb_weights", r"\1scale_shift")
TSN = (r"ln_weight_modulation\.gb_weights", "film.scale_shift")
BOTTLENECK = (
    (r"emb_transf", "embed"), (r"hidden_modulation\.gb_weights", "film.scale_shift"), ("down_proj_layer", "down"),
    ("up_proj_layer", "up"),
)  # fmt: skip


@torch.no_grad()
def test_modulation_scales_and_shifts_as_the_official_code_does() -> None:
    film = filled(Film(343, 12), renamed(weights(PARTS, "film/"), ("gb_weights", "scale_shift")))
    out = film(tensor(PARTS["film_x"]), tensor(PARTS["task_emb"]))
    assert torch.allclose(out, tensor(PARTS["film_out"]), atol=1e-5)


@torch.no_grad()
def test_what_a_task_adds_to_attention_lies_on_the_diagonal_in_blocks() -> None:
    bias = BlockBias(343, (7, 7), (7, 7))
    state = renamed(weights(PARTS, "taa/"), ("gb_weights", "film.scale_shift"))
    filled(bias, {**state, "matrix": tensor(PARTS["taa_A"])})
    assert torch.allclose(bias(tensor(PARTS["task_emb"])), tensor(PARTS["taa_out"]), atol=1e-5)


@torch.no_grad()
def test_the_task_scaled_norm_is_the_official_one() -> None:
    norm = filled(TaskScaledNorm(12, 343), renamed(weights(PARTS, "tsn/"), TSN))
    out = norm(tensor(PARTS["tsn_x"]), tensor(PARTS["tsn_emb"]))
    assert torch.allclose(out, tensor(PARTS["tsn_out"]), atol=1e-5)


@torch.no_grad()
def test_the_bottleneck_without_its_non_linearity_is_the_official_one() -> None:
    bottleneck = filled(Bottleneck(12, 343, activation=None), renamed(weights(PARTS, "bottleneck/"), *BOTTLENECK))
    out = bottleneck(tensor(PARTS["bottleneck_x"]), tensor(PARTS["task_emb"]))
    assert torch.allclose(out, tensor(PARTS["bottleneck_out"]), atol=1e-5)
