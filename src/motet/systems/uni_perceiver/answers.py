"""Losses and predictions that only Uni-Perceiver has: smoothed labels, and texts with masked words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Loss, Prediction, TextPrediction, WordScores
from motet.losses import row_count
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


def no_row_loss(count: int, device: torch.device) -> Loss:
    """Returns a loss of zero over rows, for tasks whose loss is a mean over words."""
    zero = torch.zeros((), device=device)
    return Loss(zero, zero + count)


def masked_text_predictions(
    ids: Int[Tensor, "r t"],
    masked: Bool[Tensor, "r t"],
    scores: Float[Tensor, "w v"],
    decode: Callable[[Sequence[int]], str],
    masked_ids: Int[Tensor, "w"],
) -> list[Prediction]:
    """Returns each text with the most likely words in the masked places, and their log-probability.

    Args:
        ids: of the texts, with masked words.
        masked: True where a word is to be predicted.
        scores: of the vocabulary, for those places in order.
        decode: token ids to a text.
        masked_ids: the ids that were masked, for those places in order.
    """
    best = scores.float().log_softmax(-1).max(-1)
    words = word_scores(scores, masked_ids, masked.sum(-1).tolist())
    whole, log_probs = ids.clone(), torch.zeros(masked.shape, device=ids.device)
    whole[masked], log_probs[masked] = best.indices + EOS, best.values
    sums = log_probs.sum(-1).tolist()
    return [
        TextPrediction(decode(row), float(total), of_row)
        for row, total, of_row in zip(whole.tolist(), sums, words, strict=True)
    ]


def word_scores(scores: Float[Tensor, "w v"], ids: Int[Tensor, "w"], counts: Sequence[int]) -> list[WordScores]:
    """Returns how the right words are predicted, per row.

    Args:
        scores: of the vocabulary, which begins at EOS, for each right word.
        ids: of the right words.
        counts: number of words of each row, in order.
    """
    log_probs = scores.detach().float().log_softmax(-1)
    right = torch.split(log_probs.gather(1, ids[:, None] - EOS)[:, 0], list(counts))
    is_best = torch.split(log_probs.argmax(-1) == ids - EOS, list(counts))
    return [
        WordScores(int(correct.sum()), len(correct), float(found.sum()))
        for correct, found in zip(is_best, right, strict=True)
    ]
