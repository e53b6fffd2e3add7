"""The two-stream transformer: one stream of words, one of regions, and co-attention between them (section 3.1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import ConfigError
from motet.nn.heads import BERT_NORM_EPS
from motet.systems.twelve_in_one.layers import BertLayer, CoAttentionLayer, CoAttentionMaps


@dataclass(frozen=True)
class StreamSizes:
    """Channels, depths and heads of both streams; the defaults are the paper's.

    Args:
        text_width: channels of the text stream.
        text_depth: number of its layers.
        text_heads: of each of its attentions.
        text_hidden: channels inside its feed-forward blocks.
        image_width: channels of the image stream.
        image_depth: number of its layers.
        image_heads: of each of its attentions.
        image_hidden: channels inside its feed-forward blocks.
        co_width: channels of the co-attentions and of the pooled states.
        co_heads: of the co-attentions.
        connections: per co-attention the image layer and the text layer that it precedes.
    """

    text_width: int = 768
    text_depth: int = 12
    text_heads: int = 12
    text_hidden: int = 3072
    image_width: int = 1024
    image_depth: int = 6
    image_heads: int = 8
    image_hidden: int = 1024
    co_width: int = 1024
    co_heads: int = 8
    connections: tuple[tuple[int, int], ...] = ((0, 6), (1, 7), (2, 8), (3, 9), (4, 10), (5, 11))

    def __post_init__(self) -> None:
        if not self.connections:
            raise ConfigError("twelve_in_one: connections: got none; want at least one co-attention")
        for image, text in self.connections:
            if not (0 <= image <= self.image_depth and 0 <= text <= self.text_depth):
                raise ConfigError(
                    f"twelve_in_one: connections: got {(image, text)}; want an image layer from 0 to "
                    f"{self.image_depth} and a text layer from 0 to {self.text_depth}"
                )
        for stream in (0, 1):
            order = [connection[stream] for connection in self.connections]
            if order != sorted(order):
                raise ConfigError(f"twelve_in_one: connections: got {self.connections}; want them in order of depth")


def last_layers(image_depth: int, text_depth: int) -> tuple[tuple[int, int], ...]:
    """Returns connections with one co-attention before each of the last layers, in the paper the last six of twelve.

    Examples:
        >>> last_layers(6, 12) == StreamSizes().connections
        True
        >>> last_layers(1, 3)
        ((0, 2),)
    """
    count = min(image_depth, text_depth)
    return tuple((image_depth - count + i, text_depth - count + i) for i in range(count))


class TextEmbedding(nn.Module):
    """The first states of words.

        norm(word + position + type), with the task token after [CLS], before the norm, without position or type

    The task token does not shift the positions of the words after it.

    Source: 12-in-1, section 3.2 ("Task Token"); the official code, `BertEmbeddings`.

    Args:
        num_pieces: rows of the word embeddings.
        width: channels.
        max_tokens: rows of the position embeddings that are used.
        num_types: rows of the type embeddings.
        dropout: probability.
        first_position: index of the first word's position; 0 for BERT, 2 for RoBERTa.
        norm_eps: of the norm.
    """

    def __init__(
        self,
        num_pieces: int,
        width: int,
        max_tokens: int,
        num_types: int,
        dropout: float,
        *,
        first_position: int = 0,
        norm_eps: float = BERT_NORM_EPS,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(num_pieces, width)
        self.positions = nn.Embedding(max_tokens + first_position, width)
        self.types = nn.Embedding(num_types, width)
        self.norm, self.dropout = nn.LayerNorm(width, norm_eps), nn.Dropout(dropout)
        self.first_position, self.max_tokens = first_position, max_tokens

    def forward(
        self, ids: Int[Tensor, "b t"], types: Int[Tensor, "b t"], task: Float[Tensor, "d"] | None
    ) -> Float[Tensor, "b u d"]:
        """Returns the first states.

        Args:
            ids: of words.
            types: 0 for the first sentence, 1 for the second.
            task: the task token; None for none.
        """
        index = torch.arange(self.first_position, self.first_position + ids.shape[1], device=ids.device)
        last = self.types.num_embeddings - 1
        x: Tensor = self.words(ids) + self.positions(index) + self.types(types.clamp(max=last))
        if task is not None:
            x = torch.cat([x[:, :1], task.to(x.dtype).expand(len(x), 1, -1), x[:, 1:]], dim=1)
        out: Tensor = self.dropout(self.norm(x))
        return out


class RegionEmbedding(nn.Module):
    """The first states of regions: norm(A feature + B location).

    Source: ViLBERT, section 2; the official code, `BertImageEmbeddings`.

    Args:
        features: channels of a region feature.
        width: channels.
        dropout: probability.
    """

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.features, self.places = nn.Linear(features, width), nn.Linear(5, width)
        self.norm, self.dropout = nn.LayerNorm(width, BERT_NORM_EPS), nn.Dropout(dropout)

    def forward(self, features: Float[Tensor, "b n f"], places: Float[Tensor, "b n 5"]) -> Float[Tensor, "b n d"]:
        """Returns the first states; a location is the two corners and the area, relative to the image."""
        out: Tensor = self.dropout(self.norm(self.features(features) + self.places(places)))
        return out


class TwoStreams(nn.Module):
    """Layers of words, layers of regions, and co-attentions between them.

    A co-attention precedes the layers that its connection names. With the paper's sizes: six text layers; then six
    times a co-attention, a text layer and an image layer.

    Source: ViLBERT, figure 1; the official code, `BertEncoder`.

    Args:
        sizes: channels, depths, connections.
        dropout: probability.
        attention_dropout: probability, on attention weights.
    """

    def __init__(self, sizes: StreamSizes, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        rates = (dropout, attention_dropout)
        self.sizes, self.connections = sizes, sizes.connections
        self.text = nn.ModuleList(
            BertLayer(sizes.text_width, sizes.text_heads, sizes.text_hidden, *rates) for _ in range(sizes.text_depth)
        )
        self.image = nn.ModuleList(
            BertLayer(sizes.image_width, sizes.image_heads, sizes.image_hidden, *rates)
            for _ in range(sizes.image_depth)
        )
        self.co = nn.ModuleList(
            CoAttentionLayer(
                sizes.text_width,
                sizes.image_width,
                sizes.co_width,
                sizes.co_heads,
                sizes.text_hidden,
                sizes.image_hidden,
                *rates,
            )
            for _ in sizes.connections
        )

    def encode_text(self, x: Float[Tensor, "b t d"], valid: Bool[Tensor, "b t"] | None) -> Float[Tensor, "b t d"]:
        """Runs words up to the first co-attention, where they do not depend on the image."""
        return _run_layers(self.text[: self.connections[0][1]], x, valid)

    def encode_image(self, x: Float[Tensor, "b n d"], valid: Bool[Tensor, "b n"] | None) -> Float[Tensor, "b n d"]:
        """Runs regions up to the first co-attention, where they do not depend on the text."""
        return _run_layers(self.image[: self.connections[0][0]], x, valid)

    def encode_jointly(
        self,
        text: Float[Tensor, "b t d"],
        text_valid: Bool[Tensor, "b t"] | None,
        image: Float[Tensor, "b n c"],
        image_valid: Bool[Tensor, "b n"] | None,
        *,
        attention_layers: Collection[int] = (),
        text_qkv: Float[Tensor, "b t e"] | None = None,
        image_qkv: Float[Tensor, "b n e"] | None = None,
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b n c"], list[CoAttentionMaps]]:
        """Runs from the first co-attention to the end; returns states of words and regions, and the requested maps.

        Args:
            text: from `encode_text`.
            text_valid: True on words; None for all.
            image: from `encode_image`.
            image_valid: True on regions; None for all.
            attention_layers: indices of the co-attentions whose maps are returned.
            text_qkv: queries, keys and values of the words in the first co-attention, if they are known.
            image_qkv: those of the regions.
        """
        maps: list[CoAttentionMaps] = []
        ends = [*self.connections[1:], (len(self.image), len(self.text))]
        for index, (layer, start, end) in enumerate(zip(self.co, self.connections, ends, strict=True)):
            qkv = {} if index else {"text_qkv": text_qkv, "image_qkv": image_qkv}
            layer_maps = maps if index in attention_layers else None
            text, image = layer(text, text_valid, image, image_valid, layer_maps, **qkv)
            text = _run_layers(self.text[start[1] : end[1]], text, text_valid)
            image = _run_layers(self.image[start[0] : end[0]], image, image_valid)
        return text, image, maps


class Pooler(nn.Module):
    """The pooled state of a stream, from its first position: relu(W x).

    Source: the official code, `BertTextPooler` and `BertImagePooler`; BERT's own ends in a tanh.

    Args:
        width: channels in.
        out: channels out.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, out)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b e"]:
        pooled: Tensor = self.dense(x[:, 0]).relu()
        return pooled


def _run_layers(layers: Sequence[nn.Module] | nn.ModuleList, x: Tensor, valid: Tensor | None) -> Tensor:
    for layer in layers:
        x = layer(x, valid)
    return x
