"""Loads the weights of DETR and of BERT into a UniT; those of UniT's own code are in `mmf_weights`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from motet.core import Boxes, CheckpointError, ConfigError
from motet.nn.parameter_names import parameter_name
from motet.nn.pretrained.files import PublishedWeights, copy_published, read_published
from motet.nn.text_encoders import load_bert, plain_norm_name
from motet.systems.unit.model import UniT

State = dict[str, Tensor]

_ENCODER = {"self_attn": "attention", "linear1": "mlp.up", "linear2": "mlp.down", "norm1": "norm1", "norm2": "norm2"}
_DECODER = {
    "self_attn": "self_attention", "multihead_attn": "cross_attention", "linear1": "mlp.up", "linear2": "mlp.down",
    "norm1": "norm1", "norm2": "norm2", "norm3": "norm3",
}  # fmt: skip
# Names in transformers, version 4 and version 5, to those of the original code.
_HF_ENCODER = (
    (r"self_attn_layer_norm\.", "norm1."), (r"final_layer_norm\.", "norm2."), (r"(?:mlp\.)?fc1\.", "linear1."),
    (r"(?:mlp\.)?fc2\.", "linear2."),
)  # fmt: skip
_HF_DECODER = (
    (r"self_attn_layer_norm\.", "norm1."), (r"encoder_attn_layer_norm\.", "norm2."), (r"final_layer_norm\.", "norm3."),
    (r"encoder_attn\.", "multihead_attn."), (r"(?:mlp\.)?fc1\.", "linear1."), (r"(?:mlp\.)?fc2\.", "linear2."),
)  # fmt: skip
_PARTS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out", "o_proj": "out"}


def load_detr(system: UniT, source: str | Path | Mapping[str, Tensor], *, task: str | None = None) -> PublishedWeights:
    """Loads a DETR: trunk, projection and image encoder; if the widths are equal, decoder, queries and heads too.

    Args:
        system: filled in place.
        source: weights by name, those of facebookresearch/detr or of transformers; a ``.safetensors`` or ``.pth`` file;
            or a folder with ``model.safetensors`` in it.
        task: the `Boxes` task whose queries and heads are filled; None for the only one.

    Raises:
        CheckpointError: a file that cannot be read, or weights of another model than DETR.
        ConfigError: a system without image inputs, or a task of another kind.

    Returns:
        The names that were loaded, those that were not, and those of the same parts that the file lacks.
    """
    if system.vision is None:
        raise ConfigError("load_detr: got a UniT without image inputs; want one with a task on images")
    published = read_published(source, inside="model")
    original = {name: _original_name(name) for name in published}
    if not any(name.startswith("transformer.encoder.") for name in original.values()):
        raise CheckpointError(f"DETR weights: got {next(iter(published), 'nothing')!r} and others; want a DETR's names")
    prefixes = _target_prefixes(system, _boxes_task(system, task))
    renamed = {name: _convert(original[name], value, prefixes) for name, value in published.items()}
    own = system.state_dict()
    found = copy_published(own, renamed, expected=_expected(own, prefixes))
    return replace(found, unexpected=tuple(n for n in found.unexpected if not n.endswith("num_batches_tracked")))


def load_text_encoder(system: UniT, source: str | Path | Mapping[str, Tensor]) -> PublishedWeights:
    """Loads a BERT of the same shape into the text encoder of a UniT.

    Args:
        system: filled in place.
        source: see `load_detr`.

    Raises:
        CheckpointError: a file that cannot be read, a weight that is missing, a shape that differs.
        ConfigError: a system without text inputs.

    Returns:
        The names that were loaded, and the published ones that no part of the encoder takes: heads, BERT's pooler.
    """
    if system.text is None:
        raise ConfigError("load_text_encoder: got a UniT without text inputs; want one with a task on texts")
    where = str(source) if isinstance(source, str | Path) else "weights"
    published = read_published(source, inside="model")
    model = system.text.tower.encoder.model
    load_bert(model, published, where=where)
    own = model.state_dict()
    plain = {name: name.removeprefix("bert.").removeprefix("model.") for name in published}
    # Original checkpoints call the parameters of a layer norm gamma and beta.
    left = [name for name, here in plain.items() if plain_norm_name(here) not in own and "position_ids" not in here]
    return PublishedWeights(tuple(f"text.tower.encoder.model.{name}" for name in own), tuple(left), ())


def encoder_state(published: Mapping[str, Tensor]) -> State:
    """Renames the layers of an image encoder from DETR's and UniT's code to `ImageLayers`."""
    return _layers_state(published, _ENCODER)


def decoder_state(published: Mapping[str, Tensor]) -> State:
    """Renames the layers of a decoder from DETR's and UniT's code to `DetrDecoder`."""
    return _layers_state(published, _DECODER)


def _layers_state(published: Mapping[str, Tensor], parts: Mapping[str, str]) -> State:
    state: State = {}
    for name, value in published.items():
        state |= _layer_part(name, value, parts)
    return state


def _layer_part(name: str, value: Tensor, parts: Mapping[str, str]) -> State:
    """Renames one layer weight; PyTorch's joint matrix of queries, keys and values becomes three."""
    matched = re.fullmatch(r"layers\.(\d+)\.(\w+)\.(.+)", name)
    if matched is None:
        return {name: value} if name.startswith("norm.") else {}
    layer, part, rest = matched.groups()
    if part not in parts:
        return {}
    prefix = f"layers.{layer}.{parts[part]}"
    if rest.startswith("in_proj_"):
        names = (f"{prefix}.{each}.{rest.removeprefix('in_proj_')}" for each in ("query", "key", "value"))
        return dict(zip(names, value.chunk(3), strict=True))
    first, _, last = rest.partition(".")
    return {f"{prefix}.{_PARTS[first]}.{last}" if first in _PARTS else f"{prefix}.{rest}": value}


def _original_name(name: str) -> str:
    """Returns a name of transformers as in the original code; original names are returned unchanged."""
    if name.startswith(("model.encoder.", "model.decoder.")):
        name = "transformer." + name.removeprefix("model.")
        for pattern, by in _HF_ENCODER if ".encoder." in name else _HF_DECODER:
            name = re.sub(rf"(layers\.\d+\.){pattern}", rf"\g<1>{by}", name)
        return name.replace("transformer.decoder.layernorm.", "transformer.decoder.norm.")
    for pattern, by in (
        (r"model\.backbone\.(?:conv_encoder\.)?(?:model\.|_backbone\.)*", "backbone.0.body."),
        (r"model\.input_projection\.", "input_proj."),
        (r"model\.query_position_embeddings\.", "query_embed."),
        (r"class_labels_classifier\.", "class_embed."),
        (r"bbox_predictor\.", "bbox_embed."),
    ):
        if (matched := re.match(pattern, name)) is not None:
            return by + name[matched.end() :]
    return name


def _target_prefixes(system: UniT, task: str | None) -> dict[str, str]:
    """Returns the prefixes of a UniT's weights by the prefixes of DETR's original names."""
    prefixes = {
        "backbone.0.body.": "vision.trunk.encoder.model.",
        "transformer.encoder.": "vision.layers.",
        "input_proj.": "vision.layers.input.",
    }
    if task is not None:
        name = parameter_name(task)
        prefixes |= {
            "transformer.decoder.": "decoder." if system.config.shared else f"decoders.{name}.",
            "query_embed.weight": f"queries.{name}",
            "class_embed.": f"heads.{name}.classes.",
            "bbox_embed.": f"heads.{name}.boxes.",
        }
    return prefixes


def _expected(own: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> list[str]:
    """Returns the names of the parts that a DETR has; its layers have no task tokens and no projections."""
    layers = prefixes["transformer.encoder."]
    wanted = tuple(prefix for prefix in prefixes.values() if prefix != layers)
    return [name for name in own if name.startswith((*wanted, f"{layers}layers.", f"{layers}norm."))]


def _convert(name: str, value: Tensor, prefixes: Mapping[str, str]) -> State:
    for original, own in prefixes.items():
        if not name.startswith(original):
            continue
        rest = name.removeprefix(original)
        match original:
            case "transformer.encoder.":
                return {own + part: weight for part, weight in _layer_part(rest, value, _ENCODER).items()}
            case "transformer.decoder.":
                return {own + part: weight for part, weight in _layer_part(rest, value, _DECODER).items()}
            case "input_proj.":
                return {own + rest: value.flatten(1) if value.ndim > 1 else value}
        return {own + rest: value}
    return {}


def _boxes_task(system: UniT, task: str | None) -> str | None:
    names = [name for name, each in system.tasks.items() if isinstance(each.target, Boxes)]
    if task is not None and task not in names:
        raise ConfigError(f"load_detr: task: got {task!r}; want a task of boxes, of {names}")
    return task if task is not None else names[0] if len(names) == 1 else None
