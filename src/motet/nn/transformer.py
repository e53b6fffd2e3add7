"""Pre-norm transformer blocks, as in big_vision: tanh GELU, layer norms with eps 1e-6."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.attention import Attention

# flax's default; PyTorch's own is 1e-5.
NORM_EPS = 1e-6


class Mlp(nn.Module):
    """Two layers with a tanh-approximated GELU and dropout between.

    Source: Dosovitskiy et al., ICLR 2021, eq. 3; big_vision `models/vit.py`, MlpBlock. flax's `gelu` is the tanh
    approximation, PyTorch's default is not.

    Args:
        width: channels in and out.
        hidden: channels between.
        dropout: dropout probability after the activation.
        bias: whether the two layers have biases.
    """

    def __init__(self, width: int, hidden: int, *, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden, bias)
        self.down = nn.Linear(hidden, width, bias)
        self.dropout = nn.Dropout(dropout)
        for linear in (self.up, self.down):
            nn.init.xavier_uniform_(linear.weight)
            if bias:
                nn.init.normal_(linear.bias, std=1e-6)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        out: Tensor = self.down(self.dropout(F.gelu(self.up(x), approximate="tanh")))
        return out


class EncoderBlock(nn.Module):
    """Self-attention and MLP, each after a layer norm and with a residual connection.

    Source: Dosovitskiy et al., ICLR 2021, eq. 2-3; big_vision `models/vit.py`, Encoder1DBlock.

    Args:
        width: channels.
        heads: of the attention.
        hidden: channels inside the MLP.
        dropout: dropout probability after each of the two.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, NORM_EPS)
        self.attention = Attention(width, heads, bias=True)
        self.norm2 = nn.LayerNorm(width, NORM_EPS)
        self.mlp = Mlp(width, hidden, dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        y = self.norm1(x)
        x = x + self.dropout(self.attention(y, self.attention.keys_values(y)))
        out: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
        return out


class DecoderBlock(nn.Module):
    """Causal self-attention, cross-attention to a memory, MLP; each after a layer norm and with a residual connection.

    Source: Tschannen et al., NeurIPS 2023 (CapPa), big_vision `models/proj/cappa/cappa.py`, EncoderDecoderBlock: no
    biases in the attentions; dropout after each of the three parts, not on the attention weights.

    Args:
        width: channels.
        heads: of both attentions.
        hidden: channels inside the MLP.
        memory_width: channels of the memory; None for `width`.
        dropout: dropout probability.
        bias: whether layer norms and MLP have biases.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        memory_width: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, NORM_EPS, bias=bias)
        self.self_attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, NORM_EPS, bias=bias)
        self.cross_attention = Attention(width, heads, memory_width=memory_width)
        self.norm3 = nn.LayerNorm(width, NORM_EPS, bias=bias)
        self.mlp = Mlp(width, hidden, dropout=dropout, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "m t d"],
        memory: Float[Tensor, "2 b heads n c"],
        past: Float[Tensor, "2 m heads p c"] | None = None,
        valid: Bool[Tensor, "m p"] | Bool[Tensor, "m t q"] | None = None,
    ) -> tuple[Float[Tensor, "m t d"], Float[Tensor, "2 m heads q c"]]:
        """Returns the states of the next t places, and keys and values for later places.

        Args:
            x: m rows of t places.
            memory: from `cross_attention.keys_values`; b divides m, and the rows of one memory are adjacent.
            past: the keys and values returned for the p places before.
            valid: True at the places of `past` that may be attended to; or the whole causal mask, over the places of
                `past` and of x, for each place of x; None for all of `past`.
        """
        y, causal = self.norm1(x), valid is None or valid.ndim == 2
        keys_values = self.self_attention.keys_values(y)
        if past is not None:
            keys_values = torch.cat([past, keys_values], dim=-2)
            valid = F.pad(valid, (0, x.shape[1]), value=True) if valid is not None and causal else valid
        x = x + self.dropout(self.self_attention(y, keys_values, causal=causal, valid=valid))
        # The rows of one memory become one sequence of queries, so that the memory is not copied for each of them.
        y = self.norm2(x).reshape(memory.shape[1], -1, x.shape[-1])
        x = x + self.dropout(self.cross_attention(y, memory).reshape(x.shape))
        return x + self.dropout(self.mlp(self.norm3(x))), keys_values


def sincos_positions(height: int, width: int, channels: int, temperature: float = 10_000.0) -> Float[Tensor, "n d"]:
    """Returns fixed position embeddings of a grid, row by row: sin x, cos x, sin y, cos y.

    Source: MoCo v3; big_vision `models/vit.py`, posemb_sincos_2d.

    Args:
        height: rows of the grid.
        width: columns.
        channels: a multiple of 4.
        temperature: base of the wavelengths.
    """
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    quarter = channels // 4
    frequency = 1.0 / temperature ** (torch.arange(quarter) / (quarter - 1))
    angle_y, angle_x = y.flatten()[:, None] * frequency, x.flatten()[:, None] * frequency
    return torch.cat([angle_x.sin(), angle_x.cos(), angle_y.sin(), angle_y.cos()], dim=1)
