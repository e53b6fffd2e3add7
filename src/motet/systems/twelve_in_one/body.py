"""What all tasks share: inputs, the two streams, and the two pooled states (section 3.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import Side
from motet.systems.twelve_in_one.layers import CoLayer, CoMaps
from motet.systems.twelve_in_one.streams import Pooler, RegionInput, StreamSizes, TwoStreams, WordInput


@dataclass(frozen=True)
class OneSide:
    """Texts that know of no image yet, or images that know of no text: what is computed once a side.

    Args:
        states: at the first co-attention.
        valid: True on what is no padding.
        asks: their queries, keys and values in the first co-attention; None where they are made pair by pair.
    """

    states: Float[Tensor, "p n d"]
    valid: Bool[Tensor, "p n"]
    asks: Float[Tensor, "p n e"] | None = None

    def rows(self, index: Int[Tensor, "r"]) -> OneSide:
        """Some of them, perhaps several times."""
        return OneSide(self.states[index], self.valid[index], None if self.asks is None else self.asks[index])

    def cut(self) -> OneSide:
        """Without what is padding in all of them."""
        longest = int(self.valid.any(0).nonzero().max()) + 1
        asks = None if self.asks is None else self.asks[:, :longest]
        return OneSide(self.states[:, :longest], self.valid[:, :longest], asks)

    def plain(self) -> dict[str, Tensor]:
        """As `System.side` gives it; `asks`, three times as wide as the co-attention, is quickly made again."""
        return {"states": self.states, "valid": self.valid}

    @staticmethod
    def of(side: Mapping[str, Tensor]) -> OneSide:
        """From what `plain` gave."""
        return OneSide(side["states"], side["valid"])


@dataclass(frozen=True)
class States:
    """The last states of pairs of a text and an image.

    Args:
        text: of words, the task's row behind [CLS] among them.
        image: of regions, that of the whole picture in front.
        text_pooled: h_CLS.
        image_pooled: h_IMG.
        maps: of the co-attentions that were asked for.
    """

    text: Float[Tensor, "p t d"]
    image: Float[Tensor, "p n c"]
    text_pooled: Float[Tensor, "p e"]
    image_pooled: Float[Tensor, "p e"]
    maps: tuple[CoMaps, ...] = ()


class Body(nn.Module):
    """Words and regions to the states that heads read.

    Args:
        text: the configuration of a BERT of transformers, which sizes the stream of words.
        sizes: of the streams.
        max_tokens: the longest text there are positions for.
        region_width: numbers of a region's feature.
        dropout: rate.
        attention_dropout: rate on attention weights.
        fusion: how the two pooled states become one.
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
        self.words = WordInput(
            text.vocab_size,
            text.hidden_size,
            max_tokens,
            text.type_vocab_size,
            dropout,
            # RoBERTa's positions start after the padding's.
            first_position=int(text.max_position_embeddings) - max_tokens,
            norm_eps=text.layer_norm_eps,
        )
        self.regions = RegionInput(region_width, sizes.image_width, dropout)
        self.streams = TwoStreams(sizes, dropout, attention_dropout)
        self.text_pooler = Pooler(sizes.text_width, sizes.co_width)
        self.image_pooler = Pooler(sizes.image_width, sizes.co_width)
        self.dropout = nn.Dropout(dropout)

    def texts(
        self,
        ids: Int[Tensor, "p t"],
        types: Int[Tensor, "p t"],
        read: Bool[Tensor, "p t"],
        token: Float[Tensor, "d"] | None,
    ) -> OneSide:
        """Texts up to the first co-attention; `token` is the row of the task, None for none."""
        if token is not None:
            read = torch.cat([read[:, :1], read.new_ones(len(read), 1), read[:, 1:]], dim=1)
        return OneSide(self.streams.text_alone(self.words(ids, types, token), read), read)

    def images(
        self, features: Float[Tensor, "p n f"], places: Float[Tensor, "p n 5"], valid: Bool[Tensor, "p n"]
    ) -> OneSide:
        """Images up to the first co-attention."""
        return OneSide(self.streams.image_alone(self.regions(features, places), valid), valid)

    def ask(self, side: OneSide, of: Side) -> OneSide:
        """One side with its part of the first co-attention made: once a text or an image, not once a pair."""
        layer = self.streams.co[0]
        assert isinstance(layer, CoLayer)
        made = layer.text_query_key_value if of == "texts" else layer.image_query_key_value
        return replace(side, asks=made(side.states))

    def join(self, texts: OneSide, images: OneSide, *, look_at: Collection[int] = ()) -> States:
        """Each text with the image of the same place.

        Args:
            texts: of p pairs.
            images: of the same pairs.
            look_at: co-attentions whose maps are wanted.
        """
        text, image, maps = self.streams.together(
            texts.states,
            texts.valid,
            images.states,
            images.valid,
            look_at=look_at,
            text_asks=texts.asks,
            image_asks=images.asks,
        )
        return States(text, image, self.text_pooler(text), self.image_pooler(image), tuple(maps))

    def fused(self, states: States) -> Float[Tensor, "p e"]:
        """What stands for text and image together: dropout(h_IMG * h_CLS).

        Source: 12-in-1, equation 1; the official code, `fusion_method`.
        """
        text, image = states.text_pooled, states.image_pooled
        both: Tensor = self.dropout(text * image if self.fusion == "product" else text + image)
        return both
