"""Multi-head attention whose keys and values can be computed once and cached."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError


class Attention(nn.Module):
    """Multi-head attention of a sequence to itself or to a memory of any width.

        y = softmax(q k' / sqrt(c)) v,   c = width / heads

    Keys and values come from `keys_values`, separately from the queries, so that a decoder computes those of an image
    once and those of past tokens never again.

    Args:
        width: channels of the queries and of the result.
        heads: number of heads.
        memory_width: channels of the tokens that are attended to; None for `width`.
        bias: whether the projections have biases; the LiT decoder's have none, a ViT's have.

    Raises:
        ConfigError: the width is not divisible by the number of heads.

    Examples:
        >>> attention = Attention(8, 2, memory_width=5)
        >>> keys_values = attention.keys_values(torch.zeros(3, 7, 5))
        >>> attention(torch.zeros(3, 4, 8), keys_values).shape
        torch.Size([3, 4, 8])
    """

    def __init__(self, width: int, heads: int, *, memory_width: int | None = None, bias: bool = False) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"Attention.heads: got {heads} for a width of {width}; want a divisor of the width")
        self.heads = heads
        self.query = nn.Linear(width, width, bias)
        self.key_value = nn.Linear(width if memory_width is None else memory_width, 2 * width, bias)
        self.out = nn.Linear(width, width, bias)
        # Keys and values share one matrix for speed; each half is initialised as a matrix of its own.
        for kernel in (self.query.weight, *self.key_value.weight.chunk(2), self.out.weight):
            nn.init.xavier_uniform_(kernel)
        if bias:
            for linear in (self.query, self.key_value, self.out):
                nn.init.zeros_(linear.bias)

    def keys_values(self, memory: Float[Tensor, "b n m"]) -> Float[Tensor, "2 b heads n c"]:
        """Returns keys and values of the tokens that are attended to."""
        b, n, _ = memory.shape
        both: Tensor = self.key_value(memory)
        return both.view(b, n, 2, self.heads, -1).permute(2, 0, 3, 1, 4)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        keys_values: Float[Tensor, "2 b heads n c"],
        *,
        causal: bool = False,
        valid: Bool[Tensor, "b n"] | Bool[Tensor, "b t n"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """Returns the attention's output for every token of x.

        Args:
            x: the tokens that attend.
            keys_values: from `keys_values`.
            causal: whether the t queries are the last t of the n places, and none attends to a later place.
            valid: True at the places that may be attended to, by all queries or by each; None for all.
        """
        (b, t, _), n = x.shape, keys_values.shape[-2]
        query = self.query(x).view(b, t, self.heads, -1).transpose(1, 2)
        key, value = keys_values.unbind(0)
        whole = valid is None and t == n
        readable = None if valid is None else valid.view(b, 1, -1, n)
        if causal and t > 1 and not whole:
            earlier = torch.ones(t, n, dtype=torch.bool, device=x.device).tril(n - t)
            readable = earlier if readable is None else readable & earlier
        y = attend(query, key, value, readable, causal=causal and t > 1 and whole)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


def attend(
    query: Float[Tensor, "b heads t c"],
    key: Float[Tensor, "b heads n c"],
    value: Float[Tensor, "b heads n c"],
    readable: Bool[Tensor, "..."] | None,
    *,
    causal: bool = False,
    dropout: float = 0.0,
    scale: float | None = None,
) -> Float[Tensor, "b heads t c"]:
    """Returns scaled dot-product attention, by the kernel that is fastest forward and backward.

    Args:
        query: of t places.
        key: of n places.
        value: of n places.
        readable: True where a query may attend to a key, broadcast to (b, heads, t, n); None for all.
        causal: whether no query attends to a later place.
        dropout: dropout probability on the attention weights.
        scale: factor of the products; None for 1 / sqrt(c).
    """
    if query.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(query, key, value, readable, dropout, causal, scale=scale)
    # On a CPU the gradient of the bfloat16 kernel is ten times slower than that of the float32 one (profiled), which
    # cost half of the time that autocast saves in the matrix products.
    with torch.autocast("cpu", enabled=False):
        query, key, value = query.float(), key.float(), value.float()
        return F.scaled_dot_product_attention(query, key, value, readable, dropout, causal, scale=scale)
