"""Heads on top of a trunk: attention pooling, MLP classifier, BERT's transform and scores."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.attention import Attention
from motet.nn.transformer import NORM_EPS, Mlp

BERT_NORM_EPS = 1e-12


class MapHead(nn.Module):
    """Multi-head attention pooling: a learned probe attends to all tokens and becomes one.

        y = attention(probe, x);   out = y + mlp(norm(y))

    Source: Zhai et al., CVPR 2022 ("Scaling Vision Transformers"); big_vision `models/vit.py`, MAPHead.

    Args:
        width: channels.
        heads: of the attention.
        hidden: channels inside the MLP; None for four times the width.
    """

    def __init__(self, width: int, heads: int, hidden: int | None = None) -> None:
        super().__init__()
        # flax's fans of a (1, 1, d) array: 1 in, d out.
        self.probe = nn.Parameter((torch.rand(1, 1, width) * 2 - 1) * (6.0 / (1 + width)) ** 0.5)
        self.attention = Attention(width, heads, bias=True)
        self.norm = nn.LayerNorm(width, NORM_EPS)
        self.mlp = Mlp(width, 4 * width if hidden is None else hidden)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b d"]:
        y = self.attention(self.probe.expand(len(x), -1, -1), self.attention.keys_values(x))
        out: Tensor = (y + self.mlp(self.norm(y)))[:, 0]
        return out


class MlpHead(nn.Module):
    """A linear classifier, or one with a hidden layer.

    Args:
        width: input channels.
        hidden: channels of the hidden layer; None for a linear classifier.
        num_classes: number of logits.
        dropout: dropout probability on the input.
    """

    def __init__(self, width: int, hidden: int | None, num_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(width, hidden) if hidden is not None else None
        self.out = nn.Linear(width if hidden is None else hidden, num_classes)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        x = self.dropout(x)
        if self.hidden is not None:
            x = F.gelu(self.hidden(x), approximate="tanh")
        out: Tensor = self.out(x)
        return out


class BertHead(nn.Module):
    """Scores as BERT predicts masked words: W norm(gelu(V dropout(x))).

    Source: Devlin et al., NAACL 2019; `BertPredictionHeadTransform` of transformers.

    Args:
        width: channels in.
        num_scores: out.
        hidden: channels between; None for `width`.
        dropout: dropout probability on the input.
    """

    def __init__(self, width: int, num_scores: int, *, hidden: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        hidden = width if hidden is None else hidden
        self.dropout = nn.Dropout(dropout)
        self.hidden, self.norm = nn.Linear(width, hidden), nn.LayerNorm(hidden, BERT_NORM_EPS)
        self.out = nn.Linear(hidden, num_scores)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        scores: Tensor = self.out(self.norm(F.gelu(self.hidden(self.dropout(x)))))
        return scores
