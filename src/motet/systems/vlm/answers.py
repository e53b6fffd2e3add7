"""Answers of a language model behind a prompt that it has read once: generated greedily, or given texts scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Takes embeddings, the mask of all tokens so far, positions, and the cached keys and values.
Step = Callable[[Tensor, Tensor, Tensor, Any], Any]


def generate_greedy(
    step: Step,
    embed: Callable[[Tensor], Tensor],
    start: Any,
    mask: Bool[Tensor, "r p"],
    positions: Int[Tensor, "r"],
    *,
    end: int,
    most: int,
) -> tuple[list[list[int]], list[float]]:
    """Returns the most likely next tokens of each row up to its end, and the sums of their log-probabilities.

    Args:
        step: the language model.
        embed: token ids to embeddings.
        start: output for the prompts, with their cached keys and values.
        mask: False on the padding left of the prompts.
        positions: of the first token after each prompt.
        end: the token that ends an answer.
        most: longest answer, its end included.
    """
    logits, cache = start.logits[:, -1].float(), start.past_key_values
    rows = len(mask)
    alive = torch.ones(rows, dtype=torch.bool, device=mask.device)
    total = torch.zeros(rows, device=mask.device)
    found: list[Tensor] = []
    for _ in range(most):
        best, token = logits.log_softmax(-1).max(-1)
        total += torch.where(alive, best, 0.0)
        token = torch.where(alive, token, end)
        found.append(token)
        alive = alive & (token != end)
        if len(found) == most or not bool(alive.any()):
            break
        mask = torch.cat([mask, mask.new_ones(rows, 1)], 1)
        out = step(embed(token[:, None]), mask, positions[:, None], cache)
        logits, cache, positions = out.logits[:, -1].float(), out.past_key_values, positions + 1
    return torch.stack(found, 1).tolist(), total.tolist()


def score_answers(
    step: Step,
    embed: Callable[[Tensor], Tensor],
    start: Any,
    mask: Bool[Tensor, "r p"],
    positions: Int[Tensor, "r"],
    answers: Int[Tensor, "r k s"],
) -> Float[Tensor, "r k"]:
    """Returns the log-probability of each of k texts behind each row's prompt, which is read once.

    Args:
        step: the language model.
        embed: token ids to embeddings.
        start: output for the prompts, with their cached keys and values.
        mask: False on the padding left of the prompts.
        positions: of the first token after each prompt.
        answers: tokens of the texts, padded with -1.
    """
    rows, count, length = answers.shape
    real = answers.flatten(0, 1) >= 0
    ids = answers.flatten(0, 1).clamp(min=0)
    first = start.logits[:, -1].float().log_softmax(-1)
    scores: Tensor = first.gather(1, answers[:, :, 0].clamp(min=0)).flatten()
    if length > 1:
        cache = start.past_key_values
        cache.batch_repeat_interleave(count)
        place = torch.arange(length - 1, device=ids.device)
        known = torch.cat([mask.repeat_interleave(count, 0), real[:, :-1]], 1)
        out = step(embed(ids[:, :-1]), known, positions.repeat_interleave(count)[:, None] + place, cache)
        later = out.logits.float().log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
        scores = scores + later.masked_fill(~real[:, 1:], 0.0).sum(1)
    return scores.view(rows, count)
