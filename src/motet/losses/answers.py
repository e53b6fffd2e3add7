"""Losses of one prediction per row: a class, an answer of a closed list, a number; a row counts 1."""

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
    return Loss(functional.cross_entropy(scores.float(), index, reduction="sum"), row_count(scores))


def soft_answers(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Returns the binary cross entropy of every answer with its soft target, summed over answers; a row counts 1.

    Source: Teney et al. 2018 (arXiv 1708.02711), section 3.6; the targets are those of `soft_answer_targets`.
    """
    total = functional.binary_cross_entropy_with_logits(scores.float(), targets.float(), reduction="sum")
    return Loss(total, row_count(scores))


def absolute_error(scores: Float[Tensor, "r"], annotation: Float[Tensor, "r"]) -> Loss:
    """Returns the absolute difference of two numbers, in the score's own unit; a row counts 1.

    Examples:
        >>> float(absolute_error(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])).total)
        3.0
    """
    return Loss(functional.l1_loss(scores.float(), annotation.float(), reduction="sum"), row_count(scores))


def soft_cross_entropy(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Returns the cross entropy with soft targets scaled to a sum of one; a row without any adds zero and counts 1.

    Examples:
        >>> loss = soft_cross_entropy(torch.zeros(2, 4), torch.tensor([[0.9, 0.3, 0.0, 0.0], [0.0] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    probabilities = targets.float() / targets.float().sum(-1, keepdim=True).clamp(min=1e-6)
    return Loss(-(probabilities * scores.float().log_softmax(-1)).sum(), row_count(scores))


def candidates_loss(scores: Float[Tensor, "r c"], matches: Bool[Tensor, "r c"]) -> Loss:
    """Returns -log of the matching candidates' joint probability; a row without any adds zero and counts 1.

    Examples:
        >>> loss = candidates_loss(torch.zeros(2, 4), torch.tensor([[True, False, False, False], [False] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    log_probs, some = scores.float().log_softmax(-1), matches.any(-1)
    total = -log_probs[some].masked_fill(~matches[some], -torch.inf).logsumexp(-1).sum()
    return Loss(total, row_count(scores))


def row_count(scores: Tensor) -> Float[Tensor, ""]:
    """Returns the number of rows as a tensor, the weight of a loss in which each counts 1."""
    return torch.tensor(float(len(scores)), device=scores.device)


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
