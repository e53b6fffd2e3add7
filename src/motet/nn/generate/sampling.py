"""Greedy decoding and sampling: one token after the other, never revised.

Source: Beyer et al., "A Study of Autoregressive Decoders", section 5.8; big_vision `models/proj/uvim/decode.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.nn.generate.output import GeneratedTokens, ranked
from motet.nn.generate.step import S, SpecialIds, StepModel, remaining_items


@dataclass(frozen=True)
class Greedy:
    """The most likely token at every step; the LiT decoder's choice for classification and questions."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Tokens drawn from the model's distribution, which may be flattened, sharpened or truncated.

    Order: top-k, then temperature, then the nucleus. Log-probabilities are always those of the unmodified distribution.

    Source: Beyer et al., section 5.8; Holtzman et al., "The Curious Case of Neural Text Degeneration" (nucleus).

    Args:
        temperature: logits are divided by it; 0 is greedy.
        top_k: only the k most likely tokens; None for all.
        top_p: only the most likely tokens that together reach this probability, including the one that crosses it.
        nucleus_first: find the nucleus on the probabilities before the temperature, as the released UViM code does.
        num_samples: answers drawn for each item; the one with the highest log-probability comes first.

    Raises:
        ConfigError: a number outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    nucleus_first: bool = False
    num_samples: int = 1

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ConfigError(f"Sampling.temperature: got {self.temperature}; want 0 or more")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"Sampling.top_k: got {self.top_k}; want at least 1, or None")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"Sampling.top_p: got {self.top_p}; want a number in (0, 1], or None")
        if self.num_samples < 1:
            raise ConfigError(f"Sampling.num_samples: got {self.num_samples}; want at least 1")


def sample(
    model: StepModel[S],
    state: S,
    logits: Float[Tensor, "b v"],
    limits: Int[Tensor, "b"],
    ids: SpecialIds,
    strategy: Greedy | Sampling,
    generator: torch.Generator | None,
) -> GeneratedTokens:
    """Appends tokens until every row has ended or reached its limit; items whose rows all have leave the batch.

    Args:
        model: in eval mode.
        state: after the prompts.
        logits: of each item's first token.
        limits: tokens that each item's answers may have, at least 1.
        ids: the ids that end and fill answers.
        strategy: the rule that chooses each token, at a temperature above 0.
        generator: the source of randomness; unused by `Greedy`.
    """
    b, m, device = len(logits), strategy.num_samples if isinstance(strategy, Sampling) else 1, logits.device
    tokens = torch.full((b, m, int(limits.max()) if b else 0), ids.pad, device=device)
    log_probs = torch.zeros(b, m, device=device)
    ended = torch.zeros(b, m, dtype=torch.bool, device=device)
    items = torch.arange(b, device=device)
    if m > 1:
        state = state.reorder(torch.zeros(b, m, dtype=torch.long, device=device))
        logits = logits.repeat_interleave(m, dim=0)
    for step in range(tokens.shape[-1]):
        logits = logits.float()
        normaliser = logits.logsumexp(-1)
        logits[:, ids.pad] = float("-inf")
        token = _next_token(logits, strategy, generator)
        gains = (logits.gather(-1, token[:, None])[:, 0] - normaliser).view(-1, m)
        token, going = token.view(-1, m), ~ended[items]
        tokens[items, :, step] = torch.where(going, token, ids.pad)
        log_probs[items] += torch.where(going, gains, 0.0)
        ended[items] |= token == ids.eos
        full = limits[items] <= step + 1
        done = ended[items].all(-1) | full
        if (left := remaining_items(done, full)) is not None:
            if not len(left):
                break
            state, items, token = state.select(left), items[left], token[left]
        logits, state = model.step(state, token.flatten())
    return ranked(tokens, log_probs, log_probs, ended, ids)


def truncated_logits(logits: Float[Tensor, "*b v"], sampling: Sampling) -> Float[Tensor, "*b v"]:
    """Returns the logits of the distribution that is drawn from: -inf for tokens outside top-k or nucleus.

    Args:
        logits: the model's.
        sampling: with a temperature above 0.

    Examples:
        >>> truncated_logits(torch.tensor([2.0, 0.0, 1.0]), Sampling(temperature=0.5, top_k=2)).tolist()
        [4.0, -inf, 2.0]
    """
    tempered = logits / sampling.temperature
    if sampling.top_k is not None and sampling.top_k < logits.shape[-1]:
        threshold = logits.topk(sampling.top_k).values[..., -1:]
        tempered = tempered.masked_fill(logits < threshold, float("-inf"))
    if sampling.top_p is not None:
        source = logits if sampling.nucleus_first else tempered
        ordered, _ = source.sort(descending=True)
        crossing = (ordered.softmax(-1).cumsum(-1) < sampling.top_p).sum(-1, keepdim=True)
        threshold = ordered.gather(-1, crossing.clamp(max=logits.shape[-1] - 1))
        tempered = tempered.masked_fill(source < threshold, float("-inf"))
    return tempered


def _next_token(
    logits: Float[Tensor, "r v"], strategy: Greedy | Sampling, generator: torch.Generator | None
) -> Int[Tensor, "r"]:
    match strategy:
        case Greedy():
            return logits.argmax(-1)
        case Sampling():
            return torch.multinomial(truncated_logits(logits, strategy).softmax(-1), 1, generator=generator)[:, 0]
        case _:
            assert_never(strategy)
