"""The answers that a beam search extends, keeps and returns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.nn.generate.output import gather_answers
from motet.nn.generate.step import SpecialIds

NEVER = float("-inf")


@dataclass(frozen=True)
class Hypotheses:
    """m answers of each of a items; an empty slot has a score and a log-probability of -inf.

    Args:
        scores: the values that they are selected by.
        log_probs: the model's own.
        tokens: without the prompt.
        ended: whether the answer is complete.
    """

    scores: Float[Tensor, "a m"]
    log_probs: Float[Tensor, "a m"]
    tokens: Int[Tensor, "a m t"]
    ended: Bool[Tensor, "a m"]

    @staticmethod
    def empty(num_items: int, num_slots: int, length: int, ids: SpecialIds, device: torch.device) -> Hypotheses:
        """Returns empty slots for answers of a length."""
        nothing = torch.full((num_items, num_slots), NEVER, device=device)
        tokens = torch.full((num_items, num_slots, length), ids.pad, device=device)
        return Hypotheses(nothing, nothing.clone(), tokens, torch.zeros_like(nothing, dtype=torch.bool))

    def select(self, items: Tensor) -> Hypotheses:
        """Returns the answers of some items, by index or mask."""
        return Hypotheses(*(getattr(self, field.name)[items] for field in fields(self)))

    def put(self, items: Int[Tensor, "n"], others: Hypotheses) -> None:
        """Writes answers in the place of those of some items."""
        for field in fields(self):
            getattr(self, field.name)[items] = getattr(others, field.name)

    def extend(
        self,
        step: int,
        parents: Int[Tensor, "a n"],
        tokens: Int[Tensor, "a n"],
        scores: Float[Tensor, "a n"],
        log_probs: Float[Tensor, "a n"],
        ids: SpecialIds,
    ) -> Hypotheses:
        """Returns n answers per item, each one of these with another token, which may end it.

        Args:
            step: the place of the token.
            parents: the one of these that each continues; one that has ended stays so.
            tokens: that they continue with.
            scores: of the longer answers; -inf for an empty slot.
            log_probs: of the longer answers.
            ids: the ids that end and fill answers.
        """
        whole = gather_answers(self.tokens, parents)
        whole[..., step] = tokens
        ended = ((tokens == ids.eos) | self.ended.gather(1, parents)) & scores.isfinite()
        return Hypotheses(scores, log_probs, whole, ended)

    def best(self, count: int, others: Hypotheses) -> Hypotheses:
        """Returns the best of these and others."""
        scores, index = torch.cat([self.scores, others.scores], dim=1).topk(count)
        log_probs = torch.cat([self.log_probs, others.log_probs], dim=1).gather(1, index)
        tokens = gather_answers(torch.cat([self.tokens, others.tokens], dim=1), index)
        return Hypotheses(scores, log_probs, tokens, torch.cat([self.ended, others.ended], dim=1).gather(1, index))
