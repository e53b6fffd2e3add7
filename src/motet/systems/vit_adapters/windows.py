"""Windows of a map, and an adapter's own attention over them."""

from __future__ import annotations

from jaxtyping import Float
from timm.models.swin_transformer import window_partition, window_reverse
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.initial import init_as_swin

HEAD_WIDTH = 32


def to_windows(x: Float[Tensor, "b h w d"], window_hw: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Pads a map with zeros below and on the right; returns its windows (b * windows, positions, d) and padded size."""
    height, width = x.shape[1:3]
    below, beside = -height % window_hw[0], -width % window_hw[1]
    filled = F.pad(x, (0, 0, 0, beside, 0, below))
    windows = window_partition(filled, window_hw).flatten(1, 2)
    return windows, (height + below, width + beside)


def from_windows(
    windows: Float[Tensor, "n p d"], window_hw: tuple[int, int], filled_hw: tuple[int, int], size_hw: tuple[int, int]
) -> Float[Tensor, "b h w d"]:
    """Returns the map of windows, without the padding."""
    squares = windows.reshape(len(windows), *window_hw, -1)
    whole: Tensor = window_reverse(squares, window_hw, *filled_hw)
    return whole[:, : size_hw[0], : size_hw[1]]


class OwnAttention(nn.Module):
    """Task-adapted attention inside an adapter, for trunks without queries and keys.

        y = out(softmax(A'(z) + q k^T / sqrt(c)) v)    in windows;    out starts at zero

    Source: equation 2, with queries, keys and values of the adapter's own. This is ours: the paper does not say how its
    Focal Transformer was adapted, and FocalNet, which we use in its place, has no queries and keys.

    Args:
        width: channels of the map.
        inside: channels of queries, keys and values, fewer than `width` to keep the adapter small.
        window_hw: height and width of a window.
        bias: gives A' from z.
    """

    def __init__(self, width: int, inside: int, window_hw: tuple[int, int], bias: nn.Module) -> None:
        super().__init__()
        self.heads, self.window_hw, self.bias = max(1, inside // HEAD_WIDTH), window_hw, bias
        inside -= inside % self.heads
        self.qkv = init_as_swin(nn.Linear(width, 3 * inside))
        self.out = nn.Linear(inside, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Float[Tensor, "b h w d"], z: Float[Tensor, "p k"]) -> Float[Tensor, "b h w d"]:
        size_hw = (x.shape[1], x.shape[2])
        windows, filled_hw = to_windows(x, self.window_hw)
        q, k, v = self.qkv(windows).view(*windows.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        added = _padding_mask(size_hw, filled_hw, self.window_hw, x) + self.bias(z)[:, None]
        added = added.expand(len(x) if len(z) > 1 else 1, -1, -1, -1)
        # (n, positions, positions) of n windows, or of the windows of one image where one condition serves all rows
        many = added.flatten(0, 1).repeat(len(windows) // added[:, :, 0, 0].numel(), 1, 1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=many[:, None].to(q.dtype))
        out: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return from_windows(out, self.window_hw, filled_hw, size_hw)


def _padding_mask(
    size_hw: tuple[int, int], filled_hw: tuple[int, int], window_hw: tuple[int, int], x: Tensor
) -> Float[Tensor, "1 w 1 p"]:
    """Returns an attention bias by window: 0 at positions of the map, -1e4 at padding."""
    real = F.pad(x.new_ones(1, *size_hw, 1), (0, 0, 0, filled_hw[1] - size_hw[1], 0, filled_hw[0] - size_hw[0]))
    windows, _ = to_windows(real, window_hw)
    return (windows[:, :, 0] - 1)[None, :, None] * 1e4
