"""A linear layer of several experts: merged where a choice holds for many tokens, dispatched where each has its own."""

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
    """A choice that holds for whole runs of tokens: their experts are added up to one matrix first.

    Args:
        gates: a row for each different choice.
        runs: along a sequence, how many tokens follow which row of `gates`.
    """

    gates: Gates
    runs: tuple[tuple[int, int], ...]

    def without(self, count: int) -> Merged:
        """The same for sequences without their first `count` tokens, all of the first run."""
        (length, row), *rest = self.runs
        return Merged(self.gates, ((length - count, row), *rest))


@dataclass(frozen=True)
class Dispatched:
    """A choice for each token: tokens are sorted by expert, so that each expert reads its own and no others.

    Args:
        gates: of each token.
        valid: True on tokens that are computed, others give zeros; None for all.
    """

    gates: Gates
    valid: Bool[Tensor, "b n"] | None = None

    def without(self, count: int) -> Dispatched:
        """The same for sequences without their first `count` tokens."""
        length = self.gates.experts.shape[1]
        return Dispatched(self.gates.part(count, length), None if self.valid is None else self.valid[:, count:])

    @cached_property
    def plan(self) -> DispatchPlan:
        """Who goes where; made once, also where a second layer shares the choice."""
        return DispatchPlan.of(self.gates, self.valid)


Decision: TypeAlias = Merged | Dispatched


@dataclass(frozen=True)
class DispatchPlan:
    """Tokens sorted by expert.

    Args:
        kept: places of the tokens that are computed; None for all.
        tokens: for each sorted pair of a token and an expert, the token's place among the kept.
        order: of the sorted pairs, their places among the unsorted.
        back: where each unsorted pair stands among the sorted.
        counts: pairs of each expert.
        weights: of each token's k experts.
    """

    kept: Int[Tensor, "m"] | None
    tokens: Int[Tensor, "p"]
    order: Int[Tensor, "p"]
    back: Int[Tensor, "p"]
    counts: Int[Tensor, "e"]
    weights: Float[Tensor, "m k"]

    @classmethod
    def of(cls, gates: Gates, valid: Bool[Tensor, "b n"] | None) -> DispatchPlan:
        """Sorts; the order within an expert is that of the tokens."""
        experts, weights = gates.experts.flatten(0, -2), gates.weights.flatten(0, -2)
        kept = None if valid is None else valid.flatten().nonzero()[:, 0]
        if kept is not None:
            experts, weights = experts[kept], weights[kept]
        k, pairs = experts.shape[1], experts.flatten()
        order = pairs.argsort(stable=True)
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        counts = torch.bincount(pairs, minlength=gates.num_experts)
        return cls(kept, order // k, order, back, counts, weights)

    @cached_property
    def sizes(self) -> list[int]:
        """Pairs of each expert, as numbers."""
        found: list[int] = self.counts.tolist()
        return found


class ConditionalLinear(nn.Module):
    """Several linear layers, of which each token has its own mixture.

        y = sum over experts of G (W x + b)

    All experts start alike. Where a choice holds for many tokens the sum is taken over the matrices first, and costs
    what one layer costs; else each expert computes the tokens that are sent to it, and no others.

    Source: Uni-Perceiver-MoE, equation 4; the biases are the official code's.

    Args:
        width: channels in.
        out: channels out.
        num_experts: how many layers.

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
        """The one matrix and bias that do what the chosen experts do together, for each row of gates."""
        weights = gates.dense().to(self.weight.dtype)
        with torch.autocast(self.weight.device.type, enabled=False):
            weight = (weights @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])
            return weight, weights @ self.bias

    @torch.no_grad()
    def linear(self, gates: Gates, row: int = 0) -> nn.Linear:
        """A plain layer with the same outputs as this one under one row of gates."""
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
        flat = x.flatten(0, 1) if plan.kept is None else x.flatten(0, 1).index_select(0, plan.kept)
        sent = _Send.apply(flat, plan.tokens, plan.back, plan.weights.shape[1])
        y = grouped_linear(sent, plan, weight, bias)
        found: Tensor = _Return.apply(y, plan.weights.to(y.dtype), plan.tokens, plan.order, plan.back)
        if plan.kept is not None:
            found = found.new_zeros(b * n, found.shape[-1]).index_copy(0, plan.kept, found)
        return found.view(b, n, -1)


def flat_linear(
    x: Float[Tensor, "b n i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, "o"]
) -> Float[Tensor, "b n o"]:
    """A linear layer of a slice of tokens: one product with its bias, whose gradient is one sum over rows.

    A slice is not contiguous; as it is, the bias would be added apart, and its gradient summed over two dimensions,
    which took a fifth of a whole training step on a CPU.
    """
    return F.linear(x.flatten(0, 1), weight, bias).view(*x.shape[:-1], -1)


def grouped_linear(
    x: Float[Tensor, "p i"], plan: DispatchPlan, weight: Float[Tensor, "e o i"], bias: Float[Tensor, "e o"]
) -> Float[Tensor, "p o"]:
    """Each expert's layer on its own slice of the sorted tokens.

    One grouped matrix product where the device has one, else one product an expert.
    """
    if _groups(x, weight):
        ends = plan.counts.cumsum(0).to(torch.int32)
        y = F.grouped_mm(x, weight.transpose(1, 2), offs=ends)
        return y + bias.repeat_interleave(plan.counts, dim=0, output_size=len(x))
    found: Tensor = _Grouped.apply(x, weight, bias, plan.sizes)
    return found


def _groups(x: Tensor, weight: Tensor) -> bool:
    """Whether a grouped product is there and fast: 16-bit floats on a GPU from compute capability 8 on."""
    if not x.is_cuda or x.dtype != torch.bfloat16 or not hasattr(F, "grouped_mm"):
        return False
    aligned = weight.shape[1] % 8 == 0 and weight.shape[2] % 8 == 0
    return aligned and torch.cuda.get_device_capability(x.device)[0] >= 8


class _Grouped(torch.autograd.Function):
    """A product an expert, each written to its place: putting parts together by `cat` copies all of them once more."""

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
        by_x, by_weight = torch.empty_like(x), torch.empty_like(weight)
        by_bias = weight.new_empty(weight.shape[:2])
        parts, given = torch.split(x, ctx.sizes), torch.split(gradient, ctx.sizes)
        for expert, (part, g, out) in enumerate(zip(parts, given, torch.split(by_x, ctx.sizes), strict=True)):
            torch.mm(g, weight[expert], out=out)
            torch.mm(g.t(), part, out=by_weight[expert])
            torch.sum(g, 0, out=by_bias[expert])
        return by_x, by_weight, by_bias, None


class _Send(torch.autograd.Function):
    """Tokens to their experts: rows are copied; back, the k copies of a row are added without a scatter."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tokens: Tensor, back: Tensor, k: int) -> Tensor:
        ctx.save_for_backward(back)
        ctx.k = k
        return x.index_select(0, tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (back,) = ctx.saved_tensors
        return F.embedding_bag(back.view(-1, ctx.k), gradient, mode="sum"), None, None, None


class _Return(torch.autograd.Function):
    """What the experts say of each token, weighed and added while it is fetched from its places."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, weights: Tensor, tokens: Tensor, order: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(y, weights, tokens, order, back)
        return F.embedding_bag(back.view(weights.shape), y, mode="sum", per_sample_weights=weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        y, weights, tokens, order, back = ctx.saved_tensors
        sent = gradient.index_select(0, tokens)
        by_weights = torch.linalg.vecdot(sent, y).index_select(0, back).view(weights.shape)
        sent *= weights.flatten().index_select(0, order)[:, None]
        return sent, by_weights, None, None, None
