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
    """The task-conditioned parts of one block: its two norms and a bias of its attention.

    Args:
        options: the parts that there are.
        attention_shape: the queries and keys of the block's attention.
        norms: the block's own two, which the task-scaled norms replace.
    """

    def __init__(
        self, options: Adapters, attention_shape: AttentionShape, norms: tuple[nn.LayerNorm, nn.LayerNorm]
    ) -> None:
        super().__init__()
        width = norms[0].normalized_shape[0]
        self.norm1, self.norm2 = (_norm(options, norm) for norm in norms)
        self.bias: BlockBias | FullBias | None = None
        self.own: OwnAttention | None = None
        if options.attention is None:
            return
        kind = BlockBias if options.attention == "block" else FullBias
        if attention_shape.takes_bias:
            self.bias = kind(options.condition_width, attention_shape.queries_hw, attention_shape.keys_hw)
            return
        window_hw = tuple(min(options.window, side) for side in attention_shape.queries_hw)
        bias = kind(options.condition_width, (window_hw[0], window_hw[1]), (window_hw[0], window_hw[1]))
        self.own = OwnAttention(width, max(1, width // options.own_reduction), (window_hw[0], window_hw[1]), bias)

    def apply_norm1(
        self, norm: Callable[[Tensor], Tensor], x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]
    ) -> Float[Tensor, "*b d"]:
        """Applies the task-scaled norm in place of the block's first, or `norm` where there is none; channels last."""
        out: Tensor = norm(x) if self.norm1 is None else self.norm1(x, z)
        return out

    def apply_norm2(
        self, norm: Callable[[Tensor], Tensor], x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]
    ) -> Float[Tensor, "*b d"]:
        """Applies the task-scaled norm in place of the block's second, or `norm` where there is none."""
        out: Tensor = norm(x) if self.norm2 is None else self.norm2(x, z)
        return out

    def attention_bias(self, z: Float[Tensor, "p k"]) -> Float[Tensor, "p q s"] | None:
        """Returns the matrix that is added to the attention before the softmax; None for none."""
        return None if self.bias is None else self.bias(z)


def _norm(options: Adapters, norm: nn.LayerNorm) -> TaskScaledNorm | None:
    if options.norm is None:
        return None
    return TaskScaledNorm.from_norm(norm, options.condition_width, shift=options.norm == "weight and bias")
