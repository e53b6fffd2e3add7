"""The result of a decoding: token ids of several answers per item, ranked."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.nn.generate.step import SpecialIds


@dataclass(frozen=True)
class GeneratedTokens:
    """m answers per item, best first; answers that were cut off by the limit come after those that ended.

    Args:
        tokens: without the prompt; `pad` after the end.
        log_probs: sum of the model's own log-probabilities up to the end, the end included; -inf for an empty slot.
        scores: the values that the answers are ranked by, such as length-normalised log-probabilities.
        finished: whether the model ended the answer, and not the limit.
        ids: the ids that end and fill answers.
    """

    tokens: Int[Tensor, "b m t"]
    log_probs: Float[Tensor, "b m"]
    scores: Float[Tensor, "b m"]
    finished: Bool[Tensor, "b m"]
    ids: SpecialIds

    def best(self) -> list[list[int]]:
        """Returns the token ids of each item's best answer, without end and padding."""
        special = (self.ids.eos, self.ids.pad)
        return [[token for token in row if token not in special] for row in self.tokens[:, 0].tolist()]


def ranked(
    tokens: Int[Tensor, "b m t"],
    log_probs: Float[Tensor, "b m"],
    scores: Float[Tensor, "b m"],
    finished: Bool[Tensor, "b m"],
    ids: SpecialIds,
) -> GeneratedTokens:
    """Returns answers in order: finished before unfinished, then by score; empty slots are blanked."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    order = order.gather(1, finished.gather(1, order).byte().argsort(dim=1, descending=True, stable=True))
    log_probs = log_probs.gather(1, order)
    empty = log_probs == float("-inf")
    tokens = gather_answers(tokens, order).masked_fill(empty[..., None], ids.pad)
    scores = scores.gather(1, order).masked_fill(empty, float("-inf"))
    return GeneratedTokens(tokens, log_probs, scores, finished.gather(1, order) & ~empty, ids)


def gather_answers(tokens: Int[Tensor, "a m t"], index: Int[Tensor, "a n"]) -> Int[Tensor, "a n t"]:
    """Returns the token rows of n answers of each item."""
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))
