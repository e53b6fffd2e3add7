"""Losses of one prediction per row: a class, an answer of a closed list, a candidate, a number; a row counts 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from motet.core import Loss


def cross_entropy(scores: Float[Tensor, "r k"], index: Int[Tensor, "r"]) -> Loss:
    """Returns the softmax cross entropy of a class; a row counts 1.

    Examples:
        >>> loss = cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3]))
        >>> round(float(loss.total / loss.weight), 4)
        1.3863
    """
    return Loss.over(scores, functional.cross_entropy(scores.float(), index, reduction="sum"))


def soft_answers(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Returns the binary cross entropy of every answer with its soft target, summed over answers; a row counts 1.

    Source: Teney et al. 2018 (arXiv 1708.02711), section 3.6; the targets are those of `soft_answer_targets`.
    """
    total = functional.binary_cross_entropy_with_logits(scores.float(), targets.float(), reduction="sum")
    return Loss.over(scores, total)


def soft_cross_entropy(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Returns the softmax cross entropy with soft targets scaled to a sum of one; a row without any target adds zero.

    Examples:
        >>> loss = soft_cross_entropy(torch.zeros(2, 4), torch.tensor([[0.9, 0.3, 0.0, 0.0], [0.0] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    probabilities = targets / targets.sum(-1, keepdim=True).clamp(min=1e-6)
    return Loss.over(scores, -(probabilities * scores.float().log_softmax(-1)).sum())


def candidate_cross_entropy(scores: Float[Tensor, "r c"], is_match: Bool[Tensor, "r c"]) -> Loss:
    """Returns -log of the softmax probability of the matching candidates; a row without any adds zero and counts 1.

    Args:
        scores: of candidates; -inf on padding.
        is_match: True on those that match; their probabilities add.

    Examples:
        >>> is_match = torch.tensor([[True, False, False, False], [False] * 4])
        >>> loss = candidate_cross_entropy(torch.zeros(2, 4), is_match)
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    log_probs = scores.float().log_softmax(-1)
    has_match = is_match.any(-1)
    total = -log_probs[has_match].masked_fill(~is_match[has_match], -torch.inf).logsumexp(-1).sum()
    return Loss.over(scores, total)


def absolute_error(scores: Float[Tensor, "r"], annotation: Float[Tensor, "r"]) -> Loss:
    """Returns the absolute difference of two numbers, in the score's own unit; a row counts 1.

    Examples:
        >>> float(absolute_error(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])).total)
        3.0
    """
    return Loss.over(scores, functional.l1_loss(scores.float(), annotation.float(), reduction="sum"))


def soft_answer_targets(answers: Sequence[str], names: Sequence[str]) -> Float[Tensor, "k"]:
    """Returns one row's soft targets over a closed list of answers: 0, 0.3, 0.6, 0.9 for 0 to 3 annotators, then 1.

    Source: `compute_softscore.get_score` of the bottom-up-attention-vqa code (Teney et al. 2018). An answer
    that is the only one of its row (a data set with one answer per question) counts 1.

    Examples:
        >>> soft_answer_targets(["red"] * 2 + ["blue"] * 8, ["blue", "red", "green"]).tolist()
        [1.0, 0.6000000238418579, 0.0]
    """
    counts = Counter(answers)
    if len(answers) == 1:
        return torch.tensor([float(counts[name]) for name in names])
    return torch.tensor([soft_score(counts[name]) for name in names])


def soft_score(occurrences: int) -> float:
    """Returns the soft target of an answer that this number of ten annotators gave.

    Examples:
        >>> [soft_score(n) for n in range(6)]
        [0.0, 0.3, 0.6, 0.9, 1.0, 1.0]
    """
    return (0.0, 0.3, 0.6, 0.9)[occurrences] if occurrences < 4 else 1.0
