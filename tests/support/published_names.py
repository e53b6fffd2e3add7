"""Names and shapes of published weights, written from the code that saved them; `tensors` makes weights of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def tensors(shapes: Mapping[str, tuple[int, ...]], *, device: str = "cpu") -> dict[str, Tensor]:
    """Returns a weight of every name; on "meta" without any memory, else drawn, the same for the same name."""
    if device == "meta":
        return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    draw = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}


def arrays(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Returns the same as arrays."""
    return {name: value.numpy() for name, value in tensors(shapes).items()}


def trunk(body: Mapping[str, Tensor], prefix: str) -> Shapes:
    """The trunk's weights, with its frozen norms; torchvision and timm give those of a ResNet the same names."""
    kept = {name: tuple(value.shape) for name, value in body.items() if not name.endswith("num_batches_tracked")}
    return {f"{prefix}{name}": shape for name, shape in kept.items() if not name.startswith("fc.")}


def layer(prefix: str, width: int, hidden: int, *, cross: bool) -> Shapes:
    """A layer of facebookresearch/detr, `models/transformer.py`."""
    found: Shapes = {}
    for attention in ("self_attn", *(["multihead_attn"] if cross else [])):
        found[f"{prefix}{attention}.in_proj_weight"] = (3 * width, width)
        found[f"{prefix}{attention}.in_proj_bias"] = (3 * width,)
        found |= linear(f"{prefix}{attention}.out_proj", width, width)
    found |= linear(f"{prefix}linear1", width, hidden) | linear(f"{prefix}linear2", hidden, width)
    for number in range(1, 4 if cross else 3):
        found |= norm(f"{prefix}norm{number}", width)
    return found


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def box_mlp(name: str, width: int) -> Shapes:
    sizes = ((width, width), (width, width), (width, 4))
    return {key: v for i, size in enumerate(sizes) for key, v in linear(f"{name}.layers.{i}", *size).items()}


def stack(prefix: str, depth: int, width: int, hidden: int, *, cross: bool) -> Shapes:
    """The layers of an encoder, or of a decoder with its final norm."""
    found: Shapes = {}
    for i in range(depth):
        found |= layer(f"{prefix}layers.{i}.", width, hidden, cross=cross)
    return found | (norm(f"{prefix}norm", width) if cross else {})


def detr(body: Shapes, *, channels: int, width: int, depth: int, hidden: int, queries: int, classes: int) -> Shapes:
    """facebookresearch/detr: the names of `detr-r50-*.pth`, whose class 91 is "no object"."""
    return {
        **body,
        **stack("transformer.encoder.", depth, width, hidden, cross=False),
        **stack("transformer.decoder.", depth, width, hidden, cross=True),
        **linear("class_embed", width, classes + 1),
        **box_mlp("bbox_embed", width),
        "query_embed.weight": (queries, width),
        "input_proj.weight": (width, channels, 1, 1),
        "input_proj.bias": (width,),
    }


def bert(prefix: str, *, width: int, depth: int, hidden: int, words: int, places: int, pooler: bool = True) -> Shapes:
    """The encoder of bert-base-uncased, as transformers saves it."""
    at = f"{prefix}embeddings."
    found: Shapes = {
        f"{at}word_embeddings.weight": (words, width),
        f"{at}position_embeddings.weight": (places, width),
        f"{at}token_type_embeddings.weight": (2, width),
        **norm(f"{at}LayerNorm", width),
    }
    for i in range(depth):
        at = f"{prefix}encoder.layer.{i}."
        for part in ("query", "key", "value"):
            found |= linear(f"{at}attention.self.{part}", width, width)
        found |= linear(f"{at}attention.output.dense", width, width) | norm(f"{at}attention.output.LayerNorm", width)
        found |= linear(f"{at}intermediate.dense", width, hidden) | linear(f"{at}output.dense", hidden, width)
        found |= norm(f"{at}output.LayerNorm", width)
    return found | (linear(f"{prefix}pooler.dense", width, width) if pooler else {})


def mmf_unit(
    body: Shapes,
    text: Shapes,
    *,
    channels: int,
    image_width: int,
    width: int,
    text_width: int,
    image_depth: int,
    depth: int,
    hidden: int,
    shared: bool,
    heads: Mapping[str, tuple[str, int, int, int]],
) -> Shapes:
    """facebookresearch/mmf `mmf/models/unit`: by data set its kind, queries, classes and attributes."""
    base = "unit_base_model."
    found: Shapes = {
        **{f"{base}{name}": shape for name, shape in body.items()},
        f"{base}input_proj.weight": (image_width, channels, 1, 1),
        f"{base}input_proj.bias": (image_width,),
        **stack(f"{base}transformer.encoder.", image_depth, image_width, hidden, cross=False),
        **linear(f"{base}transformer.enc2dec_proj", image_width, width),
        **linear(f"{base}transformer.pos_embed_proj", image_width, width),
        f"{base}transformer.task_embeddings_enc.weight": (256, image_width),
        **{f"bert_model.module.{name}": shape for name, shape in text.items()},
        # `self.embeddings = self.module.embeddings` stores them once more.
        **{f"bert_model.{name}": shape for name, shape in text.items() if name.startswith("embeddings.")},
        "bert_model.module.embeddings.position_ids": (1, 16),
        **linear("bert_projection", text_width, width),
        **linear("bert_pos_projection", text_width, width),
        "task_embeddings_lang.weight": (256, text_width),
    }
    if shared:
        found |= stack(f"{base}transformer.decoder.", depth, width, hidden, cross=True)
    for name, (kind, queries, classes, attributes) in heads.items():
        found |= stack(f"{base}transformer.decoders.{kind}.{name}.", depth, width, hidden, cross=True)
        found[f"{base}query_embeds.{kind}.{name}.weight"] = (queries, width)
        if kind == "detection":
            found |= linear(f"class_embeds.{name}", width, classes + 1) | box_mlp(f"bbox_embeds.{name}", width)
            found[f"det_losses.{name}.empty_weight"] = (classes + 1,)
            if attributes:
                at = f"det_losses.{name}.attribute_head."
                found[f"{at}cls_embed.weight"] = (classes + 1, 256)
                found |= linear(f"{at}attr_linear1", width + 256, 512) | linear(f"{at}attr_linear2", 512, attributes)
        else:
            at = f"classifiers.{kind}.{name}."
            found |= linear(f"{at}0.dense", width, width) | norm(f"{at}0.LayerNorm", width)
            found |= linear(f"{at}1", width, classes)
    return found


def big_vision_vit(
    *, patch: int, places: int, width: int, depth: int, heads: int, hidden: int, scanned: bool, map_head: bool = True
) -> Shapes:
    """google-research/big_vision `models/vit.py`, without a class token, with a MAP head as in SigLIP."""
    found: Shapes = {
        "embedding/kernel": (patch, patch, 3, width), "embedding/bias": (width,), "pos_embedding": (1, places, width),
        "Transformer/encoder_norm/scale": (width,), "Transformer/encoder_norm/bias": (width,),
    }  # fmt: skip
    block: Shapes = {f"LayerNorm_{i}/{part}": (width,) for i in (0, 1) for part in ("scale", "bias")}
    block |= _flax_attention("MultiHeadDotProductAttention_0/", width, heads) | _flax_mlp("MlpBlock_0/", width, hidden)
    for name, shape in block.items():
        if scanned:
            found[f"Transformer/encoderblock/{name}"] = (depth, *shape)
        else:
            found |= {f"Transformer/encoderblock_{i}/{name}": shape for i in range(depth)}
    if map_head:
        found |= {"MAPHead_0/probe": (1, 1, width), "MAPHead_0/LayerNorm_0/scale": (width,)}
        found |= {"MAPHead_0/LayerNorm_0/bias": (width,)} | _flax_mlp("MAPHead_0/MlpBlock_0/", width, hidden)
        found |= _flax_attention("MAPHead_0/MultiHeadDotProductAttention_0/", width, heads)
    return found


def _flax_attention(at: str, width: int, heads: int) -> Shapes:
    inner = width // heads
    found: Shapes = {f"{at}out/kernel": (heads, inner, width), f"{at}out/bias": (width,)}
    for part in ("query", "key", "value"):
        found |= {f"{at}{part}/kernel": (width, heads, inner), f"{at}{part}/bias": (heads, inner)}
    return found


def _flax_mlp(at: str, width: int, hidden: int) -> Shapes:
    return {
        f"{at}Dense_0/kernel": (width, hidden), f"{at}Dense_0/bias": (hidden,),
        f"{at}Dense_1/kernel": (hidden, width), f"{at}Dense_1/bias": (width,),
    }  # fmt: skip
