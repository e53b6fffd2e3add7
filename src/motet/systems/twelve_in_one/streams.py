"""The two-stream transformer: words and regions, each with layers of its own, joined by co-attention (section 3.1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import ConfigError
from motet.systems.twelve_in_one.layers import NORM_EPS, CoLayer, CoMaps, SelfLayer


@dataclass(frozen=True)
class StreamSizes:
    """Channels, depths and heads of both streams; the paper's unless others are said.

    Args:
        text_width: of words.
        text_depth: layers of words.
        text_heads: of each of their attentions.
        text_hidden: inside their feed-forward parts.
        image_width: of regions.
        image_depth: layers of regions.
        image_heads: of each of their attentions.
        image_hidden: inside their feed-forward parts.
        co_width: of the attentions between the streams, and of what is pooled.
        co_heads: of those attentions.
        connections: of each co-attention the layer of regions and the layer of words that it stands before.
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
                    f"twelve_in_one: connections: got {(image, text)}; want layers of regions from 0 to "
                    f"{self.image_depth} and of words from 0 to {self.text_depth}"
                )
        for place in (0, 1):
            order = [connection[place] for connection in self.connections]
            if order != sorted(order):
                raise ConfigError(f"twelve_in_one: connections: got {self.connections}; want them in order of depth")


def last_layers(image_depth: int, text_depth: int) -> tuple[tuple[int, int], ...]:
    """One co-attention before each of the last layers, as the paper has them: before the last six of twelve of words.

    Examples:
        >>> last_layers(6, 12) == StreamSizes().connections
        True
        >>> last_layers(1, 3)
        ((0, 2),)
    """
    count = min(image_depth, text_depth)
    return tuple((image_depth - count + i, text_depth - count + i) for i in range(count))


class WordInput(nn.Module):
    """Words to the first states of their stream.

        norm(word + position + type), the task's row put behind [CLS] before the norm, without position or type

    Positions of words do not move where a task's row stands between them.

    Source: 12-in-1, section 3.2 ("Task Token"); the official code, `BertEmbeddings`.

    Args:
        num_pieces: rows of the table of words.
        width: channels.
        max_tokens: rows of the table of positions that are used.
        num_types: rows of the table of types.
        dropout: rate.
        first_position: the row of the first word's position; 0 for BERT, 2 for RoBERTa.
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
        norm_eps: float = NORM_EPS,
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
        """The first states.

        Args:
            ids: of words.
            types: 0 for the first sentence, 1 for the second.
            task: the row of the task; None for none.
        """
        at = torch.arange(self.first_position, self.first_position + ids.shape[1], device=ids.device)
        last = self.types.num_embeddings - 1
        x: Tensor = self.words(ids) + self.positions(at) + self.types(types.clamp(max=last))
        if task is not None:
            x = torch.cat([x[:, :1], task.to(x.dtype).expand(len(x), 1, -1), x[:, 1:]], dim=1)
        out: Tensor = self.dropout(self.norm(x))
        return out


class RegionInput(nn.Module):
    """Regions to the first states of their stream: norm(A feature + B place).

    Source: ViLBERT, section 2; the official code, `BertImageEmbeddings`.

    Args:
        features: numbers of a region's feature.
        width: channels.
        dropout: rate.
    """

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.features, self.places = nn.Linear(features, width), nn.Linear(5, width)
        self.norm, self.dropout = nn.LayerNorm(width, NORM_EPS), nn.Dropout(dropout)

    def forward(self, features: Float[Tensor, "b n f"], places: Float[Tensor, "b n 5"]) -> Float[Tensor, "b n d"]:
        """The first states; a place is the two corners and the area, in parts of the image."""
        out: Tensor = self.dropout(self.norm(self.features(features) + self.places(places)))
        return out


class TwoStreams(nn.Module):
    """Layers of words, layers of regions, and co-attentions between them.

    A co-attention stands before the layers that its connection names. With the paper's sizes: six layers of words;
    then six times a co-attention, a layer of words and a layer of regions.

    Source: ViLBERT, figure 1; the official code, `BertEncoder`.

    Args:
        sizes: channels, depths, connections.
        dropout: rate.
        attention_dropout: rate on attention weights.
    """

    def __init__(self, sizes: StreamSizes, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        rates = (dropout, attention_dropout)
        self.sizes, self.connections = sizes, sizes.connections
        self.text = nn.ModuleList(
            SelfLayer(sizes.text_width, sizes.text_heads, sizes.text_hidden, *rates) for _ in range(sizes.text_depth)
        )
        self.image = nn.ModuleList(
            SelfLayer(sizes.image_width, sizes.image_heads, sizes.image_hidden, *rates)
            for _ in range(sizes.image_depth)
        )
        self.co = nn.ModuleList(
            CoLayer(
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

    def text_alone(self, x: Float[Tensor, "b t d"], valid: Bool[Tensor, "b t"] | None) -> Float[Tensor, "b t d"]:
        """Words up to the first co-attention, where they know of no image yet."""
        return _through(self.text[: self.connections[0][1]], x, valid)

    def image_alone(self, x: Float[Tensor, "b n d"], valid: Bool[Tensor, "b n"] | None) -> Float[Tensor, "b n d"]:
        """Regions up to the first co-attention, where they know of no words yet."""
        return _through(self.image[: self.connections[0][0]], x, valid)

    def together(
        self,
        text: Float[Tensor, "b t d"],
        text_valid: Bool[Tensor, "b t"] | None,
        image: Float[Tensor, "b n c"],
        image_valid: Bool[Tensor, "b n"] | None,
        *,
        look_at: Collection[int] = (),
        text_asks: Float[Tensor, "b t e"] | None = None,
        image_asks: Float[Tensor, "b n e"] | None = None,
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b n c"], list[CoMaps]]:
        """From the first co-attention to the end: states of words and regions, and maps of the layers asked for.

        Args:
            text: from `text_alone`.
            text_valid: True on words; None for all.
            image: from `image_alone`.
            image_valid: True on regions; None for all.
            look_at: co-attentions whose maps are wanted, by their place from the front.
            text_asks: queries, keys and values of the words in the first co-attention, where they are known.
            image_asks: those of the regions.
        """
        maps: list[CoMaps] = []
        ends = [*self.connections[1:], (len(self.image), len(self.text))]
        for index, (layer, start, end) in enumerate(zip(self.co, self.connections, ends, strict=True)):
            asks = {} if index else {"text_asks": text_asks, "image_asks": image_asks}
            text, image = layer(text, text_valid, image, image_valid, maps if index in look_at else None, **asks)
            text = _through(self.text[start[1] : end[1]], text, text_valid)
            image = _through(self.image[start[0] : end[0]], image, image_valid)
        return text, image, maps


class Pooler(nn.Module):
    """The first place's state, which stands for the whole: relu(W x).

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


def _through(layers: Sequence[nn.Module] | nn.ModuleList, x: Tensor, valid: Tensor | None) -> Tensor:
    for layer in layers:
        x = layer(x, valid)
    return x
