"""Adapter parts, blocks with adapters, the decoder and the whole tiny model: the official code's numbers."""

import json
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn

from motet.core import Dense, Task
from motet.metrics import Accuracy
from motet.systems import build_system
from motet.systems.vit_adapters import Adapters, FixedAffinities, Passing, SwinUnet, TimmTrunk, ViTAdaptersConfig
from motet.systems.vit_adapters.adapter import BlockBias, Bottleneck, Film, TaskScaledNorm
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.decoder import Expand
from motet.systems.vit_adapters.model import ViTAdapters
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.troa import update_affinities
from motet.systems.vit_adapters.trunk_adapters import TrunkAdapters
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.swin import run_adapted

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


LAYER = dict(np.load(HERE / "s4_swin_adapter_layer.npz", allow_pickle=False))
MODEL = dict(np.load(HERE / "s4_full_tiny_model.npz", allow_pickle=False))
FREEZE = json.loads((HERE / "s4_freeze.json").read_text())
CONDITIONED = {(2, 1), (3, 0)}
NAMES = ("segment", "depth")
EVERYWHERE = Adapters(blocks=((), (), (1,), (0,)), bottleneck=Passing(activation=None, everywhere=True))
TINY = ViTAdaptersConfig(
    trunk=TimmTrunk(
        "swin_tiny_patch4_window7_224", None, False,
        {"embed_dim": 6, "depths": (1, 1, 2, 1), "num_heads": (1, 2, 3, 6), "drop_path_rate": 0.0},
    ),
    adapters=EVERYWHERE, affinities=FixedAffinities("one-hot"),
    decoder=SwinUnet(depths=(0, 1, 1, 1), heads=(6, 3, 2, 1)),
)  # fmt: skip


def of_part(rest: str) -> str:
    """A name inside a block or a bottleneck."""
    pairs = (("attn.random_weight_matrix", "bias.matrix"), ("attn.taa_attn.gb_weights", "bias.film.scale_shift"))
    for old, new in (*pairs, TSN, *BOTTLENECK):
        rest = re.sub(old, new, rest)
    return rest


def ours(name: str, conditioned: Collection[tuple[int, int]] = CONDITIONED) -> str:
    """The name here of a weight of the official model."""
    match name.split("."):
        case ["task_type_embeddings", _]:
            return "adapters.embeddings"
        case ["layers", stage, "blocks", index, *rest] if (int(stage), int(index)) in conditioned:
            inside = ".".join(rest)
            if inside.startswith("norm") or "taa" in inside or "random" in inside:
                return f"adapters.blocks.{stage}_{index}.{of_part(inside)}"
            return f"trunk.model.{name}"
        case ["layers", stage, "adapter_layer", index, *rest]:
            return f"adapters.bottlenecks.{stage}_{index}.{of_part('.'.join(rest))}"
        case ["layers", stage, "downsample", *rest]:
            return f"trunk.model.layers.{int(stage) + 1}.downsample.{'.'.join(rest)}"
        case ["layers", stage, "downsample_bottleneck", *rest]:
            return f"adapters.merges.{int(stage) + 1}.{'.'.join(rest)}"
        case ["layers" | "patch_embed", *_]:
            return f"trunk.model.{name}"
        case ["decoder_layers_layers_up", task, "0", *rest]:
            return f"decoders.{NAMES[int(task)]}.expands.0.{'.'.join(rest)}"
        case ["decoder_layers_layers_up", task, level, "blocks", *rest]:
            return f"decoders.{NAMES[int(task)]}.blocks.{level}.{'.'.join(rest)}"
        case ["decoder_layers_layers_up", task, level, "upsample", *rest]:
            return f"decoders.{NAMES[int(task)]}.expands.{level}.{'.'.join(rest)}"
        case ["decoder_layers_concat_back_dim", task, level, rest]:
            return f"decoders.{NAMES[int(task)]}.joins.{int(level) - 1}.{rest}"
        case ["decoder_layers_norm_up", task, rest]:
            return f"decoders.{NAMES[int(task)]}.norm.{rest}"
        case ["decoder_layers_up", task, *rest]:
            return f"decoders.{NAMES[int(task)]}.final.{'.'.join(rest)}"
        case ["decoder_layers_output", task, rest]:
            return f"heads.{NAMES[int(task)]}.{rest}"
    return name


def two_tasks(**changes) -> ViTAdapters:
    specs = (Dense(4, "class"), Dense(1, "metre"))
    tasks = [
        Task(name=name, inputs=frozenset({"image"}), label=name, target=spec, metrics=(Accuracy,))
        for name, spec in zip(NAMES, specs, strict=True)
    ]
    system = build_system(replace(TINY, **changes), tasks, texts=list)
    assert isinstance(system, ViTAdapters)
    return system.eval()


def loaded() -> ViTAdapters:
    """The official tiny model's weights in a system here; every one of them has a place."""
    system = two_tasks()
    state = {ours(name): value for name, value in weights(MODEL, "model/").items() if "position_index" not in name}
    table = state.pop("adapters.embeddings")
    state |= {f"adapters.embeddings.{name}": row for name, row in zip(NAMES, table, strict=True)}
    state |= {f"heads.{name}.weight": state[f"heads.{name}.weight"].flatten(1) for name in NAMES}
    missing, unexpected = system.load_state_dict({n: v for n, v in state.items() if "attn_mask" not in n}, strict=False)
    assert unexpected == []
    replaced = {f"trunk.model.layers.{s}.blocks.{i}.norm{k}" for s, i in CONDITIONED for k in (1, 2)}
    assert {name.rsplit(".", 1)[0] for name in missing if "." in name} <= replaced
    return system


@torch.no_grad()
def test_the_whole_tiny_model_gives_the_official_maps() -> None:
    system = loaded()
    begun = system.encoder.run_shared(tensor(MODEL["img16"]).float())
    for place, name in enumerate(NAMES):
        # One row a task in the official batch: each is given its own.
        scores = system.scores(name, begun.rows(torch.tensor([place])))
        assert torch.allclose(scores[..., ::8, ::8], tensor(MODEL[f"logits_task{place}_stride8"]), atol=1e-4), name
        assert float(scores.mean()) == pytest.approx(float(MODEL[f"logits_task{place}_mean"]), abs=1e-4)
        assert float(scores.std()) == pytest.approx(float(MODEL[f"logits_task{place}_std"]), abs=1e-4)


def test_what_the_official_code_trains_is_trained_where_asked_and_the_paper_is_followed_by_default() -> None:
    trained, by_default = ({n: p.requires_grad for n, p in system.named_parameters()} for system in (
        two_tasks(unfrozen=("patch embedding", "adapted blocks")), two_tasks(),
    ))  # fmt: skip
    for name in FREEZE["trainable"]:
        names = [f"adapters.embeddings.{task}" for task in NAMES] if "embeddings" in name else [ours(name)]
        assert all(trained[found] for found in names), name
        assert all(by_default[found] is not found.startswith("trunk.") for found in names), name
    for name in FREEZE["frozen"]:
        assert not trained[ours(name)], name


@torch.no_grad()
@pytest.mark.parametrize("shift", [0, 3])
def test_a_swin_block_with_a_task_in_it_is_the_official_one(shift: int) -> None:
    state = weights(LAYER, f"block_shift{shift}/")
    block = SwinTransformerBlock(12, (14, 14), num_heads=3, window_size=7, shift_size=shift)
    plain = {n: v for n, v in state.items() if n in block.state_dict()}
    missing, unexpected = block.load_state_dict(plain, strict=False)
    assert (missing, unexpected) == ([], [])
    adapter = BlockAdapter(Adapters(), AttentionShape((7, 7), (7, 7)), (block.norm1, block.norm2))
    extra = {of_part(n): v for n, v in state.items() if n not in plain or n.startswith("norm")}
    filled(adapter, {n: v for n, v in extra.items() if n in adapter.state_dict()})
    out = run_adapted(block, tensor(LAYER[f"block_shift{shift}_x"]).view(2, 14, 14, 12), adapter,
                        tensor(LAYER[f"block_shift{shift}_emb"]))  # fmt: skip
    assert torch.allclose(out.flatten(1, 2), tensor(LAYER[f"block_shift{shift}_out"]), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("given", "ends"), [("", ""), ("layer_hidden_in", "2")])
def test_a_stage_hands_on_its_map_and_what_its_adapters_found_as_the_official_layer_does(given: str, ends: str) -> None:
    sizes = {"embed_dim": 12, "depths": (2, 1, 1, 1), "num_heads": (3, 3, 3, 3), "drop_path_rate": 0.0}
    trunk = build_trunk(TimmTrunk("swin_tiny_patch4_window7_224", 56, False, sizes), pretrained=False).eval()
    options, second = Adapters(bottleneck=Passing(activation=None, everywhere=True)), (0, 1)
    adapters = TrunkAdapters(trunk, options, NAMES, [second]).eval()
    state = {
        ours(f"layers.0.{n}", {second}): v for n, v in weights(LAYER, "layer/").items() if "position_index" not in n
    }
    missing, unexpected = nn.ModuleDict({"trunk": trunk, "adapters": adapters}).load_state_dict(
        {name: value for name, value in state.items() if "attn_mask" not in name}, strict=False
    )
    assert unexpected == []
    replaced = ("trunk.model.layers.0.blocks.1.norm1", "trunk.model.layers.0.blocks.1.norm2")
    of_stage = [
        n for n in missing if n.startswith(("trunk.model.layers.0.", "adapters.bottlenecks.0_", "adapters.blocks."))
    ]
    assert {name.rsplit(".", 1)[0] for name in of_stage} <= set(replaced)

    z = tensor(LAYER["layer_emb"])
    x = tensor(LAYER["layer_x"]).view(2, 14, 14, 12)
    hidden = tensor(LAYER[given]).view(2, 14, 14, 12) if given else None
    x = trunk.run(0, 0, x)
    hidden = adapters.apply_bottleneck((0, 0), x, hidden, z)
    adapter = adapters.block(*second)
    assert adapter is not None
    x = trunk.run_adapted(*second, x, adapter, z)
    hidden = adapters.enter_stage(adapters.apply_bottleneck(second, x, hidden, z), 1, (7, 7))
    assert hidden is not None
    assert torch.allclose(trunk.enter(1, x).flatten(1, 2), tensor(LAYER[f"layer_out{ends}"]), atol=1e-5)
    assert torch.allclose(hidden.flatten(1, 2), tensor(LAYER[f"layer_hidden{ends}"]), atol=1e-5)


@torch.no_grad()
def test_maps_are_made_finer_as_by_the_official_code() -> None:
    for name, scale, grid in (("patch_expand", 2, 7), ("final_expand", 4, 7)):
        state = weights(LAYER, f"{name}/")
        wide, width = state["expand.weight"].shape
        expand = filled(Expand(width, wide // scale**2, scale), state)
        out = expand(tensor(LAYER[f"{name}_x"]).view(2, grid, grid, width))
        assert torch.allclose(out.flatten(1, 2), tensor(LAYER[f"{name}_out"]), atol=1e-5)


def test_affinities_follow_the_official_update_step_by_step() -> None:
    """TAWT keeps one task's row, the target last; its gradients are minus the cosines."""
    trace = np.load(HERE / "s4_tawt_trace.npz", allow_pickle=False)
    rows = torch.full((4, 4), 0.25, dtype=torch.float64)
    for step, minus_cosines in enumerate(tensor(trace["weight_gradients(-cos)"]).double()):
        cosines = torch.zeros(4, 4, dtype=torch.float64)
        cosines[3] = -minus_cosines
        rows = update_affinities(rows, cosines, torch.ones(4, dtype=torch.bool))
        assert torch.allclose(rows[3], tensor(trace["weights"])[step + 1], atol=1e-6)
    assert rows[3].argmax() == 3
