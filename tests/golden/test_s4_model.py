"""Adapter parts, blocks with adapters, the decoder and the whole tiny model: the official code's numbers."""

import json
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from timm.models.swin_transformer import SwinTransformerBlock, WindowAttention
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
    width, condition = PARTS["film_x"].shape[-1], PARTS["task_emb"].shape[-1]
    film = filled(Film(condition, width), renamed(weights(PARTS, "film/"), ("gb_weights", "scale_shift")))
    out = film(tensor(PARTS["film_x"]), tensor(PARTS["task_emb"]))
    assert torch.allclose(out, tensor(PARTS["film_out"]), atol=1e-5)


@torch.no_grad()
def test_what_a_task_adds_to_attention_lies_on_the_diagonal_in_blocks() -> None:
    side = PARTS["taa_A"].shape[1]
    bias = BlockBias(PARTS["task_emb"].shape[-1], (side, side), (side, side))
    state = renamed(weights(PARTS, "taa/"), ("gb_weights", "film.scale_shift"))
    filled(bias, {**state, "matrix": tensor(PARTS["taa_A"])})
    assert torch.allclose(bias(tensor(PARTS["task_emb"])), tensor(PARTS["taa_out"]), atol=1e-5)


@torch.no_grad()
def test_the_task_scaled_norm_is_the_official_one() -> None:
    width, condition = PARTS["tsn_x"].shape[-1], PARTS["tsn_emb"].shape[-1]
    norm = filled(TaskScaledNorm(width, condition), renamed(weights(PARTS, "tsn/"), TSN))
    out = norm(tensor(PARTS["tsn_x"]), tensor(PARTS["tsn_emb"]))
    assert torch.allclose(out, tensor(PARTS["tsn_out"]), atol=1e-5)


@torch.no_grad()
def test_the_bottleneck_without_its_non_linearity_is_the_official_one() -> None:
    width, condition = PARTS["bottleneck_x"].shape[-1], PARTS["task_emb"].shape[-1]
    state = renamed(weights(PARTS, "bottleneck/"), *BOTTLENECK)
    bottleneck = filled(Bottleneck(width, condition, activation=None), state)
    out = bottleneck(tensor(PARTS["bottleneck_x"]), tensor(PARTS["task_emb"]))
    assert torch.allclose(out, tensor(PARTS["bottleneck_out"]), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["winattn_qkscaleNone", "winattn_qkscaleTrue"])
def test_attention_in_windows_with_and_without_a_task_is_the_official_one(kind: str) -> None:
    """With `qk_scale=True`, as the released script has it, the official scale is 1."""
    state = weights(PARTS, f"{kind}/")
    x, side = tensor(PARTS[f"{kind}_x"]), state["random_weight_matrix"].shape[1]
    heads, width = state["relative_position_bias_table"].shape[1], x.shape[-1]
    attention = WindowAttention(width, num_heads=heads, window_size=(side, side))
    attention.fused_attn = False
    inside = {n: v for n, v in state.items() if n in attention.state_dict()}
    attention.load_state_dict(inside, strict=False)
    attention.scale = float(PARTS[f"{kind}_scale"])
    attention.eval()
    condition = tensor(PARTS[f"{kind}_emb"])
    bias = BlockBias(condition.shape[-1], (side, side), (side, side))
    named = renamed(weights(PARTS, f"{kind}/taa_attn."), ("gb_weights", "film.scale_shift"))
    filled(bias, {**named, "matrix": state["random_weight_matrix"]})
    each = len(x) // len(condition)  # windows per image
    added, mask = bias(condition), tensor(PARTS[f"{kind}_mask"])
    assert torch.allclose(attention(x), tensor(PARTS[f"{kind}_out_noTAA"]), atol=1e-5)
    with_task = attention(x, mask=added.repeat_interleave(each, dim=0))
    assert torch.allclose(with_task, tensor(PARTS[f"{kind}_out"]), atol=1e-5)
    both = attention(x, mask=(added[:, None] + mask).flatten(0, 1))
    assert torch.allclose(both, tensor(PARTS[f"{kind}_out_masked"]), atol=1e-5)


LAYER = dict(np.load(HERE / "s4_swin_adapter_layer.npz", allow_pickle=False))
MODEL = dict(np.load(HERE / "s4_full_tiny_model.npz", allow_pickle=False))
FREEZE = json.loads((HERE / "s4_freeze.json").read_text())
STRIDE = int(re.findall(r"stride(\d+)$", next(name for name in MODEL if "_stride" in name))[0])
_MATRIX = re.compile(r"model/layers\.(\d+)\.blocks\.(\d+)\.attn\.random_weight_matrix")
CONDITIONED = {(int(found[1]), int(found[2])) for found in map(_MATRIX.fullmatch, MODEL) if found}
NAMES = ("segment", "depth")


def heads_at(prefix: str) -> int:
    """Heads of the first block under a name."""
    return int(MODEL[f"model/{prefix}.blocks.0.attn.relative_position_bias_table"].shape[1])


def depths_of(prefix: str, stages: Iterable[int]) -> tuple[int, ...]:
    """Blocks of each stage."""
    found = []
    for stage in stages:
        start = f"model/{prefix}.{stage}.blocks."
        found.append(len({name[len(start) :].split(".")[0] for name in MODEL if name.startswith(start)}))
    return tuple(found)


STAGES = range(len({name.split(".")[1] for name in MODEL if name.startswith("model/layers.")}))
LATER = range(1, len(STAGES))  # stages of the decoder with blocks
EVERYWHERE = Adapters(
    blocks=tuple(tuple(sorted(index for at, index in CONDITIONED if at == stage)) for stage in STAGES),
    bottleneck=Passing(activation=None, everywhere=True),
)
TINY = ViTAdaptersConfig(
    trunk=TimmTrunk(
        "swin_tiny_patch4_window7_224", None, False,
        {
            "embed_dim": len(MODEL["model/patch_embed.proj.bias"]), "depths": depths_of("layers", STAGES),
            "num_heads": tuple(heads_at(f"layers.{stage}") for stage in STAGES), "drop_path_rate": 0.0,
        },
    ),
    adapters=EVERYWHERE, affinities=FixedAffinities("one-hot"),
    decoder=SwinUnet(
        depths=(0, *depths_of("decoder_layers_layers_up.0", LATER)),
        heads=(heads_at(f"layers.{STAGES[-1]}"), *(heads_at(f"decoder_layers_layers_up.0.{at}") for at in LATER)),
    ),
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
    channels = [MODEL[f"logits_task{place}_stride{STRIDE}"].shape[1] for place in range(len(NAMES))]
    specs = (Dense(channels[0], "class"), Dense(channels[1], "metre"))
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
        assert torch.allclose(
            scores[..., ::STRIDE, ::STRIDE], tensor(MODEL[f"logits_task{place}_stride{STRIDE}"]), atol=1e-4
        ), name
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
    x = tensor(LAYER[f"block_shift{shift}_x"])
    rows, cells, width = x.shape
    window, grid = math.isqrt(len(state["attn.random_weight_matrix"])), math.isqrt(cells)
    heads = state["attn.relative_position_bias_table"].shape[1]
    block = SwinTransformerBlock(width, (grid, grid), num_heads=heads, window_size=window, shift_size=shift)
    plain = {n: v for n, v in state.items() if n in block.state_dict()}
    missing, unexpected = block.load_state_dict(plain, strict=False)
    assert (missing, unexpected) == ([], [])
    shape = AttentionShape((window, window), (window, window))
    adapter = BlockAdapter(Adapters(), shape, (block.norm1, block.norm2))
    extra = {of_part(n): v for n, v in state.items() if n not in plain or n.startswith("norm")}
    filled(adapter, {n: v for n, v in extra.items() if n in adapter.state_dict()})
    out = run_adapted(block, x.view(rows, grid, grid, width), adapter, tensor(LAYER[f"block_shift{shift}_emb"]))
    assert torch.allclose(out.flatten(1, 2), tensor(LAYER[f"block_shift{shift}_out"]), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("given", "ends"), [("", ""), ("layer_hidden_in", "2")])
def test_a_stage_hands_on_its_map_and_what_its_adapters_found_as_the_official_layer_does(given: str, ends: str) -> None:
    rows, cells, width = LAYER["layer_x"].shape
    grid, finer = math.isqrt(cells), math.isqrt(LAYER["layer_out"].shape[1])
    heads = LAYER["layer/blocks.0.attn.relative_position_bias_table"].shape[1]
    depths = (2, 1, 1, 1)  # the official layer's two blocks, of which the second has the task in it
    sizes = {"embed_dim": width, "depths": depths, "num_heads": (heads,) * 4, "drop_path_rate": 0.0}
    trunk = build_trunk(TimmTrunk("swin_tiny_patch4_window7_224", 4 * grid, False, sizes), pretrained=False).eval()
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
    x = tensor(LAYER["layer_x"]).view(rows, grid, grid, width)
    hidden = tensor(LAYER[given]).view(rows, grid, grid, width) if given else None
    x = trunk.run(0, 0, x)
    hidden = adapters.apply_bottleneck((0, 0), x, hidden, z)
    adapter = adapters.block(*second)
    assert adapter is not None
    x = trunk.run_adapted(*second, x, adapter, z)
    hidden = adapters.enter_stage(adapters.apply_bottleneck(second, x, hidden, z), 1, (finer, finer))
    assert hidden is not None
    assert torch.allclose(trunk.enter(1, x).flatten(1, 2), tensor(LAYER[f"layer_out{ends}"]), atol=1e-5)
    assert torch.allclose(hidden.flatten(1, 2), tensor(LAYER[f"layer_hidden{ends}"]), atol=1e-5)


@torch.no_grad()
def test_maps_are_made_finer_as_by_the_official_code() -> None:
    for name in ("patch_expand", "final_expand"):
        (rows, cells, _), finer = LAYER[f"{name}_x"].shape, LAYER[f"{name}_out"].shape[1]
        grid, scale = math.isqrt(cells), math.isqrt(finer // cells)
        state = weights(LAYER, f"{name}/")
        wide, width = state["expand.weight"].shape
        expand = filled(Expand(width, wide // scale**2, scale), state)
        out = expand(tensor(LAYER[f"{name}_x"]).view(rows, grid, grid, width))
        assert torch.allclose(out.flatten(1, 2), tensor(LAYER[f"{name}_out"]), atol=1e-5)


def test_affinities_follow_the_official_update_step_by_step() -> None:
    """TAWT keeps one task's row, the target last; its gradients are minus the cosines."""
    trace = np.load(HERE / "s4_tawt_trace.npz", allow_pickle=False)
    count = len(trace["task_order(aux..., target)"])
    rows = torch.full((count, count), 1 / count, dtype=torch.float64)
    for step, minus_cosines in enumerate(tensor(trace["weight_gradients(-cos)"]).double()):
        cosines = torch.zeros(count, count, dtype=torch.float64)
        cosines[-1] = -minus_cosines
        rows = update_affinities(rows, cosines, torch.ones(count, dtype=torch.bool))
        assert torch.allclose(rows[-1], tensor(trace["weights"])[step + 1], atol=1e-6)
    assert rows[-1].argmax() == count - 1
