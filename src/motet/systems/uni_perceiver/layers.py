"""A block of the encoder, whose four projections are plain, of experts, or one for each kind of token."""

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
from motet.systems.uni_perceiver.lines import Span
from motet.systems.uni_perceiver.options import (
    Blocks,
    EncoderSize,
    Experts,
    MergedExperts,
    TaskSpecificBlocks,
    is_expert_layer,
)
from motet.systems.uni_perceiver.routing import Gate

NORM_EPS = 1e-5


@dataclass(frozen=True)
class Past:
    """What tokens that come later read of those before, in one layer.

    Args:
        keys: prompts in front.
        values: as keys.
        valid: True on what may be read; None for all.
        contexts: of attention's and of the feed-forward part's gate, where routing is by context.
    """

    keys: Float[Tensor, "b heads n c"]
    values: Float[Tensor, "b heads n c"]
    valid: Bool[Tensor, "b n"] | None
    contexts: tuple[Float[Tensor, "b d"] | None, Float[Tensor, "b d"] | None] = (None, None)

    def rows(self, index: Int[Tensor, "r"]) -> Past:
        """Some of the sequences, in any order, each as often as it is named."""
        first, second = (None if each is None else each[index] for each in self.contexts)
        valid = None if self.valid is None else self.valid[index]
        return Past(self.keys[index], self.values[index], valid, (first, second))

    def longer(self, keys: Float[Tensor, "b heads m c"], values: Float[Tensor, "b heads m c"]) -> Past:
        """With real tokens behind those that are there."""
        valid = None if self.valid is None else F.pad(self.valid, (0, keys.shape[2]), value=True)
        return Past(torch.cat([self.keys, keys], 2), torch.cat([self.values, values], 2), valid, self.contexts)


class KeyedLinear(nn.Module):
    """A plain layer for each name; a run of tokens goes to the one that its kind is given.

    Args:
        width: channels in.
        out: channels out.
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
    """Attention and feed-forward part, each after a norm, scaled by channel, sometimes dropped, and added.

        x = x + drop(scale1 attention(norm1 x));  x = x + drop(scale2 W2 gelu(W1 norm2 x))

    Attention's output projection shares the choice of experts with its input projection, W2 with W1.

    Source: Uni-Perceiver-MoE, figure 1 and section 3.2; the official `transformer_encoder_moe_layer.py`.

    Args:
        sizes: of the encoder.
        index: of the layer, from 0.
        blocks: what its projections are made of.
        tasks: names.
        layer_scale: at the start; None for no scales.
        drop_path: how often a row skips a part in training.
        prompts: that keys and values have in front, for inputs and for targets each.
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
        readable: Bool[Tensor, "#b 1 #m n"] | None = None,
        shared: Bool[Tensor, "b n"] | None = None,
        past: Past | None = None,
    ) -> tuple[Float[Tensor, "b n d"], Past, Float[Tensor, ""] | None]:
        """The tokens a layer on, what later ones read of them, and how unevenly experts were used.

        Args:
            x: tokens.
            spans: what they are.
            valid: True on real ones; None for all.
            readable: which of them each may read; None for all.
            shared: True on those that contexts are summed up over; None for all.
            past: of tokens before them, all of which they may read; prompts are among those.
        """
        y = self.norm1(x)
        contexts = past.contexts if past is not None else (self._context(self.attention_gate, y, shared), None)
        read, kept, first = self._attend(y, spans, valid, readable, contexts[0], past)
        x = x + self._dropped(read if self.scale1 is None else self.scale1 * read)
        y = self.norm2(x)
        mlp_context = contexts[1] if past is not None else self._context(self.mlp_gate, y, shared)
        decision = self._decide(self.mlp_gate, y, spans, valid, mlp_context)
        added = self._project(self.down, F.gelu(self._project(self.up, y, spans, decision)), spans, decision)
        x = x + self._dropped(added if self.scale2 is None else self.scale2 * added)
        past_now = Past(kept.keys, kept.values, kept.valid, (contexts[0], mlp_context))
        return x, past_now, _uneven(first, decision)

    def _attend(
        self,
        y: Float[Tensor, "b n d"],
        spans: Sequence[Span],
        valid: Bool[Tensor, "b n"] | None,
        readable: Bool[Tensor, "#b 1 #m n"] | None,
        context: Float[Tensor, "b d"] | None,
        past: Past | None,
    ) -> tuple[Float[Tensor, "b n d"], Past, Decision | None]:
        prompts = None if past is not None else self._prompts(spans)
        p = 0 if prompts is None else len(prompts)
        inputs, longer, real = y, tuple(spans), valid
        if prompts is not None:
            # They are tokens of the first kind that nobody asks for.
            inputs = torch.cat([self.norm1(prompts).to(y.dtype).expand(len(y), -1, -1), y], 1)
            longer = (Span(spans[0].count + p, spans[0].kind), *spans[1:])
            real = None if valid is None else F.pad(valid, (p, 0), value=True)
            readable = None if readable is None else F.pad(readable, (p, 0), value=True)
        decision = self._decide(self.attention_gate, inputs, longer, real, context)
        query, key, value = self._heads(self._project(self.qkv, inputs, longer, decision))
        if past is not None:
            seen = past.valid
            if seen is not None or readable is not None:
                now = y.new_ones(1, 1, 1, y.shape[1], dtype=torch.bool) if readable is None else readable
                before = y.new_ones(1, 1, 1, past.keys.shape[2], dtype=torch.bool)
                before = before if seen is None else seen[:, None, None]
                b, m = max(len(before), len(now)), max(now.shape[2], 1)
                readable = torch.cat([before.expand(b, 1, m, -1), now.expand(b, 1, m, -1)], 3)
            keys, values = torch.cat([past.keys, key], 2), torch.cat([past.values, value], 2)
        else:
            keys, values = key, value
        read = attend(query[:, :, p:], keys, values, readable).transpose(1, 2).flatten(2)
        decision = decision if decision is None or not p else decision.without(p)
        return self._project(self.out, read, spans, decision), Past(key, value, real), decision

    def _heads(self, qkv: Float[Tensor, "b n e"]) -> tuple[Tensor, Tensor, Tensor]:
        b, n, _ = qkv.shape
        query, key, value = qkv.view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def _prompts(self, spans: Sequence[Span]) -> Float[Tensor, "p d"] | None:
        return self.target_prompts if spans[0].kind.attributes.target else self.input_prompts

    @staticmethod
    def _context(gate: Gate | None, y: Tensor, shared: Tensor | None) -> Tensor | None:
        return None if gate is None else gate.context(y, shared)

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
            found: Tensor = layer(x, decision)
            return found
        if isinstance(layer, KeyedLinear):
            keyed: Tensor = layer(x, [(span.count, self._name(span)) for span in spans])
            return keyed
        plain: Tensor = layer(x)
        return plain

    def _name(self, span: Span) -> str:
        return self.blocks.matrix_of[span.kind.name] if isinstance(self.blocks, MergedExperts) else span.kind.task

    def _dropped(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        if not self.training or not self.drop_path:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop_path
        return x * (kept / (1 - self.drop_path)).to(x.dtype)


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


def _uneven(*decisions: Decision | None) -> Float[Tensor, ""] | None:
    found = [load_balance(each.gates, each.valid) for each in decisions if isinstance(each, Dispatched)]
    return torch.stack(found).mean() if found else None
