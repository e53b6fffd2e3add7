"""A linear layer of several experts: merged where many tokens share a choice, dispatched where each has its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from motet.nn.gates import Gates


@dataclass(frozen=True)
class Merged:
    """Routing shared by whole runs of tokens: their experts are summed into one matrix first.

    Args:
        gates: one row per distinct choice.
        runs: along a sequence, pairs of a number of tokens and the row of `gates` that they use.
    """

    gates: Gates
    runs: tuple[tuple[int, int], ...]

    def without(self, count: int) -> Merged:
        """Returns the routing of sequences without their first `count` tokens, all of the first run."""
        (length, row), *rest = self.runs
        return Merged(self.gates, ((length - count, row), *rest))


@dataclass(frozen=True)
class Dispatched:
    """Routing of each token by itself: tokens are sorted by expert, so that each expert computes only its own.

    Args:
        gates: of each token.
        valid: True at tokens that are computed, the outputs of others are zero; None for all.
    """

    gates: Gates
    valid: Bool[Tensor, "b n"] | None = None

    def without(self, count: int) -> Dispatched:
        """Returns the routing of sequences without their first `count` tokens."""
        length = self.gates.experts.shape[1]
        return Dispatched(self.gates.part(count, length), None if self.valid is None else self.valid[:, count:])

    @cached_property
    def plan(self) -> DispatchPlan:
        """The sorted tokens; computed once, and reused by a second layer with the same routing."""
        return DispatchPlan.of(self.gates, self.valid)


Decision: TypeAlias = Merged | Dispatched


@dataclass(frozen=True)
class DispatchPlan:
    """Tokens sorted by expert.

    Args:
        valid: places of the tokens that are computed; None for all.
        tokens: of each sorted pair of a token and an expert, the token's place among the computed ones.
        order: place of each sorted pair among the unsorted ones.
        inverse: place of each unsorted pair among the sorted ones.
        counts: number of pairs per expert.
        weights: of each token's k experts.
    """

    valid: Int[Tensor, "m"] | None
    tokens: Int[Tensor, "p"]
    order: Int[Tensor, "p"]
    inverse: Int[Tensor, "p"]
    counts: Int[Tensor, "e"]
    weights: Float[Tensor, "m k"]

    @classmethod
    def of(cls, gates: Gates, valid: Bool[Tensor, "b n"] | None) -> DispatchPlan:
        """Sorts tokens by expert; within an expert they keep their order."""
        experts, weights = gates.experts.flatten(0, -2), gates.weights.flatten(0, -2)
        places = None if valid is None else valid.flatten().nonzero()[:, 0]
        if places is not None:
            experts, weights = experts[places], weights[places]
        k, pairs = experts.shape[1], experts.flatten()
        order = pairs.argsort(stable=True)
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(len(order), device=order.device)
        counts = torch.bincount(pairs, minlength=gates.num_experts)
        return cls(places, order // k, order, inverse, counts, weights)

    @cached_property
    def sizes(self) -> list[int]:
        """The number of pairs per expert, as integers."""
        found: list[int] = self.counts.tolist()
        return found


class ConditionalLinear(nn.Module):
    """A mixture of several linear layers, with weights per token.

        y = sum over experts of G (W x + b)

    All experts are initialised equally. Where many tokens share a choice, the matrices are summed first, at the cost of
    one layer; else each expert computes the tokens that are sent to it, and no others.

    Source: Uni-Perceiver-MoE, equation 4; the biases are the official code's.

    Args:
        width: input channels.
        out: output channels.
        num_experts: number of layers.

    Examples:
        >>> from motet.nn.gates import best_of
        >>> layer = ConditionalLinear(4, 6, 3)
        >>> gates = best_of(torch.randn(2, 5, 3), 2)
        >>> layer(torch.zeros(2, 5, 4), Dispatched(gates)).shape
        torch.Size([2, 5, 6])
    """

    def __init__(self, width: int, out: int, num_experts: int) -> None:
        super().__init__()
        first = nn.Linear(width, out)
        self.weight = nn.Parameter(first.weight.detach().expand(num_experts, -1, -1).clone())
        self.bias = nn.Parameter(first.bias.detach().expand(num_experts, -1).clone())

    def forward(self, x: Float[Tensor, "b n i"], decision: Decision) -> Float[Tensor, "b n o"]:
        if isinstance(decision, Merged):
            return self._merged(x, decision)
        return self._dispatched(x, decision.plan)

    def merge(self, gates: Gates) -> tuple[Float[Tensor, "r o i"], Float[Tensor, "r o"]]:
        """Returns one matrix and bias per row of gates, equivalent to the chosen experts together."""
        weights = gates.dense().to(self.weight.dtype)
        with torch.autocast(self.weight.device.type, enabled=False):
            weight = (weights @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])
            return weight, weights @ self.bias

    @torch.no_grad()
    def linear(self, gates: Gates, row: int = 0) -> nn.Linear:
        """Returns a plain layer with the outputs of this one under one row of gates."""
        weight, bias = self.merge(gates)
        layer = nn.Linear(weight.shape[2], weight.shape[1], device=weight.device, dtype=weight.dtype)
        layer.weight.copy_(weight[row])
        layer.bias.copy_(bias[row])
        return layer

    def _merged(self, x: Float[Tensor, "b n i"], merged: Merged) -> Float[Tensor, "b n o"]:
        weight, bias = self.merge(merged.gates)
        rows = [row for _, row in merged.runs]
        if len(set(rows)) == 1:
            return F.linear(x, weight[rows[0]], bias[rows[0]])
        parts = torch.split(x, [count for count, _ in merged.runs], dim=1)
        return torch.cat([flat_linear(p, weight[row], bias[row]) for p, row in zip(parts, rows, strict=True)], 1)

    def _dispatched(self, x: Float[Tensor, "b n i"], plan: DispatchPlan) -> Float[Tensor, "b n o"]:
        b, n, _ = x.shape
        weight: Tensor = self.weight
        bias: Tensor = self.bias
        if torch.is_autocast_enabled(x.device.type):
            kind = torch.get_autocast_dtype(x.device.type)
            x, weight, bias = x.to(kind), weight.to(kind), bias.to(kind)
        flat = x.flatten(0, 1) if plan.valid is None else x.flatten(0, 1).index_select(0, plan.valid)
        sent = _Send.apply(flat, plan.tokens, plan.inverse, plan.weights.shape[1])
        y = grouped_linear(sent, plan, weight, bias)
        found: Tensor = _Return.apply(y, plan.weights.to(y.dtype), plan.tokens, plan.order, plan.inverse)
        if plan.valid is not None:
            found = found.new_zeros(b * n, found.shape[-1]).index_copy(0, plan.valid, found)
        return found.view(b, n, -1)


def flat_linear(
    x: Float[Tensor, "b n i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, "o"]
) -> Float[Tensor, "b n o"]:
    """Applies a linear layer to a slice of tokens as one product with its bias.

    A slice is not contiguous: without flattening, the bias is added separately and its gradient is summed over two
    dimensions, which took a fifth of a whole training step on a CPU.
    """
    return F.linear(x.flatten(0, 1), weight, bias).view(*x.shape[:-1], -1)


def grouped_linear(
    x: Float[Tensor, "p i"], plan: DispatchPlan, weight: Float[Tensor, "e o i"], bias: Float[Tensor, "e o"]
) -> Float[Tensor, "p o"]:
    """Applies each expert's layer to its slice of the sorted tokens.

    One grouped matrix product where the device has one, else one product per expert.
    """
    if _groups(x, weight):
        ends = plan.counts.cumsum(0).to(torch.int32)
        y = F.grouped_mm(x, weight.transpose(1, 2), offs=ends)
        return y + bias.repeat_interleave(plan.counts, dim=0, output_size=len(x))
    found: Tensor = _Grouped.apply(x, weight, bias, plan.sizes)
    return found


def _groups(x: Tensor, weight: Tensor) -> bool:
    """Returns true where a grouped product exists and is fast: bfloat16 on a GPU of compute capability 8 or more."""
    if not x.is_cuda or x.dtype != torch.bfloat16 or not hasattr(F, "grouped_mm"):
        return False
    aligned = weight.shape[1] % 8 == 0 and weight.shape[2] % 8 == 0
    return aligned and torch.cuda.get_device_capability(x.device)[0] >= 8


class _Grouped(torch.autograd.Function):
    """One product per expert, each written to its slice of the result: `cat` would copy all of them once more."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, sizes: list[int]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.sizes = sizes
        y = x.new_empty(len(x), weight.shape[1])
        for part, w, b, out in zip(torch.split(x, sizes), weight, bias, torch.split(y, sizes), strict=True):
            torch.addmm(b, part, w.t(), out=out)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        grad_x, grad_weight = torch.empty_like(x), torch.empty_like(weight)
        grad_bias = weight.new_empty(weight.shape[:2])
        parts, gradients = torch.split(x, ctx.sizes), torch.split(gradient, ctx.sizes)
        for expert, (part, g, out) in enumerate(zip(parts, gradients, torch.split(grad_x, ctx.sizes), strict=True)):
            torch.mm(g, weight[expert], out=out)
            torch.mm(g.t(), part, out=grad_weight[expert])
            torch.sum(g, 0, out=grad_bias[expert])
        return grad_x, grad_weight, grad_bias, None


class _Send(torch.autograd.Function):
    """Copies tokens to their experts; backward adds the k copies of a row without a scatter."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tokens: Tensor, inverse: Tensor, k: int) -> Tensor:
        ctx.save_for_backward(inverse)
        ctx.k = k
        return x.index_select(0, tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (inverse,) = ctx.saved_tensors
        return F.embedding_bag(inverse.view(-1, ctx.k), gradient, mode="sum"), None, None, None


class _Return(torch.autograd.Function):
    """Gathers the experts' outputs of each token as a weighted sum."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, weights: Tensor, tokens: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(y, weights, tokens, order, inverse)
        return F.embedding_bag(inverse.view(weights.shape), y, mode="sum", per_sample_weights=weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        y, weights, tokens, order, inverse = ctx.saved_tensors
        sent = gradient.index_select(0, tokens)
        grad_weights = torch.linalg.vecdot(sent, y).index_select(0, inverse).view(weights.shape)
        sent *= weights.flatten().index_select(0, order)[:, None]
        return sent, grad_weights, None, None, None
