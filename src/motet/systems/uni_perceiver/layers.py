"""A block of the encoder, whose four projections are plain, made of experts, or one per task or kind of token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.attention import attend
from motet.nn.experts import ConditionalLinear, Decision, Dispatched, flat_linear
from motet.nn.gates import load_balance
from motet.nn.parameter_names import parameter_name
from motet.systems.uni_perceiver.options import (
    Blocks,
    EncoderSize,
    Experts,
    MergedExperts,
    TaskSpecificBlocks,
    is_expert_layer,
)
from motet.systems.uni_perceiver.routing import Gate
from motet.systems.uni_perceiver.sequences import Span

NORM_EPS = 1e-5


@dataclass(frozen=True)
class KeyValueCache:
    """The keys and values of one layer's tokens, which tokens that follow attend to.

    Args:
        keys: those of prompts first.
        values: as keys.
        valid: True on tokens that may be attended to; None: all.
        contexts: of the gates of attention and of the feed-forward part, for routing by context.
    """

    keys: Float[Tensor, "b heads n c"]
    values: Float[Tensor, "b heads n c"]
    valid: Bool[Tensor, "b n"] | None
    contexts: tuple[Float[Tensor, "b d"] | None, Float[Tensor, "b d"] | None] = (None, None)

    def rows(self, index: Int[Tensor, "r"]) -> KeyValueCache:
        """Returns some of the sequences, in any order, each as often as its index occurs."""
        first, second = (None if each is None else each[index] for each in self.contexts)
        valid = None if self.valid is None else self.valid[index]
        return KeyValueCache(self.keys[index], self.values[index], valid, (first, second))

    def append(self, keys: Float[Tensor, "b heads m c"], values: Float[Tensor, "b heads m c"]) -> KeyValueCache:
        """Returns a cache with those of further real tokens behind its own."""
        valid = None if self.valid is None else F.pad(self.valid, (0, keys.shape[2]), value=True)
        return KeyValueCache(torch.cat([self.keys, keys], 2), torch.cat([self.values, values], 2), valid, self.contexts)


class KeyedLinear(nn.Module):
    """Several linear layers by name, one of which each run of tokens passes.

    Args:
        width: input channels.
        out: output channels.
        names: of the layers.
    """

    def __init__(self, width: int, out: int, names: Sequence[str]) -> None:
        super().__init__()
        first = nn.Linear(width, out)
        self.layers = nn.ModuleDict({parameter_name(name): nn.Linear(width, out) for name in names})
        for layer in self.layers.values():
            layer.load_state_dict(first.state_dict())

    def forward(self, x: Float[Tensor, "b n i"], runs: Sequence[tuple[int, str]]) -> Float[Tensor, "b n o"]:
        if len({name for _, name in runs}) == 1:
            whole: Tensor = self._layer(runs[0][1])(x)
            return whole
        parts = torch.split(x, [count for count, _ in runs], dim=1)
        layers = [self._layer(name) for _, name in runs]
        return torch.cat([flat_linear(p, one.weight, one.bias) for p, one in zip(parts, layers, strict=True)], 1)

    def _layer(self, name: str) -> nn.Linear:
        return cast(nn.Linear, self.layers[parameter_name(name)])


Projection: TypeAlias = nn.Linear | ConditionalLinear | KeyedLinear


class Block(nn.Module):
    """A pre-norm transformer block with a scale per channel and drop-path on both of its parts.

        x = x + drop(scale1 attention(norm1 x));  x = x + drop(scale2 W2 gelu(W1 norm2 x))

    Attention's output projection shares the choice of experts with its input projection, W2 with W1.

    Source: Uni-Perceiver-MoE, figure 1 and section 3.2; the official `transformer_encoder_moe_layer.py`.

    Args:
        sizes: of the encoder.
        index: of the layer, from 0.
        blocks: the composition of its projections.
        tasks: names.
        layer_scale: initial value of the scales; None: no scales.
        drop_path: probability that a row skips a part in training.
        prompts: number of trained vectors in front of keys and values, for inputs and for targets each.
    """

    def __init__(
        self,
        sizes: EncoderSize,
        index: int,
        blocks: Blocks,
        tasks: Sequence[str],
        *,
        layer_scale: float | None = 1e-3,
        drop_path: float = 0.0,
        prompts: int = 0,
    ) -> None:
        super().__init__()
        width = sizes.width
        self.heads, self.blocks, self.drop_path = sizes.heads, blocks, drop_path
        self.norm1, self.norm2 = nn.LayerNorm(width, NORM_EPS), nn.LayerNorm(width, NORM_EPS)
        plain = not isinstance(blocks, TaskSpecificBlocks) and (
            blocks is None or not is_expert_layer(blocks.where, index)
        )
        kind = None if plain else blocks
        self.qkv = _projection(kind, tasks, width, 3 * width)
        self.out = _projection(kind, tasks, width, width)
        self.up = _projection(kind, tasks, width, sizes.hidden)
        self.down = _projection(kind, tasks, sizes.hidden, width)
        self.attention_gate = Gate(kind, width, sizes.heads, tasks) if isinstance(kind, Experts) else None
        self.mlp_gate = Gate(kind, width, sizes.heads, tasks) if isinstance(kind, Experts) else None
        scale = None if layer_scale is None else torch.full((width,), layer_scale)
        self.scale1 = None if scale is None else nn.Parameter(scale)
        self.scale2 = None if scale is None else nn.Parameter(scale.clone())
        self.input_prompts = nn.Parameter(torch.randn(prompts, width) * 0.02) if prompts else None
        self.target_prompts = nn.Parameter(torch.randn(prompts, width) * 0.02) if prompts else None

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        spans: Sequence[Span],
        *,
        valid: Bool[Tensor, "b n"] | None = None,
        attention_mask: Bool[Tensor, "#b 1 #m n"] | None = None,
        context_mask: Bool[Tensor, "b n"] | None = None,
        cache: KeyValueCache | None = None,
    ) -> tuple[Float[Tensor, "b n d"], KeyValueCache, Float[Tensor, ""] | None]:
        """Returns the tokens after this layer, their own keys and values, and the load-balancing loss.

        Args:
            x: tokens.
            spans: their kinds.
            valid: True on real tokens; None: all.
            attention_mask: True where a token may attend to another of them; None: everywhere.
            context_mask: True on tokens that contexts are pooled over; None: all.
            cache: of earlier tokens, all of which may be attended to; prompts are among those.
        """
        y = self.norm1(x)
        contexts = cache.contexts if cache is not None else (self._context(self.attention_gate, y, context_mask), None)
        attended, own, first = self._attend(y, spans, valid, attention_mask, contexts[0], cache)
        x = x + self._dropped(attended if self.scale1 is None else self.scale1 * attended)
        y = self.norm2(x)
        mlp_context = contexts[1] if cache is not None else self._context(self.mlp_gate, y, context_mask)
        decision = self._decide(self.mlp_gate, y, spans, valid, mlp_context)
        added = self._project(self.down, F.gelu(self._project(self.up, y, spans, decision)), spans, decision)
        x = x + self._dropped(added if self.scale2 is None else self.scale2 * added)
        own = KeyValueCache(own.keys, own.values, own.valid, (contexts[0], mlp_context))
        return x, own, _load_balance(first, decision)

    def _attend(
        self,
        y: Float[Tensor, "b n d"],
        spans: Sequence[Span],
        valid: Bool[Tensor, "b n"] | None,
        attention_mask: Bool[Tensor, "#b 1 #m n"] | None,
        context: Float[Tensor, "b d"] | None,
        cache: KeyValueCache | None,
    ) -> tuple[Float[Tensor, "b n d"], KeyValueCache, Decision | None]:
        prompts = None if cache is not None else self._prompts(spans)
        p = 0 if prompts is None else len(prompts)
        inputs, with_prompts, real = y, tuple(spans), valid
        if prompts is not None:
            # Prompts count as tokens of the first kind, but have no queries.
            inputs = torch.cat([self.norm1(prompts).to(y.dtype).expand(len(y), -1, -1), y], 1)
            with_prompts = (Span(spans[0].count + p, spans[0].kind), *spans[1:])
            real = None if valid is None else F.pad(valid, (p, 0), value=True)
            attention_mask = None if attention_mask is None else F.pad(attention_mask, (p, 0), value=True)
        decision = self._decide(self.attention_gate, inputs, with_prompts, real, context)
        query, key, value = self._heads(self._project(self.qkv, inputs, with_prompts, decision))
        keys, values = key, value
        if cache is not None:
            attention_mask = _mask_behind(cache, attention_mask, y)
            keys, values = torch.cat([cache.keys, key], 2), torch.cat([cache.values, value], 2)
        attended = attend(query[:, :, p:], keys, values, attention_mask).transpose(1, 2).flatten(2)
        decision = decision if decision is None or not p else decision.without(p)
        return self._project(self.out, attended, spans, decision), KeyValueCache(key, value, real), decision

    def _heads(self, qkv: Float[Tensor, "b n e"]) -> tuple[Tensor, Tensor, Tensor]:
        b, n, _ = qkv.shape
        query, key, value = qkv.view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def _prompts(self, spans: Sequence[Span]) -> Float[Tensor, "p d"] | None:
        return self.target_prompts if spans[0].kind.attributes.target else self.input_prompts

    @staticmethod
    def _context(gate: Gate | None, y: Tensor, context_mask: Tensor | None) -> Tensor | None:
        return None if gate is None else gate.context(y, context_mask)

    @staticmethod
    def _decide(
        gate: Gate | None, y: Tensor, spans: Sequence[Span], valid: Tensor | None, context: Tensor | None
    ) -> Decision | None:
        return None if gate is None else gate(y, spans, valid, context)

    def _project(
        self, layer: Projection, x: Tensor, spans: Sequence[Span], decision: Decision | None
    ) -> Float[Tensor, "b n o"]:
        if isinstance(layer, ConditionalLinear):
            assert decision is not None  # such a layer has a gate
            by_experts: Tensor = layer(x, decision)
            return by_experts
        if isinstance(layer, KeyedLinear):
            keyed: Tensor = layer(x, [(span.count, self._layer_name(span)) for span in spans])
            return keyed
        plain: Tensor = layer(x)
        return plain

    def _layer_name(self, span: Span) -> str:
        return self.blocks.matrix_of[span.kind.name] if isinstance(self.blocks, MergedExperts) else span.kind.task

    def _dropped(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        if not self.training or not self.drop_path:
            return x
        survives = torch.rand(len(x), 1, 1, device=x.device) >= self.drop_path
        return x * (survives / (1 - self.drop_path)).to(x.dtype)


def _mask_behind(
    cache: KeyValueCache, attention_mask: Bool[Tensor, "#b 1 #m n"] | None, y: Float[Tensor, "b n d"]
) -> Bool[Tensor, "#b 1 #m k"] | None:
    """Returns which cached and new keys new tokens may attend to; None: all."""
    if cache.valid is None and attention_mask is None:
        return None
    new = y.new_ones(1, 1, 1, y.shape[1], dtype=torch.bool) if attention_mask is None else attention_mask
    old = y.new_ones(1, 1, 1, cache.keys.shape[2], dtype=torch.bool)
    old = old if cache.valid is None else cache.valid[:, None, None]
    b, m = max(len(old), len(new)), max(new.shape[2], 1)
    return torch.cat([old.expand(b, 1, m, -1), new.expand(b, 1, m, -1)], 3)


def _projection(kind: Blocks, tasks: Sequence[str], width: int, out: int) -> Projection:
    match kind:
        case None:
            return nn.Linear(width, out)
        case Experts():
            return ConditionalLinear(width, out, kind.num_experts)
        case TaskSpecificBlocks():
            return KeyedLinear(width, out, tasks)
        case MergedExperts(matrix_of):
            return KeyedLinear(width, out, sorted(set(matrix_of.values())))


def _load_balance(*decisions: Decision | None) -> Float[Tensor, ""] | None:
    found = [load_balance(each.gates, each.valid) for each in decisions if isinstance(each, Dispatched)]
    return torch.stack(found).mean() if found else None
