"""Gates, which choose the experts of each token; a block has one per part (section 3.2)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motet.nn.experts import Decision, Dispatched, Merged
from motet.nn.gates import AttributeScores, ContextScores, Gates, NamedScores, TokenScores, best_of, with_noise
from motet.systems.uni_perceiver.options import Experts, Routing
from motet.systems.uni_perceiver.sequences import Span
from motet.systems.uni_perceiver.token_kinds import TokenKind

NUM_ATTRIBUTES = 8


class Gate(nn.Module):
    """Chooses experts by a routing rule.

    Source: Uni-Perceiver-MoE, equations 3 and 5 to 9. Only routing by attribute has official code; the other rules
    follow their equations.

    Args:
        experts: the rule, and the number of experts per token.
        width: of tokens.
        heads: of the pooling of contexts.
        tasks: names, for routing by task.
    """

    def __init__(self, experts: Experts, width: int, heads: int, tasks: Sequence[str]) -> None:
        super().__init__()
        self.experts = experts
        self.rule = _rule(experts, width, heads, tasks)

    def context(
        self, x: Float[Tensor, "b n d"], context_mask: Bool[Tensor, "b n"] | None
    ) -> Float[Tensor, "b d"] | None:
        """Returns the pooled context of sequences, for tokens that follow, too; None: the rule uses none.

        Args:
            x: tokens to be routed.
            context_mask: True on those that every token may attend to; None: all.
        """
        return self.rule.pool(x, context_mask) if isinstance(self.rule, ContextScores) else None

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        spans: Sequence[Span],
        valid: Bool[Tensor, "b n"] | None,
        context: Float[Tensor, "b d"] | None,
    ) -> Decision:
        """Chooses the experts of each token, or of each kind of token."""
        match self.rule:
            case TokenScores():
                return Dispatched(self._best(self.rule(x)), valid)
            case ContextScores():
                assert context is not None  # from `context`
                return Dispatched(self._best(self.rule(x, context)), valid)
            case NamedScores() | AttributeScores():
                keys = [routing_key(self.experts.routing, span.kind) for span in spans]
                kinds = {key: span.kind for key, span in zip(keys, spans, strict=True)}
                rows = {key: row for row, key in enumerate(kinds)}
                runs = tuple((span.count, rows[key]) for key, span in zip(keys, spans, strict=True))
                return Merged(self.of_kinds(list(kinds.values())), runs)
            case other:
                assert_never(other)

    def of_kinds(self, kinds: Sequence[TokenKind]) -> Gates:
        """Chooses the experts of kinds of token, for rules that depend on nothing else."""
        match self.rule:
            case NamedScores():
                by_task = self.experts.routing == "task"
                return self._best(self.rule([kind.task if by_task else kind.modality for kind in kinds]))
            case AttributeScores():
                bits = [kind.attributes.bits(self.experts.scheme) for kind in kinds]
                device = self.rule.out.weight.device
                return self._best(self.rule(torch.tensor(bits, dtype=torch.float32, device=device)))
            case _:
                raise TypeError(f"of_kinds: got {self.experts.routing!r} routing, which depends on each token's state")

    def _best(self, logits: Float[Tensor, "*r e"]) -> Gates:
        if self.training:
            logits = with_noise(logits, self.experts.noise)
        return best_of(logits, self.experts.k, normalize=self.experts.normalize)


def routing_key(routing: Routing, kind: TokenKind) -> Hashable:
    """Returns the property of a kind of token that its experts depend on: kinds with the same key share them.

    Raises:
        TypeError: a routing that depends on the state of each token.
    """
    match routing:
        case "task":
            return kind.task
        case "modality":
            return kind.modality
        case "attribute":
            return kind.attributes
        case "token" | "context":
            raise TypeError(f"routing_key: got {routing!r} routing, which depends on each token's state")
        case other:
            assert_never(other)


def _rule(
    experts: Experts, width: int, heads: int, tasks: Sequence[str]
) -> TokenScores | ContextScores | NamedScores | AttributeScores:
    count = experts.num_experts
    match experts.routing:
        case "token":
            return TokenScores(width, count)
        case "context":
            return ContextScores(width, heads, count)
        case "modality":
            return NamedScores(("visual", "text"), width, count)
        case "task":
            return NamedScores(tasks, width, count)
        case "attribute":
            return AttributeScores(NUM_ATTRIBUTES, width, count)
        case other:
            assert_never(other)
