"""From scores of targets to losses and predictions, for each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Answer, ClassPrediction, Label, Loss, Prediction, Task, TextPrediction

WORD, BALANCE = "word", "balance"


def smoothed(
    scores: Float[Tensor, "r k"],
    index: Int[Tensor, "r"],
    smoothing: float,
    allowed: Bool[Tensor, "r k"] | None = None,
) -> Loss:
    """Cross entropy with smoothed labels; each row counts one.

        (1 - s) (-log p_right) + s mean over targets of (-log p)

    Source: the official code, `label_smoothing_ce`: the right target has its part of the mean too.

    Args:
        scores: of targets.
        index: of the right one.
        smoothing: s.
        allowed: targets that count; None for all.

    Examples:
        >>> round(float(smoothed(torch.zeros(2, 4), torch.tensor([0, 3]), 0.1).total), 4)
        2.7726
    """
    scores = scores.float()
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    log_probs = scores.log_softmax(-1)
    right = log_probs.gather(1, index[:, None])[:, 0]
    if not smoothing:
        return Loss(-right.sum(), counted(scores))
    if allowed is None:
        mean = log_probs.mean(-1)
    else:
        mean = log_probs.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
    return Loss(-((1 - smoothing) * right + smoothing * mean).sum(), counted(scores))


def soft_targets(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Cross entropy with targets scaled to a sum of one; a row without any adds nothing.

    Examples:
        >>> loss = soft_targets(torch.zeros(2, 4), torch.tensor([[0.9, 0.3, 0.0, 0.0], [0.0] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    parts = targets.float() / targets.float().sum(-1, keepdim=True).clamp(min=1e-6)
    return Loss(-(parts * scores.float().log_softmax(-1)).sum(), counted(scores))


def one_of_candidates(scores: Float[Tensor, "r c"], right: Bool[Tensor, "r c"]) -> Loss:
    """-log of the right candidates' part of a softmax; a row counts one, and adds nothing where none is right."""
    log_probs = scores.float().log_softmax(-1)
    some = right.any(-1)
    total = -log_probs[some].masked_fill(~right[some], -torch.inf).logsumexp(-1).sum()
    return Loss(total, counted(scores))


def words_loss(scores: Float[Tensor, "w v"], index: Int[Tensor, "w"]) -> Loss:
    """Cross entropy of words; each counts one."""
    return Loss(F.cross_entropy(scores.float(), index, reduction="sum"), counted(scores))


def of_rows(count: int, like: Tensor) -> Loss:
    """Nothing by rows, for tasks whose loss is a mean over words."""
    zero = torch.zeros((), device=like.device)
    return Loss(zero, zero + count)


def counted(scores: Tensor) -> Float[Tensor, ""]:
    """How many rows there are."""
    return torch.tensor(float(len(scores)), device=scores.device)


def named(task: Task, scores: Float[Tensor, "r k"]) -> list[Prediction]:
    """The likeliest name of each row; scores are log-probabilities."""
    assert isinstance(task.target, Label | Answer)  # held since it was built
    names = task.target.names
    log_probs = scores.float().log_softmax(-1)
    best = log_probs.argmax(-1).tolist()
    return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, log_probs.tolist(), strict=True)]


def candidates(
    scores: Float[Tensor, "r c"], real: Bool[Tensor, "r c"], names: Sequence[Sequence[str]] = ()
) -> list[Prediction]:
    """The best candidate of each row, and every real one's score, each alone."""
    found: list[Prediction] = []
    for place, (row, valid) in enumerate(zip(scores.float(), real, strict=True)):
        best = int(row.masked_fill(~valid, -torch.inf).argmax())
        found.append(ClassPrediction(best, names[place][best] if names else "", tuple(row[valid].tolist())))
    return found


def told(
    ids: Int[Tensor, "r t"],
    hidden: Bool[Tensor, "r t"],
    scores: Float[Tensor, "w v"],
    text_of: Callable[[Sequence[int]], str],
) -> list[Prediction]:
    """Each text with the likeliest words in place of the hidden ones, and their log-probability.

    Args:
        ids: of the texts, words hidden.
        hidden: where a word is to be told.
        scores: of the vocabulary, for those places in order.
        text_of: pieces to a text.
    """
    best = scores.float().log_softmax(-1).max(-1)
    whole, sure = ids.clone(), torch.zeros(hidden.shape, device=ids.device)
    whole[hidden], sure[hidden] = best.indices + 1, best.values
    return [
        TextPrediction(text_of(row), float(p)) for row, p in zip(whole.tolist(), sure.sum(-1).tolist(), strict=True)
    ]
