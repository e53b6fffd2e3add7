"""The adapter's parts: modulation, task-adapted attention, task-scaled norm, bottleneck (section 3.2)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.initial import as_swin

Activation = Literal["gelu"] | None


class Film(nn.Module):
    """Scales and shifts channels by what a condition says.

        y = (1 + g(z)) * x + b(z),    g and b linear in z

    Source: Perez et al., "FiLM", AAAI 2018, in the form of the official code of the adapters. Departs from it: the
    weights start at zero, not only the bias, so that a trunk with fresh adapters gives what it gave without them.

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
        """1 + g(z) and b(z)."""
        scale, shift = self.scale_shift(z).chunk(2, dim=-1)
        return 1 + scale, shift

    def forward(self, x: Float[Tensor, "*b c"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*q c"]:
        """Rows of z stand for rows of x; one row of z stands for all of them."""
        scale, shift = (_along(part, x) for part in self.parts(z))
        return scale * x + shift


class BlockBias(nn.Module):
    """What a task adds to the attention of a window, between places of one row of it: a learned matrix, modulated.

        A'(z) = (1 + g(z)) * A + b(z),    A of (h w) x w;    row i of the window sees A' at the keys of row i

    Where keys lie on a coarser grid than queries (PVT), row i of the queries sees the row of keys it falls on.

    Source: equations 2 and 3 in the form of the official code: A starts at zero, modulation is by element, one matrix
    serves all heads.

    Args:
        condition_width: channels of z.
        queries_hw: height and width of the window, in places.
        keys_hw: of what it looks at.
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
    """What a task adds to the attention of a window, between any two places: equation 3 to the letter.

        A'(z) = A g(z) + b(z),    g and b of z as matrices, A learned from a random start

    Its start differs from the letter in one thing: g and b start at zero, see `Film`.

    Args:
        condition_width: channels of z.
        queries_hw: height and width of the window, in places.
        keys_hw: of what it looks at.
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

    with mean and deviation over channels. w and bias start as those of the norm it stands for.

    Source: equation 4 (its "variance" must be the deviation) in the form of the official code, whose bias no task
    changes; `shift` adds equation 4's term. The code reads z from the task, not from the features as the paper's symbol
    has it; we follow it.

    Args:
        width: channels of x.
        condition_width: channels of z.
        eps: added to the variance.
        shift: whether the bias is the task's too: bias + s(z).

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
    def of(cls, norm: nn.LayerNorm, condition_width: int, *, shift: bool = False) -> TaskScaledNorm:
        """One that starts as a layer norm is."""
        made = cls(norm.normalized_shape[0], condition_width, eps=norm.eps, shift=shift)
        made.begin_as(norm)
        return made

    def begin_as(self, norm: nn.LayerNorm) -> None:
        """Takes weight and bias of a layer norm."""
        with torch.no_grad():
            self.weight.copy_(norm.weight)
            self.bias.copy_(norm.bias)

    def forward(self, x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*b d"]:
        weight: Tensor = self.film(self.weight.expand(len(z), -1), z)
        bias = self.bias.expand(len(z), -1) if self.shift is None else self.bias + self.shift(z)
        plain = F.layer_norm(x, (self.width,), eps=self.eps)
        return plain * _along(weight, x) + _along(bias, x)


class Bottleneck(nn.Module):
    """What one adapter hands to the next: modulated, narrowed, bent, widened.

        y = up(f(down(Film(x, emb(z)))))

    Source: section 3.2 and the official code. The paper has a non-linearity f, the code none; we follow the paper, and
    `activation=None` the code. As in the code, nothing is added around it.

    Args:
        width: channels of x.
        condition_width: channels of z.
        reduction: how many times narrower it is inside; 3 in the code.
        activation: f.
    """

    def __init__(self, width: int, condition_width: int, reduction: int = 3, activation: Activation = "gelu") -> None:
        super().__init__()
        self.activation = activation
        self.embed = as_swin(nn.Linear(condition_width, condition_width))
        self.film = Film(condition_width, width)
        self.down = as_swin(nn.Linear(width, max(1, width // reduction)))
        self.up = as_swin(nn.Linear(max(1, width // reduction), width))

    def forward(self, x: Float[Tensor, "*b d"], z: Float[Tensor, "p k"]) -> Float[Tensor, "*b d"]:
        inside = self.down(self.film(x, self.embed(z)))
        out: Tensor = self.up(F.gelu(inside) if self.activation == "gelu" else inside)
        return out


def _along(part: Float[Tensor, "p c"], x: Tensor) -> Tensor:
    """Rows of `part` beside rows of x, whatever lies between rows and channels."""
    return part.view(len(part), *(1 for _ in range(x.dim() - 2)), part.shape[-1])
