"""The body that all tasks share: embeddings, the two streams, and the two pooled states (section 3.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import ConfigError, Side
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.layers import CoAttentionLayer, CoAttentionMaps
from motet.systems.twelve_in_one.streams import (
    Pooler,
    RegionEmbedding,
    StreamSizes,
    TextEmbedding,
    TwoStreams,
    last_layers,
)


@dataclass(frozen=True)
class UnimodalStates:
    """States of texts or of images before the first co-attention, computed once per text or image, not per pair.

    Args:
        states: the input of the first co-attention.
        valid: True on states that are not padding.
        qkv: their queries, keys and values in the first co-attention; None if they are computed pair by pair.
    """

    states: Float[Tensor, "p n d"]
    valid: Bool[Tensor, "p n"]
    qkv: Float[Tensor, "p n e"] | None = None

    def rows(self, index: Int[Tensor, "r"]) -> UnimodalStates:
        """Returns some of the texts or images; an index may occur several times."""
        return UnimodalStates(self.states[index], self.valid[index], None if self.qkv is None else self.qkv[index])

    def trim(self) -> UnimodalStates:
        """Returns them without the positions that are padding in all of them."""
        longest = int(self.valid.any(0).nonzero().max()) + 1
        qkv = None if self.qkv is None else self.qkv[:, :longest]
        return UnimodalStates(self.states[:, :longest], self.valid[:, :longest], qkv)

    def to_dict(self) -> dict[str, Tensor]:
        """Returns what `System.side` returns, without `qkv`, which is three times as wide and quick to compute."""
        return {"states": self.states, "valid": self.valid}

    @staticmethod
    def from_dict(side: Mapping[str, Tensor]) -> UnimodalStates:
        """Returns the states that `to_dict` wrote."""
        return UnimodalStates(side["states"], side["valid"])


@dataclass(frozen=True)
class PairStates:
    """The last states of pairs of text and image.

    Args:
        text: of words, with the task token after [CLS].
        image: of regions, the whole image first.
        text_pooled: h_CLS.
        image_pooled: h_IMG.
        maps: of the requested co-attentions.
    """

    text: Float[Tensor, "p t d"]
    image: Float[Tensor, "p n c"]
    text_pooled: Float[Tensor, "p e"]
    image_pooled: Float[Tensor, "p e"]
    maps: tuple[CoAttentionMaps, ...] = ()


class Body(nn.Module):
    """The two-stream transformer from words and regions to the states that heads read.

    Args:
        text: the configuration of a BERT of transformers, which sets the sizes of the text embedding.
        sizes: of the streams.
        max_tokens: number of text positions.
        region_width: channels of a region feature.
        dropout: probability.
        attention_dropout: probability, on attention weights.
        fusion: of the two pooled states.
    """

    def __init__(
        self,
        text: Any,
        sizes: StreamSizes,
        max_tokens: int,
        region_width: int,
        *,
        dropout: float,
        attention_dropout: float,
        fusion: Literal["product", "sum"],
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self.words = TextEmbedding(
            text.vocab_size,
            text.hidden_size,
            max_tokens,
            text.type_vocab_size,
            dropout,
            # RoBERTa's positions start after that of padding.
            first_position=int(text.max_position_embeddings) - max_tokens,
            norm_eps=text.layer_norm_eps,
        )
        self.regions = RegionEmbedding(region_width, sizes.image_width, dropout)
        self.streams = TwoStreams(sizes, dropout, attention_dropout)
        self.text_pooler = Pooler(sizes.text_width, sizes.co_width)
        self.image_pooler = Pooler(sizes.image_width, sizes.co_width)
        self.dropout = nn.Dropout(dropout)

    def encode_texts(
        self,
        ids: Int[Tensor, "p t"],
        types: Int[Tensor, "p t"],
        valid: Bool[Tensor, "p t"],
        token: Float[Tensor, "d"] | None,
    ) -> UnimodalStates:
        """Encodes texts up to the first co-attention; `token` is the task token, None for none."""
        if token is not None:
            valid = torch.cat([valid[:, :1], valid.new_ones(len(valid), 1), valid[:, 1:]], dim=1)
        return UnimodalStates(self.streams.encode_text(self.words(ids, types, token), valid), valid)

    def encode_images(
        self, features: Float[Tensor, "p n f"], places: Float[Tensor, "p n 5"], valid: Bool[Tensor, "p n"]
    ) -> UnimodalStates:
        """Encodes images up to the first co-attention."""
        return UnimodalStates(self.streams.encode_image(self.regions(features, places), valid), valid)

    def project_qkv(self, side: UnimodalStates, of: Side) -> UnimodalStates:
        """Returns texts or images with their queries, keys and values of the first co-attention."""
        layer = self.streams.co[0]
        assert isinstance(layer, CoAttentionLayer)
        projection = layer.text_query_key_value if of == "texts" else layer.image_query_key_value
        return replace(side, qkv=projection(side.states))

    def join(
        self, texts: UnimodalStates, images: UnimodalStates, *, attention_layers: Collection[int] = ()
    ) -> PairStates:
        """Runs pairs through the co-attentions: each text with the image of the same index.

        Args:
            texts: of p pairs.
            images: of the same pairs.
            attention_layers: indices of the co-attentions whose maps are returned.
        """
        text, image, maps = self.streams.encode_jointly(
            texts.states,
            texts.valid,
            images.states,
            images.valid,
            attention_layers=attention_layers,
            text_qkv=texts.qkv,
            image_qkv=images.qkv,
        )
        return PairStates(text, image, self.text_pooler(text), self.image_pooler(image), tuple(maps))

    def fuse(self, states: PairStates) -> Float[Tensor, "p e"]:
        """Returns the joint state of each pair: dropout(h_IMG * h_CLS), or of their sum.

        Source: 12-in-1, equation 1; the official code, `fusion_method`.
        """
        text, image = states.text_pooled, states.image_pooled
        fused: Tensor = self.dropout(text * image if self.fusion == "product" else text + image)
        return fused

    def blocks(self) -> dict[str, list[nn.Module]]:
        """Returns its modules by name, in the order they run."""
        streams = self.streams
        blocks: dict[str, list[nn.Module]] = {"words": [self.words], "regions": [self.regions]}
        starts = [(0, 0), *streams.connections]
        ends = [*streams.connections, (len(streams.image), len(streams.text))]
        for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if index:
                blocks[f"co_layer{index - 1}"] = [streams.co[index - 1]]
            blocks |= {f"text_layer{i}": [streams.text[i]] for i in range(start[1], end[1])}
            blocks |= {f"image_layer{i}": [streams.image[i]] for i in range(start[0], end[0])}
        return blocks | {"poolers": [self.text_pooler, self.image_pooler]}

    def co_attention_norms(self) -> list[nn.LayerNorm]:
        """Returns the norms right after the co-attentions, two per layer."""
        layers = [layer for layer in self.streams.co if isinstance(layer, CoAttentionLayer)]
        return [added.norm for layer in layers for added in (layer.text_added, layer.image_added)]


def build_body(config: TwelveInOneConfig, text: Any, max_tokens: int, region_width: int) -> Body:
    """Builds the body whose text stream has the sizes of a BERT.

    Args:
        config: all other sizes.
        text: the configuration of a BERT of transformers.
        max_tokens: number of its text positions.
        region_width: channels of a region feature.

    Raises:
        ConfigError: a BERT with another activation than GELU.
    """
    if text.hidden_act != "gelu":
        raise ConfigError(
            f"TwelveInOneConfig.text: got a BERT with activation {text.hidden_act!r}; want one with 'gelu'"
        )
    depth = int(text.num_hidden_layers)
    connections = config.connections
    sizes = StreamSizes(
        text_width=text.hidden_size,
        text_depth=depth,
        text_heads=text.num_attention_heads,
        text_hidden=text.intermediate_size,
        image_width=config.image_width,
        image_depth=config.image_depth,
        image_heads=config.image_heads,
        image_hidden=config.image_hidden,
        co_width=config.co_width,
        co_heads=config.co_heads,
        connections=last_layers(config.image_depth, depth) if connections is None else connections,
    )
    return Body(
        text,
        sizes,
        max_tokens,
        region_width,
        dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        fusion=config.fusion,
    )
