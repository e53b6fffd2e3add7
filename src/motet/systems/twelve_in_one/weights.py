"""Loads the weights of any BERT into a 12-in-1, and renames those of the official ViLBERT and 12-in-1 models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from motet.core import CheckpointError
from motet.nn.pretrained.files import PublishedWeights, copy_published, read_published
from motet.systems.twelve_in_one.body import Body

State = dict[str, Tensor]

_WORDS = {
    "word_embeddings.weight": "words.weight", "position_embeddings.weight": "positions.weight",
    "token_type_embeddings.weight": "types.weight", "LayerNorm.weight": "norm.weight", "LayerNorm.bias": "norm.bias",
}  # fmt: skip
_REGIONS = {"image_embeddings": "features", "image_location_embeddings": "places", "LayerNorm": "norm"}
_LAYER = {
    "attention.output.dense": "added.out", "attention.output.LayerNorm": "added.norm",
    "intermediate.dense": "feedforward.up", "output.dense": "feedforward.down.out",
    "output.LayerNorm": "feedforward.down.norm",
}  # fmt: skip
# In the official code 1 is the image and 2 the text; its dense1 follows the attention of the image.
_CO = {
    "biOutput.dense1": "image_added.out", "biOutput.LayerNorm1": "image_added.norm",
    "biOutput.dense2": "text_added.out", "biOutput.LayerNorm2": "text_added.norm",
    "v_intermediate.dense": "image_feedforward.up", "v_output.dense": "image_feedforward.down.out",
    "v_output.LayerNorm": "image_feedforward.down.norm", "t_intermediate.dense": "text_feedforward.up",
    "t_output.dense": "text_feedforward.down.out", "t_output.LayerNorm": "text_feedforward.down.norm",
}  # fmt: skip
_UNUSED = (
    r"biOutput\.q_dense", r"linguisic_logit\.", r"predictions\.decoder\.", r"\.position_ids$", r"^(?:bert\.)?pooler\.",
)  # fmt: skip


def load_bert(body: Body, source: str | Path | Mapping[str, Tensor]) -> PublishedWeights:
    """Loads the layers and embeddings of any BERT into the text stream, as far as it fits.

    Args:
        body: filled in place.
        source: weights by name, as in transformers, with any prefix before "embeddings" and "encoder"; a
            ``.safetensors`` file or a file of PyTorch; or a folder with one of them in it.

    Raises:
        CheckpointError: a file that cannot be read, or weights of another model than BERT.

    Returns:
        The names that were loaded, and those that were not.
    """
    published = read_published(source, inside="model_state_dict")
    converted: dict[str, State] = {}
    for name, value in published.items():
        plain = plain_name(re.sub(r"^(?:.*?\.)?(?=(?:embeddings|encoder\.layer)\.)", "", name))
        converted[name] = _text_part(plain, value)
    if not any(converted.values()):
        raise CheckpointError(
            f"BERT weights: got {next(iter(published), 'nothing')!r} and others; want the parameter names of BERT"
        )
    own = body.state_dict()
    expected = [name for name in own if name.startswith(("words.", "streams.text."))]
    return fill_parameters(own, converted, expected)


def convert_body(name: str, value: Tensor) -> State:
    """Renames one weight of the official model outside its heads; returns nothing for one without a counterpart."""
    plain = plain_name(name.removeprefix("bert."))
    if (matched := re.fullmatch(r"v_embeddings\.(\w+)\.(\w+)", plain)) is not None:
        return {f"body.regions.{_REGIONS[matched[1]]}.{matched[2]}": value} if matched[1] in _REGIONS else {}
    if (matched := re.fullmatch(r"([tv])_pooler\.dense\.(\w+)", plain)) is not None:
        return {f"body.{'text' if matched[1] == 't' else 'image'}_pooler.dense.{matched[2]}": value}
    if (matched := re.fullmatch(r"encoder\.v_layer\.(\d+)\.(.+)", plain)) is not None:
        return {
            f"body.streams.image.{matched[1]}.{part}": weight
            for part, weight in convert_layer(matched[2], value).items()
        }
    if (matched := re.fullmatch(r"encoder\.c_layer\.(\d+)\.(.+)", plain)) is not None:
        return {
            f"body.streams.co.{matched[1]}.{part}": weight
            for part, weight in convert_co_attention(matched[2], value).items()
        }
    return {f"body.{part}": weight for part, weight in _text_part(plain, value).items()}


def convert_layer(name: str, value: Tensor) -> State:
    """Renames one weight of a `BertLayer`; "#query", "#key" and "#value" mark thirds of one matrix: see `merge_qkv`."""
    if (matched := re.fullmatch(r"attention\.self\.(query|key|value)\.(\w+)", name)) is not None:
        return {f"query_key_value.{matched[2]}#{matched[1]}": value}
    part, _, last = name.rpartition(".")
    return {f"{_LAYER[part]}.{last}": value} if part in _LAYER else {}


def convert_co_attention(name: str, value: Tensor) -> State:
    """Renames one weight of a `CoAttentionLayer`."""
    if (matched := re.fullmatch(r"biattention\.(query|key|value)([12])\.(\w+)", name)) is not None:
        stream = "image" if matched[2] == "1" else "text"
        return {f"{stream}_query_key_value.{matched[3]}#{matched[1]}": value}
    part, _, last = name.rpartition(".")
    return {f"{_CO[part]}.{last}": value} if part in _CO else {}


def merge_qkv(parts: Mapping[str, Tensor]) -> State:
    """Concatenates queries, keys and values to one matrix.

    Examples:
        >>> parts = {f"w#{name}": torch.zeros(2, 3) for name in ("query", "key", "value")}
        >>> merge_qkv(parts)["w"].shape
        torch.Size([6, 3])
    """
    state = {name: value for name, value in parts.items() if "#" not in name}
    names = dict.fromkeys(name.split("#")[0] for name in parts if "#" in name)
    return state | {name: torch.cat([parts[f"{name}#{part}"] for part in ("query", "key", "value")]) for name in names}


def _text_part(name: str, value: Tensor) -> State:
    if (matched := re.fullmatch(r"embeddings\.(.+)", name)) is not None:
        return {f"words.{_WORDS[matched[1]]}": value} if matched[1] in _WORDS else {}
    if (matched := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)", name)) is not None:
        return {
            f"streams.text.{matched[1]}.{part}": weight for part, weight in convert_layer(matched[2], value).items()
        }
    return {}


def fill_parameters(
    own: Mapping[str, Tensor], converted: Mapping[str, State], expected: Sequence[str]
) -> PublishedWeights:
    """Copies renamed weights, thirds of joint matrices among them; those that no model uses are not reported.

    Args:
        own: the model's weights by name, written in place.
        converted: by published name, what it becomes.
        expected: names that should be filled.
    """
    thirds = {
        f"{name}#{part}": third
        for name, joint in own.items()
        if "query_key_value." in name
        for part, third in zip(("query", "key", "value"), joint.chunk(3), strict=True)
    }
    found = copy_published({**own, **thirds}, converted)
    loaded = dict.fromkeys(name.split("#")[0] for name in found.loaded)
    return replace(
        found,
        loaded=tuple(loaded),
        unexpected=tuple(name for name in found.unexpected if not _is_unused(name)),
        missing=tuple(name for name in expected if name not in loaded),
    )


def plain_name(name: str) -> str:
    """Returns a name with weight and bias for gamma and beta, the names of original checkpoints."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _is_unused(name: str) -> bool:
    """Returns True for weights that the official code never uses, or that only other uses of a BERT need."""
    return any(re.search(pattern, name) for pattern in _UNUSED)
