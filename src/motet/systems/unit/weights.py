"""Weights of DETR and of UniT's official code, under the names they are published with, into the modules here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from motet.core import Boxes, CheckpointError, ConfigError
from motet.nn.parameter_names import parameter_name
from motet.nn.pretrained.files import PublishedWeights, read_published
from motet.nn.text_encoders import load_bert
from motet.systems.unit.model import UniT

State = dict[str, Tensor]

_ENCODER = {"self_attn": "attention", "linear1": "mlp.up", "linear2": "mlp.down", "norm1": "norm1", "norm2": "norm2"}
_DECODER = {
    "self_attn": "self_attention", "multihead_attn": "cross_attention", "linear1": "mlp.up", "linear2": "mlp.down",
    "norm1": "norm1", "norm2": "norm2", "norm3": "norm3",
}  # fmt: skip
# transformers' names, of version 4 and of version 5, as those of the original code.
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
    """Fills a UniT from a DETR: trunk, projection, image encoder; and where widths agree, decoder, queries and heads.

    Args:
        system: filled in place.
        source: weights by name, those of facebookresearch/detr or of transformers; a ``.safetensors`` file; or a folder
            with ``model.safetensors`` in it.
        task: the `Boxes` task that takes queries and heads; None for the only one there is.

    Raises:
        CheckpointError: a file that cannot be read, or weights that are no DETR's.
        ConfigError: a system that sees no images, or a task of another kind.

    Returns:
        What was loaded, and what was not.
    """
    if system.vision is None:
        raise ConfigError("load_detr: got a UniT without a task that sees images; want one")
    published = read_published(source, inside="model")
    original = {name: _original(name) for name in published}
    if not any(name.startswith("transformer.encoder.") for name in original.values()):
        raise CheckpointError(f"DETR weights: got {next(iter(published), 'nothing')!r} and others; want a DETR's names")
    boxes = _boxes_task(system, task)
    places = _places(system, boxes)
    own = system.state_dict()
    kept: list[str] = []
    left: list[str] = []
    shapes: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    with torch.no_grad():
        for name, value in published.items():
            found = _converted(original[name], value, places)
            if not found or any(here not in own for here in found):
                left += [name] if not name.endswith("num_batches_tracked") else []
                continue
            for here, part in found.items():
                if own[here].shape != part.shape:
                    shapes.append((name, tuple(part.shape), tuple(own[here].shape)))
                else:
                    own[here].copy_(part)
                    kept.append(here)
    return PublishedWeights(tuple(kept), tuple(left), tuple(shapes))


def load_text_encoder(system: UniT, source: str | Path | Mapping[str, Tensor]) -> None:
    """Fills a UniT's text encoder from a BERT of the same shape.

    Args:
        system: filled in place.
        source: see `load_detr`.

    Raises:
        CheckpointError: a file that cannot be read, a weight that is missing, a shape that differs.
        ConfigError: a system that reads no texts.
    """
    if system.text is None:
        raise ConfigError("load_text_encoder: got a UniT without a task that sees text; want one")
    where = str(source) if isinstance(source, str | Path) else "weights"
    load_bert(system.text.tower.encoder.model, read_published(source, inside="model"), where=where)


def encoder_state(published: Mapping[str, Tensor]) -> State:
    """An image encoder's layers under the names of `ImageLayers`, from those of DETR's and UniT's code."""
    return _layers_state(published, _ENCODER)


def decoder_state(published: Mapping[str, Tensor]) -> State:
    """A decoder under the names of `Decoder`, from those of DETR's and UniT's code."""
    return _layers_state(published, _DECODER)


def _layers_state(published: Mapping[str, Tensor], parts: Mapping[str, str]) -> State:
    state: State = {}
    for name, value in published.items():
        state |= _layer_part(name, value, parts)
    return state


def _layer_part(name: str, value: Tensor, parts: Mapping[str, str]) -> State:
    """One weight of a layer; three where PyTorch keeps queries, keys and values as one matrix."""
    found = re.fullmatch(r"layers\.(\d+)\.(\w+)\.(.+)", name)
    if found is None:
        return {name: value} if name.startswith("norm.") else {}
    layer, part, rest = found.groups()
    if part not in parts:
        return {}
    at = f"layers.{layer}.{parts[part]}"
    if rest.startswith("in_proj_"):
        names = (f"{at}.{each}.{rest.removeprefix('in_proj_')}" for each in ("query", "key", "value"))
        return dict(zip(names, value.chunk(3), strict=True))
    first, _, last = rest.partition(".")
    return {f"{at}.{_PARTS[first]}.{last}" if first in _PARTS else f"{at}.{rest}": value}


def _original(name: str) -> str:
    """A name of transformers as the original code has it; original names stay."""
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
        if (found := re.match(pattern, name)) is not None:
            return by + name[found.end() :]
    return name


def _places(system: UniT, task: str | None) -> dict[str, str]:
    """Where each part of a DETR goes, by the start of its original name."""
    places = {
        "backbone.0.body.": "vision.trunk.encoder.model.",
        "transformer.encoder.": "vision.layers.",
        "input_proj.": "vision.layers.input.",
    }
    if task is not None:
        name = parameter_name(task)
        places |= {
            "transformer.decoder.": "decoder." if system.config.shared else f"decoders.{name}.",
            "query_embed.weight": f"queries.{name}",
            "class_embed.": f"heads.{name}.classes.",
            "bbox_embed.": f"heads.{name}.boxes.",
        }
    return places


def _converted(name: str, value: Tensor, places: Mapping[str, str]) -> State:
    for start, here in places.items():
        if not name.startswith(start):
            continue
        rest = name.removeprefix(start)
        match start:
            case "transformer.encoder.":
                return {here + part: one for part, one in _layer_part(rest, value, _ENCODER).items()}
            case "transformer.decoder.":
                return {here + part: one for part, one in _layer_part(rest, value, _DECODER).items()}
            case "input_proj.":
                return {here + rest: value.flatten(1) if value.ndim > 1 else value}
        return {here + rest: value}
    return {}


def _boxes_task(system: UniT, task: str | None) -> str | None:
    names = [name for name, each in system.tasks.items() if isinstance(each.target, Boxes)]
    if task is not None and task not in names:
        raise ConfigError(f"load_detr: task: got {task!r}; want a task of boxes, of {names}")
    return task if task is not None else names[0] if len(names) == 1 else None
