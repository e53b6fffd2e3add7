"""The transformers of DETR and UniT: positions go to queries and keys, never to values (sections 3.1 and 3.3)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.attention import attend

# PyTorch's default and DETR's; BERT's is 1e-12.
NORM_EPS = 1e-5


class DetrAttention(nn.Module):
    """Multi-head attention whose keys and values are made from different inputs.

        y = softmax(q k' / sqrt(c)) v,   c = width / heads

    Args:
        width: channels.
        heads: parts the channels are cut into.
        dropout: rate on the attention weights.

    Raises:
        ConfigError: the width cannot be cut into so many heads.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"Attention.heads: got {heads} for a width of {width}; want a divisor of the width")
        self.heads, self.dropout = heads, dropout
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        # The three are one matrix in PyTorch's module, and DETR initialises that one: its fan is the sum of theirs.
        for linear in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(linear.weight, gain=2**-0.5)
        nn.init.xavier_uniform_(self.out.weight)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(linear.bias)

    def forward(
        self,
        query: Float[Tensor, "b t d"],
        key: Float[Tensor, "b n d"],
        value: Float[Tensor, "b n d"],
        valid: Bool[Tensor, "b n"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """What the queries read; `valid` is True where a place may be read, None for all."""
        q, k, v = (
            linear(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        readable = None if valid is None else valid[:, None, None, :]
        dropout = self.dropout if self.training else 0.0
        y = attend(q, k, v, readable, dropout=dropout)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


class DetrFeedForward(nn.Module):
    """Two layers with a ReLU and dropout between."""

    def __init__(self, width: int, hidden: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.up, self.down, self.dropout = nn.Linear(width, hidden), nn.Linear(hidden, width), nn.Dropout(dropout)
        for linear in (self.up, self.down):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        out: Tensor = self.down(self.dropout(F.relu(self.up(x))))
        return out


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each added to what came in and then normed; or normed before.

    Source: Carion et al., ECCV 2020, appendix A.3.

    Args:
        width: channels.
        heads: of the attention.
        hidden: channels inside the feed-forward part.
        dropout: rate, after each part and inside it.
        attention_dropout: rate on the attention weights.
        pre_norm: norm before each part, not after it is added.
    """

    def __init__(
        self, width: int, heads: int, hidden: int, *, dropout: float, attention_dropout: float, pre_norm: bool
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.attention = DetrAttention(width, heads, dropout=attention_dropout)
        self.mlp = DetrFeedForward(width, hidden, dropout=dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width, NORM_EPS), nn.LayerNorm(width, NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "b n d"], positions: Float[Tensor, "p n d"], valid: Bool[Tensor, "b n"] | None
    ) -> Float[Tensor, "b n d"]:
        if self.pre_norm:
            y = self.norm1(x)
            x = x + self.dropout(self.attention(y + positions, y + positions, y, valid))
            normed_before: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
            return normed_before
        placed = x + positions
        x = self.norm1(x + self.dropout(self.attention(placed, placed, x, valid)))
        out: Tensor = self.norm2(x + self.dropout(self.mlp(x)))
        return out


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the memory, then pass a feed-forward part.

    Source: Carion et al., ECCV 2020, appendix A.3; UniT, section 3.3.

    Args:
        width: channels.
        heads: of both attentions.
        hidden: channels inside the feed-forward part.
        dropout: see `EncoderLayer`.
        attention_dropout: see `EncoderLayer`.
        pre_norm: see `EncoderLayer`.
    """

    def __init__(
        self, width: int, heads: int, hidden: int, *, dropout: float, attention_dropout: float, pre_norm: bool
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.self_attention = DetrAttention(width, heads, dropout=attention_dropout)
        self.cross_attention = DetrAttention(width, heads, dropout=attention_dropout)
        self.mlp = DetrFeedForward(width, hidden, dropout=dropout)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, NORM_EPS) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "b q d"],
        queries: Float[Tensor, "p q d"],
        memory: Float[Tensor, "b n d"],
        keys: Float[Tensor, "b n d"],
        valid: Bool[Tensor, "b n"] | None,
    ) -> Float[Tensor, "b q d"]:
        """The queries' next states.

        Args:
            x: their states.
            queries: their embeddings, added wherever they ask.
            memory: what is read.
            keys: the memory with its positions.
            valid: True where the memory may be read.
        """
        if self.pre_norm:
            y = self.norm1(x)
            x = x + self.dropout(self.self_attention(y + queries, y + queries, y))
            x = x + self.dropout(self.cross_attention(self.norm2(x) + queries, keys, memory, valid))
            normed_before: Tensor = x + self.dropout(self.mlp(self.norm3(x)))
            return normed_before
        asked = x + queries
        x = self.norm1(x + self.dropout(self.self_attention(asked, asked, x)))
        x = self.norm2(x + self.dropout(self.cross_attention(x + queries, keys, memory, valid)))
        out: Tensor = self.norm3(x + self.dropout(self.mlp(x)))
        return out


class DetrDecoder(nn.Module):
    """The domain-agnostic decoder: it reads images, texts or both, and does not know which (eq. 4).

    Every layer's states pass one final norm, and all of them are given back.

    Args:
        depth: layers.
        width: see `DecoderLayer`, as are the others.
        heads: of both attentions.
        hidden: channels inside the feed-forward parts.
        dropout: rate.
        attention_dropout: rate on the attention weights.
        pre_norm: norm before each part, not after it is added.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        heads: int,
        hidden: int,
        *,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        pre_norm: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderLayer(width, heads, hidden, dropout=dropout, attention_dropout=attention_dropout, pre_norm=pre_norm)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width, NORM_EPS)

    def forward(
        self,
        queries: Float[Tensor, "q d"],
        memory: Float[Tensor, "b n d"],
        positions: Float[Tensor, "p n d"],
        valid: Bool[Tensor, "b n"] | None = None,
    ) -> Float[Tensor, "l b q d"]:
        """The states of all queries after every layer."""
        x = torch.zeros_like(queries).expand(len(memory), -1, -1)
        keys = memory + positions
        states = []
        for layer in self.layers:
            x = layer(x, queries[None], memory, keys, valid)
            states.append(self.norm(x))
        return torch.stack(states)
