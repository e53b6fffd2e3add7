"""The adapter of one block of the trunk (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from motet.systems.vit_adapters.adapter import BlockBias, FullBias, TaskScaledNorm
from motet.systems.vit_adapters.options import Adapters
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.windows import OwnAttention


class BlockAdapter(nn.Module):
    """What a task changes inside one block: its two norms, and what its attention looks at.

    Args:
        options: which of it.
        attended: what the block's attention looks at.
        norms: the block's own two.
    """

    def __init__(self, options: Adapters, attended: AttentionShape, norms: tuple[nn.LayerNorm, nn.LayerNorm]) -> None:
        super().__init__()
        width = norms[0].normalized_shape[0]
        self.norm1, self.norm2 = (_norm(options, norm) for norm in norms)
        self.bias: BlockBias | FullBias | None = None
        self.own: OwnAttention | None = None
        if options.attention is None:
            return
        kind = BlockBias if options.attention == "block" else FullBias
        if attended.takes_bias:
            self.bias = kind(options.condition_width, attended.queries_hw, attended.keys_hw)
            return
        window_hw = tuple(min(options.window, side) for side in attended.queries_hw)
        bias = kind(options.condition_width, (window_hw[0], window_hw[1]), (window_hw[0], window_hw[1]))
        self.own = OwnAttention(width, max(1, width // options.own_reduction), (window_hw[0], window_hw[1]), bias)

    def apply_norm1(
        self, norm: Callable[[Tensor], Tensor], x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]
    ) -> Float[Tensor, "*b d"]:
        """What stands for the block's first norm, channels last."""
        out: Tensor = norm(x) if self.norm1 is None else self.norm1(x, z)
        return out

    def apply_norm2(
        self, norm: Callable[[Tensor], Tensor], x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]
    ) -> Float[Tensor, "*b d"]:
        """What stands for its second norm."""
        out: Tensor = norm(x) if self.norm2 is None else self.norm2(x, z)
        return out

    def attention_bias(self, z: Float[Tensor, "p k"]) -> Float[Tensor, "p q s"] | None:
        """What is added to its attention before the softmax; None for nothing."""
        return None if self.bias is None else self.bias(z)


def _norm(options: Adapters, norm: nn.LayerNorm) -> TaskScaledNorm | None:
    if options.norm is None:
        return None
    return TaskScaledNorm.from_norm(norm, options.condition_width, shift=options.norm == "weight and bias")
