"""The transformers of DETR and UniT: positions are added to queries and keys, not to values (sections 3.1, 3.3)."""

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
    """Multi-head attention whose keys and values come from different inputs.

        y = softmax(q k' / sqrt(c)) v,   c = width / heads

    Args:
        width: channels.
        heads: number of heads.
        dropout: probability, on the attention weights.

    Raises:
        ConfigError: the width is not a multiple of the heads.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"DetrAttention.heads: got {heads} for a width of {width}; want a divisor of the width")
        self.heads, self.dropout = heads, dropout
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        # DETR initialises the one matrix of PyTorch's module that holds all three, so its fan is the sum of theirs.
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
        """Returns the values attended to by each query; `valid` is True on keys that are not padding, None for all."""
        q, k, v = (
            linear(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        dropout = self.dropout if self.training else 0.0
        y = attend(q, k, v, None if valid is None else valid[:, None, None, :], dropout=dropout)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


class DetrFeedForward(nn.Module):
    """Two linear layers with a ReLU and dropout between."""

    def __init__(self, width: int, hidden: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.up, self.down, self.dropout = nn.Linear(width, hidden), nn.Linear(hidden, width), nn.Dropout(dropout)
        for linear in (self.up, self.down):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        out: Tensor = self.down(self.dropout(F.relu(self.up(x))))
        return out


class EncoderLayer(nn.Module):
    """A transformer encoder layer: self-attention and feed-forward block, with residuals and post- or pre-norm.

    Source: Carion et al., ECCV 2020, appendix A.3.

    Args:
        width: channels.
        heads: of the attention.
        hidden: channels inside the feed-forward block.
        dropout: probability, after each block and inside it.
        attention_dropout: probability, on the attention weights.
        pre_norm: layer norm before each block instead of after its residual.
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
            pre_norm_out: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
            return pre_norm_out
        query = x + positions
        x = self.norm1(x + self.dropout(self.attention(query, query, x, valid)))
        out: Tensor = self.norm2(x + self.dropout(self.mlp(x)))
        return out


class DecoderLayer(nn.Module):
    """A transformer decoder layer: self-attention of the queries, cross-attention to the memory, feed-forward block.

    Source: Carion et al., ECCV 2020, appendix A.3; UniT, section 3.3.

    Args:
        width: channels.
        heads: of both attentions.
        hidden: channels inside the feed-forward block.
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
        """Returns the next states of the queries.

        Args:
            x: their states.
            queries: their embeddings, added to the query side of both attentions.
            memory: the encoders' output.
            keys: the memory plus its positions.
            valid: True on memory that is not padding.
        """
        if self.pre_norm:
            y = self.norm1(x)
            x = x + self.dropout(self.self_attention(y + queries, y + queries, y))
            x = x + self.dropout(self.cross_attention(self.norm2(x) + queries, keys, memory, valid))
            pre_norm_out: Tensor = x + self.dropout(self.mlp(self.norm3(x)))
            return pre_norm_out
        query = x + queries
        x = self.norm1(x + self.dropout(self.self_attention(query, query, x)))
        x = self.norm2(x + self.dropout(self.cross_attention(x + queries, keys, memory, valid)))
        out: Tensor = self.norm3(x + self.dropout(self.mlp(x)))
        return out


class DetrDecoder(nn.Module):
    """The domain-agnostic decoder: one decoder for memories of images, of texts and of both (eq. 4).

    The states of every layer pass one shared final norm and are all returned.

    Args:
        depth: number of layers.
        width: see `DecoderLayer`, as for the others.
        heads: of both attentions.
        hidden: channels inside the feed-forward blocks.
        dropout: probability.
        attention_dropout: probability, on the attention weights.
        pre_norm: layer norm before each block instead of after its residual.
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
        """Returns the states of all queries after every layer."""
        x = torch.zeros_like(queries).expand(len(memory), -1, -1)
        keys = memory + positions
        states = []
        for layer in self.layers:
            x = layer(x, queries[None], memory, keys, valid)
            states.append(self.norm(x))
        return torch.stack(states)

    def blocks(self) -> dict[str, list[nn.Module]]:
        """Returns its modules by name, from shallow to deep."""
        layers: dict[str, list[nn.Module]] = {f"decoder_layer{i}": [layer] for i, layer in enumerate(self.layers)}
        return {**layers, "decoder_norm": [self.norm]}
