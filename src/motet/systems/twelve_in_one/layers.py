"""Layers of the two streams: BERT's layer and the co-attention layer (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.attention import attend
from motet.nn.heads import BERT_NORM_EPS


@dataclass(frozen=True)
class CoAttentionMaps:
    """Attention weights of one co-attention layer, in both directions.

    Args:
        words_to_regions: rows sum to 1 over regions.
        regions_to_words: rows sum to 1 over words.
    """

    words_to_regions: Float[Tensor, "b heads t n"]
    regions_to_words: Float[Tensor, "b heads n t"]


class AddNorm(nn.Module):
    """Output projection, residual and layer norm of an attention or a feed-forward block: norm(x + dropout(W y)).

    Args:
        inside: channels of y.
        width: channels of x and of the result.
        dropout: probability.
    """

    def __init__(self, inside: int, width: int, dropout: float) -> None:
        super().__init__()
        self.out, self.dropout = nn.Linear(inside, width), nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width, BERT_NORM_EPS)

    def forward(self, y: Float[Tensor, "*b c"], x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        out: Tensor = self.norm(x + self.dropout(self.out(y)))
        return out


class BertFeedForward(nn.Module):
    """The feed-forward block of BERT: norm(x + dropout(V gelu(U x))), with the exact GELU.

    Args:
        width: channels in and out.
        hidden: channels between.
        dropout: probability.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), AddNorm(hidden, width, dropout)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        out: Tensor = self.down(F.gelu(self.up(x)), x)
        return out


class BertLayer(nn.Module):
    """A layer of BERT: self-attention and feed-forward block, each with residual and post-norm.

    Source: Devlin et al., NAACL 2019; ViLBERT's `BertLayer` and `BertImageLayer`, which are the same.

    Args:
        width: channels.
        heads: of the attention.
        hidden: channels inside the feed-forward block.
        dropout: probability.
        attention_dropout: probability, on attention weights.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        _check_divides("heads", heads, width)
        self.heads, self.attention_dropout = heads, attention_dropout
        self.query_key_value = nn.Linear(width, 3 * width)
        self.added, self.feedforward = AddNorm(width, width, dropout), BertFeedForward(width, hidden, dropout)

    def forward(self, x: Float[Tensor, "b n d"], valid: Bool[Tensor, "b n"] | None) -> Float[Tensor, "b n d"]:
        """Returns the next states.

        Args:
            x: the states.
            valid: True on states that are not padding; None for all.
        """
        query, key, value = _split(self.query_key_value(x), self.heads)
        y = _attend(query, key, value, valid, self.attention_dropout if self.training else 0.0)
        out: Tensor = self.feedforward(self.added(y, x))
        return out


class CoAttentionLayer(nn.Module):
    """A co-attention layer: the queries of each stream attend to the keys and values of the other.

        t' = ff_t(norm(t + W_t attention(query t, key v, value v)))
        v' = ff_v(norm(v + W_v attention(query v, key t, value t)))

    Source: Lu et al., NeurIPS 2019 (ViLBERT), figure 2b; the official code, `BertConnectionLayer`. As there, both
    directions attend to the input states, not to each other's output, and the co-attention mask is not used.

    Args:
        text_width: channels of words.
        image_width: channels of regions.
        width: channels of queries, keys and values.
        heads: of both attentions.
        text_hidden: channels inside the feed-forward block of words.
        image_hidden: channels inside that of regions.
        dropout: probability.
        attention_dropout: probability, on attention weights.
    """

    def __init__(
        self,
        text_width: int,
        image_width: int,
        width: int,
        heads: int,
        text_hidden: int,
        image_hidden: int,
        dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        _check_divides("heads", heads, width)
        self.heads, self.attention_dropout = heads, attention_dropout
        self.text_query_key_value = nn.Linear(text_width, 3 * width)
        self.image_query_key_value = nn.Linear(image_width, 3 * width)
        self.text_added = AddNorm(width, text_width, dropout)
        self.image_added = AddNorm(width, image_width, dropout)
        self.text_feedforward = BertFeedForward(text_width, text_hidden, dropout)
        self.image_feedforward = BertFeedForward(image_width, image_hidden, dropout)

    def forward(
        self,
        text: Float[Tensor, "b t d"],
        text_valid: Bool[Tensor, "b t"] | None,
        image: Float[Tensor, "b n c"],
        image_valid: Bool[Tensor, "b n"] | None,
        maps: list[CoAttentionMaps] | None = None,
        *,
        text_qkv: Float[Tensor, "b t e"] | None = None,
        image_qkv: Float[Tensor, "b n e"] | None = None,
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b n c"]]:
        """Returns the next states of both streams.

        Args:
            text: states of words.
            text_valid: True on words; None for all.
            image: states of regions.
            image_valid: True on regions; None for all.
            maps: the layer's attention weights are appended to it; None to skip them.
            text_qkv: output of `text_query_key_value`, if it is known because a text is part of several pairs.
            image_qkv: output of `image_query_key_value`, likewise.
        """
        of_text = _split(self.text_query_key_value(text) if text_qkv is None else text_qkv, self.heads)
        of_image = _split(self.image_query_key_value(image) if image_qkv is None else image_qkv, self.heads)
        if maps is not None:
            maps.append(
                CoAttentionMaps(
                    _weights(of_text[0], of_image[1], image_valid).detach(),
                    _weights(of_image[0], of_text[1], text_valid).detach(),
                )
            )
        dropout = self.attention_dropout if self.training else 0.0
        from_image = _attend(of_text[0], of_image[1], of_image[2], image_valid, dropout)
        from_text = _attend(of_image[0], of_text[1], of_text[2], text_valid, dropout)
        return (
            self.text_feedforward(self.text_added(from_image, text)),
            self.image_feedforward(self.image_added(from_text, image)),
        )


def _split(x: Float[Tensor, "b n e"], heads: int) -> Float[Tensor, "3 b heads n c"]:
    b, n, _ = x.shape
    return x.view(b, n, 3, heads, -1).permute(2, 0, 3, 1, 4)


def _attend(
    query: Float[Tensor, "b heads t c"],
    key: Float[Tensor, "b heads n c"],
    value: Float[Tensor, "b heads n c"],
    valid: Bool[Tensor, "b n"] | None,
    dropout: float,
) -> Float[Tensor, "b t d"]:
    y = attend(query, key, value, None if valid is None else valid[:, None, None], dropout=dropout)
    return y.transpose(1, 2).flatten(2)


def _weights(
    query: Float[Tensor, "b heads t c"], key: Float[Tensor, "b heads n c"], valid: Bool[Tensor, "b n"] | None
) -> Float[Tensor, "b heads t n"]:
    scores = query.float() @ key.float().transpose(-1, -2) / query.shape[-1] ** 0.5
    if valid is not None:
        scores = scores.masked_fill(~valid[:, None, None], -torch.inf)
    weights: Tensor = scores.softmax(-1)
    return weights


def _check_divides(name: str, heads: int, width: int) -> None:
    if heads < 1 or width % heads:
        raise ConfigError(f"twelve_in_one: {name}: got {heads} for a width of {width}; want a divisor of the width")
