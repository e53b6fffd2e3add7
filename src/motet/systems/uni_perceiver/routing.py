"""Who decides which experts a token goes to: one gate for attention, one for the feed-forward part (section 3.2)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motet.nn.experts import Decision, Dispatched, Merged
from motet.nn.gates import AttributeScores, ContextScores, Gates, NamedScores, TokenScores, best_of, with_noise
from motet.systems.uni_perceiver.lines import Kind, Span
from motet.systems.uni_perceiver.options import Experts

NUM_ATTRIBUTES = 8


class Gate(nn.Module):
    """Chooses experts by the rule of the options.

    Source: Uni-Perceiver-MoE, equations 3 and 5 to 9. Of the rules only attributes have official code; the others
    follow their equations.

    Args:
        experts: the rule, and how many are chosen.
        width: of tokens.
        heads: of the pooling of contexts.
        tasks: names, for routing by task.
    """

    def __init__(self, experts: Experts, width: int, heads: int, tasks: Sequence[str]) -> None:
        super().__init__()
        self.experts = experts
        self.rule = _rule(experts, width, heads, tasks)

    def context(self, x: Float[Tensor, "b n d"], shared: Bool[Tensor, "b n"] | None) -> Float[Tensor, "b d"] | None:
        """What later tokens of the same sequences need to be routed; None where they need nothing.

        Args:
            x: tokens that are about to be routed.
            shared: True on those that every token may read; None for all.
        """
        return self.rule.pool(x, shared) if isinstance(self.rule, ContextScores) else None

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        spans: Sequence[Span],
        valid: Bool[Tensor, "b n"] | None,
        context: Float[Tensor, "b d"] | None,
    ) -> Decision:
        """The experts of each token, or of each kind of token."""
        match self.rule:
            case TokenScores():
                return Dispatched(self._best(self.rule(x)), valid)
            case ContextScores():
                assert context is not None  # its caller has it from `context`
                return Dispatched(self._best(self.rule(x, context)), valid)
            case NamedScores() | AttributeScores():
                kinds = {self._decides(span.kind): span.kind for span in spans}
                rows = {key: row for row, key in enumerate(kinds)}
                runs = tuple((span.count, rows[self._decides(span.kind)]) for span in spans)
                return Merged(self.of_kinds(list(kinds.values())), runs)
            case other:
                assert_never(other)

    def of_kinds(self, kinds: Sequence[Kind]) -> Gates:
        """The experts of kinds of token, where these alone decide."""
        match self.rule:
            case NamedScores():
                by_task = self.experts.routing == "task"
                return self._best(self.rule([kind.task if by_task else kind.modality for kind in kinds]))
            case AttributeScores():
                bits = [kind.attributes.bits(self.experts.scheme) for kind in kinds]
                device = self.rule.out.weight.device
                return self._best(self.rule(torch.tensor(bits, dtype=torch.float32, device=device)))
            case _:
                raise TypeError(f"{self.experts.routing!r} routing knows no kinds of token")

    def _decides(self, kind: Kind) -> Hashable:
        """What of a kind of token decides: kinds that have it in common share one choice."""
        match self.experts.routing:
            case "task":
                return kind.task
            case "modality":
                return kind.modality
            case _:
                return tuple(kind.attributes.bits(self.experts.scheme))

    def _best(self, logits: Float[Tensor, "*r e"]) -> Gates:
        if self.training:
            logits = with_noise(logits, self.experts.noise)
        return best_of(logits, self.experts.k, normalize=self.experts.normalize)


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
