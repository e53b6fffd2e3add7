"""Weights of the official Uni-Perceiver, loaded under their published names into the modules here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from motet.core import CheckpointError
from motet.nn.pretrained.files import PublishedWeights, copy_published, read_published
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver.attributes import Scheme
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.options import Experts
from motet.systems.uni_perceiver.targets import Family

State = dict[str, Tensor]

CLIP_SPECIALS: Mapping[str, int] = {
    "<|startoftext|>": 49406, "<|endoftext|>": 49407, "<|mask|>": 49408, "<|gen|>": 49409, "<|spe|>": 49410,
}  # fmt: skip
"""The special tokens of the official `tokenization_clip.py`, behind CLIP's plain ones."""
CLIP_END, CLIP_SPECIAL = CLIP_SPECIALS["<|endoftext|>"], CLIP_SPECIALS["<|spe|>"]
_LAYER = {
    "gamma_1": "scale1", "gamma_2": "scale2", "self_attn.qkv_proj": "qkv", "self_attn.dense": "out", "linear1": "up",
    "linear2": "down", "norm1": "norm1", "norm2": "norm2",
    "deep_prompt_embedding.embedding.weight": "input_prompts",
    "deep_prompt_embedding.target_embedding.weight": "target_prompts",
}  # fmt: skip
# Dense layers are nn.MultiheadAttention in checkpoints that `tools/convert_checkpoint.py` has written.
_DENSE = {
    "self_attn.in_proj_weight": "qkv.weight", "self_attn.in_proj_bias": "qkv.bias",
    "self_attn.out_proj.weight": "out.weight", "self_attn.out_proj.bias": "out.bias",
}  # fmt: skip
# Names before that conversion, as DeepSpeed saves them; in this order, as there.
_BEFORE_CONVERSION = {
    "encoder.": "fused_encoder.", "attention.self.qkv_proj.": "self_attn.qkv_proj.",
    "attention.output.dense.": "self_attn.dense.", "attention_output.residual_scale": "gamma_1",
    "ffn.dense.": "linear1.", "ffn.dense2.": "linear2.", "ffn_output.residual_scale": "gamma_2",
    "LayerNormModules.0.": "norm1.", "LayerNormModules.1.": "norm2.", "predictor.": "loss_prepare.",
}  # fmt: skip
# These gates are in the files and never asked: such layers share the choice of the layer before.
_UNUSED = re.compile(r"fused_encoder\.layers\.\d+\.(?:self_attn\.dense|linear2)\.gate\..+")
_GATES = {"self_attn.qkv_proj.gate": "attention_gate", "linear1.gate": "mlp_gate"}
_GATE = {"tag_transform.0": "attributes", "tag_transform.1": "norm", "wg": "out"}
_EMBEDDING = {
    "token_embed.embeddings.weight": "words.weight", "token_embed.embeddings_norm.weight": "norm.weight",
    "token_embed.embeddings_norm.bias": "norm.bias",
    "token_embed.embeddings_pos.position_embeddings.weight": "positions.weight",
    "token_embed.embeddings_token_type.weight": "text_type", "video_embed.embeddings.weight": "patches.weight",
    "video_embed.embeddings.bias": "patches.bias",
    "video_embed.embeddings_st_pos.temporal_pos_embed.weight": "frames.weight",
}  # fmt: skip
_SCALES = {
    "img_cls": Family.IMAGE_CLASS, "video_cls": Family.VIDEO_CLASS, "text_mlm": Family.MASKED_WORD,
    "caption": Family.GENERATION, "retrieve": Family.MATCH, "downstream": Family.TEXT_CLASS,
}  # fmt: skip


def load_uni_perceiver(
    system: UniPerceiver, source: str | Path | Mapping[str, Tensor], *, token_ids: Mapping[int, int] | None = None
) -> PublishedWeights:
    """Loads weights of the official code into a Uni-Perceiver.

    Some official weights are never used and have no counterpart here: the gates of attention's output and of the second
    feed-forward layer, which share the choice of the layer before, and the type embedding of images.

    Args:
        system: changed in place.
        source: weights by name; a ``.pth`` file as released, or one of DeepSpeed (``.pt``), whose weights are under
            "model" or "module"; a ``.safetensors`` file; or a folder with one of these in it.
        token_ids: the id here of each published token; None: the tokeniser is CLIP's.

    Raises:
        CheckpointError: a file that cannot be read, or weights of another model.

    Returns:
        The names of weights that were loaded, of those that were not, and of those here that nothing was loaded into.
    """
    published = convert_names(read_published(source, inside=("model", "module")))
    if not any(name.startswith("fused_encoder.layers.") for name in published):
        raise CheckpointError(
            f"Uni-Perceiver weights: got {next(iter(published), 'nothing')!r} and others; want "
            "'fused_encoder.layers...'"
        )
    blocks = system.config.blocks
    state, unmatched = _renamed(published, blocks.scheme if isinstance(blocks, Experts) else "code")
    ids = _clip_ids(system) if token_ids is None else token_ids
    own = system.state_dict()
    if "embedding.words.weight" in state:
        table = state["embedding.words.weight"]
        state["embedding.words.weight"] = _reordered(table, own["embedding.words.weight"], ids)
    without = dict.fromkeys(unmatched, State())
    return copy_published(own, without | {name: {name: value} for name, value in state.items()}, expected=("",))


def convert_names(published: Mapping[str, Tensor]) -> State:
    """Returns weights under the names of released files; those of DeepSpeed's files are renamed as the authors do.

    Args:
        published: by name.
    """
    if not any(name.startswith("encoder.layers.") for name in published):
        return dict(published)
    found: State = {}
    for name, value in published.items():
        if name.startswith("visual_embed"):
            continue
        renamed = name
        for before, after in _BEFORE_CONVERSION.items():
            renamed = renamed.replace(before, after)
        found[renamed] = value.flatten() if name.endswith("residual_scale") else value
    if (kind := found.get("video_embed.embeddings_type.weight")) is not None:
        # The type of images is added to all patches, which is what a bias does.
        bias = "video_embed.embeddings.bias"
        found[bias] = found[bias] + kind[0]
    return found


def layer_state(published: Mapping[str, Tensor], scheme: Scheme = "code") -> State:
    """Returns the state of a `Block` from the weights of one official layer.

    Args:
        published: by name within the layer, such as "norm1.weight".
        scheme: of the attributes that the gates here have as inputs.
    """
    return _layer_state(published, scheme)[0]


def _layer_state(published: Mapping[str, Tensor], scheme: Scheme) -> tuple[State, list[str]]:
    """Returns the state of a `Block`, and the published names that have no place in one."""
    state: State = {}
    unmatched: list[str] = []
    experts: dict[str, dict[int, Tensor]] = {}
    for name, value in published.items():
        if (found := re.fullmatch(r"(.+)\.experts\.deepspeed_experts\.(\d+)\.(weight|bias)", name)) is not None:
            experts.setdefault(f"{_LAYER[found[1]]}.{found[3]}", {})[int(found[2])] = value
        elif ".gate." in name:
            part = _gate_part(name, value)
            state |= part
            unmatched += [] if part else [name]
        elif name in _DENSE:
            state[_DENSE[name]] = value
        else:
            start = next((start for start in _LAYER if name == start or name.startswith(f"{start}.")), None)
            if start is not None:
                state[_LAYER[start] + name.removeprefix(start)] = value
            else:
                unmatched.append(name)
    for name, parts in experts.items():
        state[name] = torch.stack([parts[index] for index in sorted(parts)])
    return (_relabelled(state) if scheme == "paper" else state), unmatched


def _gate_part(name: str, value: Tensor) -> State:
    for start, gate in _GATES.items():
        for part, here in _GATE.items():
            if name.startswith(f"{start}.{part}."):
                return {f"{gate}.rule.{here}.{name.rpartition('.')[2]}": value}
    return {}


def _relabelled(state: State) -> State:
    """Converts gates to the paper's attributes: its 6 is the code's 7, its 7 is 1 minus the code's 6."""
    changed = dict(state)
    for gate in _GATES.values():
        name = f"{gate}.rule.attributes"
        if f"{name}.weight" not in state:
            continue
        weight = state[f"{name}.weight"]
        changed[f"{name}.weight"] = torch.cat([weight[:, :6], weight[:, 7:], -weight[:, 6:7]], 1)
        changed[f"{name}.bias"] = state[f"{name}.bias"] + weight[:, 6]
    return changed


def _renamed(published: Mapping[str, Tensor], scheme: Scheme) -> tuple[State, list[str]]:
    layers: dict[int, dict[str, Tensor]] = {}
    state: State = {}
    unmatched: list[str] = []
    for name, value in published.items():
        if (found := re.fullmatch(r"fused_encoder\.layers\.(\d+)\.(.+)", name)) is not None:
            layers.setdefault(int(found[1]), {})[found[2]] = value
        elif name in _EMBEDDING:
            state[f"embedding.{_EMBEDDING[name]}"] = value[0] if name.endswith("token_type.weight") else value
        elif name.startswith(("loss_prepare.ln_post.", "loss_prepare.proj.")):
            part = name.removeprefix("loss_prepare.").replace("ln_post", "norm").replace("proj", "project")
            state[f"similarity.{part}"] = value
        elif (scale := name.removeprefix("loss_prepare.logit_scale_")) in _SCALES:
            state[f"similarity.log_scales.{_SCALES[scale].value}"] = value
        else:
            unmatched.append(name)
    for index, layer in layers.items():
        block, without = _layer_state(layer, scheme)
        state |= {f"encoder.blocks.{index}.{name}": value for name, value in block.items()}
        unmatched += [f"fused_encoder.layers.{index}.{name}" for name in without]
    return state, [name for name in unmatched if not _UNUSED.fullmatch(name)]


def _reordered(table: Tensor, own: Tensor, token_ids: Mapping[int, int]) -> Tensor:
    """Returns the published rows at the ids of this tokeniser; a token without one keeps its own."""
    found = own.clone()
    for published, here in token_ids.items():
        if published < len(table) and here < len(found):
            found[here] = table[published]
    return found


def _clip_ids(system: UniPerceiver) -> dict[int, int]:
    text_inputs = system.text_inputs
    plain = dict(enumerate(text_inputs.tokenizer.ids))
    return plain | {CLIP_END: EOS, CLIP_SPECIAL: text_inputs.special}
