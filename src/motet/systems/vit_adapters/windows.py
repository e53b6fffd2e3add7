"""Windows of a map, and an attention over them that is the adapter's own."""

from __future__ import annotations

from jaxtyping import Float
from timm.models.swin_transformer import window_partition, window_reverse
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.initial import init_as_swin

HEAD_WIDTH = 32


def to_windows(x: Float[Tensor, "b h w d"], window_hw: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Windows (b * windows, places, d), filled up with zeros at the lower and right edge, and the filled size."""
    height, width = x.shape[1:3]
    below, beside = -height % window_hw[0], -width % window_hw[1]
    filled = F.pad(x, (0, 0, 0, beside, 0, below))
    windows = window_partition(filled, window_hw).flatten(1, 2)
    return windows, (height + below, width + beside)


def from_windows(
    windows: Float[Tensor, "n p d"], window_hw: tuple[int, int], filled_hw: tuple[int, int], size_hw: tuple[int, int]
) -> Float[Tensor, "b h w d"]:
    """The map again, of its own size."""
    squares = windows.reshape(len(windows), *window_hw, -1)
    whole: Tensor = window_reverse(squares, window_hw, *filled_hw)
    return whole[:, : size_hw[0], : size_hw[1]]


class OwnAttention(nn.Module):
    """Task-adapted attention inside an adapter, for trunks that have no queries and keys to add to.

        y = out(softmax(A'(z) + q k^T / sqrt(c)) v)    in windows;    out starts at zero

    Source: equation 2, with queries, keys and values of the adapter's own; ours, since the paper does not say how its
    Focal Transformer was adapted and FocalNet, which stands for it, has none.

    Args:
        width: channels of the map.
        inside: channels of queries, keys and values, narrower to keep the adapter small.
        window_hw: height and width of a window.
        bias: A'.
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
        # (n, places, places) of n windows, or of the windows of one picture where the task's part is one for all
        many = added.flatten(0, 1).repeat(len(windows) // added[:, :, 0, 0].numel(), 1, 1)
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=many[:, None].to(q.dtype))
        out: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return from_windows(out, self.window_hw, filled_hw, size_hw)


def _padding_mask(
    size_hw: tuple[int, int], filled_hw: tuple[int, int], window_hw: tuple[int, int], x: Tensor
) -> Float[Tensor, "1 w 1 p"]:
    """0 at places of the map and far below at those that were filled up, by window."""
    real = F.pad(x.new_ones(1, *size_hw, 1), (0, 0, 0, filled_hw[1] - size_hw[1], 0, filled_hw[0] - size_hw[0]))
    windows, _ = to_windows(real, window_hw)
    return (windows[:, :, 0] - 1)[None, :, None] * 1e4
