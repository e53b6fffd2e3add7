"""The adapter's parts: modulation, task-adapted attention, task-scaled norm, bottleneck (section 3.2)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.initial import init_as_swin

Activation = Literal["gelu"] | None


class Film(nn.Module):
    """Scales and shifts channels by a condition (feature-wise linear modulation).

        y = (1 + g(z)) * x + b(z),    g and b linear in z

    Source: Perez et al., "FiLM", AAAI 2018, in the form of the official code of the adapters. Departs from it: the
    weights start at zero too, not only the bias, so that a trunk with new adapters computes what it computed before.

    Args:
        condition_width: channels of z.
        channels: of x.

    Examples:
        >>> film = Film(condition_width=4, channels=8)
        >>> x = torch.randn(2, 5, 8)
        >>> torch.equal(film(x, torch.randn(2, 4)), x)
        True
    """

    def __init__(self, condition_width: int, channels: int) -> None:
        super().__init__()
        self.scale_shift = nn.Linear(condition_width, 2 * channels)
        nn.init.zeros_(self.scale_shift.weight)
        nn.init.zeros_(self.scale_shift.bias)

    def parts(self, z: Float[Tensor, "p k"]) -> tuple[Float[Tensor, "p c"], Float[Tensor, "p c"]]:
        """Returns 1 + g(z) and b(z)."""
        scale, shift = self.scale_shift(z).chunk(2, dim=-1)
        return 1 + scale, shift

    def forward(self, x: Float[Tensor, "*b c"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*q c"]:
        """Modulates x; z has one row per row of x, or one row for all of them."""
        scale, shift = (_broadcast(part, x) for part in self.parts(z))
        return scale * x + shift


class BlockBias(nn.Module):
    """A task's attention bias between the positions of one row of a window: a learned matrix, modulated.

        A'(z) = (1 + g(z)) * A + b(z),    A of (h w) x w;    queries of row i get A' at the keys of row i

    Where keys are on a coarser grid than queries (PVT), row i of the queries gets A' at the row of keys it falls on.

    Source: equations 2 and 3 in the form of the official code: A starts at zero, the modulation is element-wise, and
    all heads share one matrix.

    Args:
        condition_width: channels of z.
        queries_hw: height and width of the window of queries, in positions.
        keys_hw: height and width of the keys.
    """

    places: Tensor

    def __init__(self, condition_width: int, queries_hw: tuple[int, int], keys_hw: tuple[int, int]) -> None:
        super().__init__()
        height, width = queries_hw
        self.queries_hw = queries_hw
        self.matrix = nn.Parameter(torch.zeros(height * width, keys_hw[1]))
        self.film = Film(condition_width, keys_hw[1])
        rows = torch.arange(height) * keys_hw[0] // height
        self.register_buffer("places", F.one_hot(rows, keys_hw[0]).float(), persistent=False)

    def forward(self, z: Float[Tensor, "p k"]) -> Float[Tensor, "p q s"]:
        own: Tensor = self.film(self.matrix[None], z)
        rows = own.view(len(own), *self.queries_hw, 1, own.shape[-1])
        spread = rows * self.places[None, :, None, :, None].to(own.dtype)  # (p, h, w, rows of keys, columns of keys)
        return spread.flatten(3).flatten(1, 2)


class FullBias(nn.Module):
    """A task's attention bias between any two positions of a window: equation 3, taken literally.

        A'(z) = A g(z) + b(z),    g and b of z as matrices, A learned from a random start

    Departs from equation 3 in one point: the weights of g and b start at zero, see `Film`.

    Args:
        condition_width: channels of z.
        queries_hw: height and width of the window of queries, in positions.
        keys_hw: height and width of the keys.
    """

    def __init__(self, condition_width: int, queries_hw: tuple[int, int], keys_hw: tuple[int, int]) -> None:
        super().__init__()
        self.queries, self.keys = queries_hw[0] * queries_hw[1], keys_hw[0] * keys_hw[1]
        self.matrix = nn.Parameter(torch.randn(self.queries, self.keys) * self.keys**-0.5)
        self.scale = nn.Linear(condition_width, self.keys * self.keys)
        self.shift = nn.Linear(condition_width, self.queries * self.keys)
        for layer in (self.scale, self.shift):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, z: Float[Tensor, "p k"]) -> Float[Tensor, "p q s"]:
        scale = self.scale(z).view(-1, self.keys, self.keys)
        out: Tensor = self.matrix @ scale + self.shift(z).view(-1, self.queries, self.keys)
        return out


class TaskScaledNorm(nn.Module):
    """Layer norm whose weight is modulated by the task.

        y = (x - mean(x)) / std(x) * (w (1 + g(z)) + b(z)) + bias

    with mean and deviation over channels. w and bias start as those of the norm that it replaces.

    Source: equation 4 (its "variance" must be the deviation) in the form of the official code, whose bias does not
    depend on the task; `shift` adds the term of equation 4. In the code z is the task's condition, not the features as
    the paper's symbol suggests; we follow the code.

    Args:
        width: channels of x.
        condition_width: channels of z.
        eps: added to the variance.
        shift: whether the bias depends on the task too: bias + s(z).

    Examples:
        >>> norm = TaskScaledNorm(width=8, condition_width=4)
        >>> x = torch.randn(2, 5, 8)
        >>> torch.allclose(norm(x, torch.randn(2, 4)), F.layer_norm(x, (8,)), atol=1e-6)
        True
    """

    def __init__(self, width: int, condition_width: int, *, eps: float = 1e-5, shift: bool = False) -> None:
        super().__init__()
        self.width, self.eps = width, eps
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.film = Film(condition_width, width)
        self.shift = nn.Linear(condition_width, width, bias=False) if shift else None
        if self.shift is not None:
            nn.init.zeros_(self.shift.weight)

    @classmethod
    def from_norm(cls, norm: nn.LayerNorm, condition_width: int, *, shift: bool = False) -> TaskScaledNorm:
        """Returns a norm that starts with the weight and bias of `norm`."""
        made = cls(norm.normalized_shape[0], condition_width, eps=norm.eps, shift=shift)
        made.copy_from(norm)
        return made

    def copy_from(self, norm: nn.LayerNorm) -> None:
        """Copies weight and bias of a layer norm."""
        with torch.no_grad():
            self.weight.copy_(norm.weight)
            self.bias.copy_(norm.bias)

    def forward(self, x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*b d"]:
        weight: Tensor = self.film(self.weight.expand(len(z), -1), z)
        bias = self.bias.expand(len(z), -1) if self.shift is None else self.bias + self.shift(z)
        plain = F.layer_norm(x, (self.width,), eps=self.eps)
        return plain * _broadcast(weight, x) + _broadcast(bias, x)


class Bottleneck(nn.Module):
    """The bottleneck between one adapter and the next: modulation, a narrow layer, a non-linearity, a wide layer.

        y = up(f(down(Film(x, emb(z)))))

    Source: section 3.2 and the official code. The paper has a non-linearity f, the code none; we follow the paper, and
    `activation=None` the code. As in the code, it has no residual connection.

    Args:
        width: channels of x.
        condition_width: channels of z.
        reduction: the hidden width is the width divided by this; 3 in the code.
        activation: f; None for none.
    """

    def __init__(self, width: int, condition_width: int, reduction: int = 3, activation: Activation = "gelu") -> None:
        super().__init__()
        self.activation = activation
        self.embed = init_as_swin(nn.Linear(condition_width, condition_width))
        self.film = Film(condition_width, width)
        self.down = init_as_swin(nn.Linear(width, max(1, width // reduction)))
        self.up = init_as_swin(nn.Linear(max(1, width // reduction), width))

    def forward(self, x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*b d"]:
        inside = self.down(self.film(x, self.embed(z)))
        out: Tensor = self.up(F.gelu(inside) if self.activation == "gelu" else inside)
        return out


def _broadcast(part: Float[Tensor, "p c"], x: Tensor) -> Tensor:
    """Returns `part` with as many axes as x, so that it broadcasts between rows and channels."""
    return part.view(len(part), *(1 for _ in range(x.dim() - 2)), part.shape[-1])
