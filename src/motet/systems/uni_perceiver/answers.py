"""Losses and predictions from scores of targets, for each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Answer, ClassPrediction, Label, Loss, Prediction, Task, TextPrediction
from motet.preprocess.tokenizers import EOS

WORD, BALANCE = "word", "balance"


def smoothed_loss(
    scores: Float[Tensor, "r k"],
    index: Int[Tensor, "r"],
    smoothing: float,
    allowed: Bool[Tensor, "r k"] | None = None,
) -> Loss:
    """Returns cross entropy with smoothed labels; each row counts one.

        (1 - s) (-log p_right) + s mean over targets of (-log p)

    Source: the official code, `label_smoothing_ce`: the mean includes the right target.

    Args:
        scores: of targets.
        index: of the right target.
        smoothing: s.
        allowed: True on targets that are compared with; None: all.

    Examples:
        >>> round(float(smoothed_loss(torch.zeros(2, 4), torch.tensor([0, 3]), 0.1).total), 4)
        2.7726
    """
    scores = scores.float()
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    log_probs = scores.log_softmax(-1)
    right = log_probs.gather(1, index[:, None])[:, 0]
    if not smoothing:
        return Loss(-right.sum(), row_count(scores))
    if allowed is None:
        mean = log_probs.mean(-1)
    else:
        mean = log_probs.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
    return Loss(-((1 - smoothing) * right + smoothing * mean).sum(), row_count(scores))


def soft_target_loss(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Returns cross entropy with targets scaled to a sum of one; a row without any adds nothing.

    Examples:
        >>> loss = soft_target_loss(torch.zeros(2, 4), torch.tensor([[0.9, 0.3, 0.0, 0.0], [0.0] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    parts = targets.float() / targets.float().sum(-1, keepdim=True).clamp(min=1e-6)
    return Loss(-(parts * scores.float().log_softmax(-1)).sum(), row_count(scores))


def candidate_loss(scores: Float[Tensor, "r c"], correct: Bool[Tensor, "r c"]) -> Loss:
    """Returns -log of the correct candidates' probability; a row counts one, and adds nothing if none is correct."""
    log_probs = scores.float().log_softmax(-1)
    some = correct.any(-1)
    total = -log_probs[some].masked_fill(~correct[some], -torch.inf).logsumexp(-1).sum()
    return Loss(total, row_count(scores))


def word_loss(scores: Float[Tensor, "w v"], index: Int[Tensor, "w"]) -> Loss:
    """Returns cross entropy of words; each counts one."""
    return Loss(F.cross_entropy(scores.float(), index, reduction="sum"), row_count(scores))


def no_row_loss(count: int, device: torch.device) -> Loss:
    """Returns a loss of zero over rows, for tasks whose loss is a mean over words."""
    zero = torch.zeros((), device=device)
    return Loss(zero, zero + count)


def row_count(scores: Tensor) -> Float[Tensor, ""]:
    """Returns the number of rows, as a tensor."""
    return torch.tensor(float(len(scores)), device=scores.device)


def class_predictions(task: Task, scores: Float[Tensor, "r k"]) -> list[Prediction]:
    """Returns the most likely name of each row; scores of predictions are log-probabilities."""
    assert isinstance(task.target, Label | Answer)  # `check_supported`
    names = task.target.names
    log_probs = scores.float().log_softmax(-1)
    best = log_probs.argmax(-1).tolist()
    return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, log_probs.tolist(), strict=True)]


def candidate_predictions(
    scores: Float[Tensor, "r c"], real: Bool[Tensor, "r c"], names: Sequence[Sequence[str]] = ()
) -> list[Prediction]:
    """Returns the best candidate of each row; scores of predictions are those of its real candidates."""
    found: list[Prediction] = []
    for place, (row, valid) in enumerate(zip(scores.float(), real, strict=True)):
        best = int(row.masked_fill(~valid, -torch.inf).argmax())
        found.append(ClassPrediction(best, names[place][best] if names else "", tuple(row[valid].tolist())))
    return found


def masked_text_predictions(
    ids: Int[Tensor, "r t"],
    masked: Bool[Tensor, "r t"],
    scores: Float[Tensor, "w v"],
    decode: Callable[[Sequence[int]], str],
) -> list[Prediction]:
    """Returns each text with the most likely words in the masked places, and their log-probability.

    Args:
        ids: of the texts, with masked words.
        masked: True where a word is to be predicted.
        scores: of the vocabulary, for those places in order.
        decode: token ids to a text.
    """
    best = scores.float().log_softmax(-1).max(-1)
    whole, log_probs = ids.clone(), torch.zeros(masked.shape, device=ids.device)
    whole[masked], log_probs[masked] = best.indices + EOS, best.values
    sums = log_probs.sum(-1).tolist()
    return [TextPrediction(decode(row), float(total)) for row, total in zip(whole.tolist(), sums, strict=True)]
