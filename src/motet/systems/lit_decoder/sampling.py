"""Greedy decoding and sampling: one token after the other, each chosen for good.

Source: Beyer et al., "A Study of Autoregressive Decoders", section 5.8; big_vision `models/proj/uvim/decode.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.systems.lit_decoder.stepping import Generated, S, SpecialIds, StepModel, pays_to_drop, rank

Choose: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Greedy:
    """Always the likeliest token; the paper's choice for classification and questions."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Tokens drawn from the model's distribution, flattened, sharpened or cut.

    Order: the k likeliest, then temperature, then the nucleus. Log-probabilities are always the model's own.

    Source: Beyer et al., section 5.8; Holtzman et al., "The Curious Case of Neural Text Degeneration" (nucleus).

    Args:
        temperature: logits are divided by it; 0 is greedy.
        top_k: only the k likeliest tokens; None for all.
        top_p: only the likeliest tokens that together reach this probability, the one that crosses it included.
        nucleus_first: find the nucleus on the probabilities before the temperature, as the released UViM code does.
        num_samples: answers drawn for each row; the one with the highest log-probability comes first.

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
            raise ConfigError(f"Sample.temperature: got {self.temperature}; want 0 or more")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"Sample.top_k: got {self.top_k}; want at least 1, or None")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"Sample.top_p: got {self.top_p}; want a number in (0, 1], or None")
        if self.num_samples < 1:
            raise ConfigError(f"Sample.num_samples: got {self.num_samples}; want at least 1")


def decode_greedily(
    model: StepModel[S], state: S, features: Float[Tensor, "b d"], limits: Int[Tensor, "b"], ids: SpecialIds
) -> Generated:
    """The likeliest token at each place.

    Args:
        model: the decoder.
        state: after the prefixes.
        features: that predict each row's first free token.
        limits: how many tokens each row may have, at least 1.
        ids: what ends and fills an answer.
    """
    return _unroll(model, state, features, limits, ids, num_samples=1, choose=lambda logits: logits.argmax(-1))


def decode_by_sampling(
    model: StepModel[S],
    state: S,
    features: Float[Tensor, "b d"],
    limits: Int[Tensor, "b"],
    ids: SpecialIds,
    sample: Sample,
    generator: torch.Generator,
) -> Generated:
    """Draw `sample.num_samples` answers to each row.

    Args:
        model: the decoder.
        state: after the prefixes.
        features: that predict each row's first free token.
        limits: how many tokens each row may have, at least 1.
        ids: what ends and fills an answer.
        sample: how to draw, at a temperature above 0.
        generator: where the randomness comes from; on the features' device.
    """

    def draw(logits: Tensor) -> Tensor:
        return torch.multinomial(sampled_logits(logits, sample).softmax(-1), 1, generator=generator)[:, 0]

    return _unroll(model, state, features, limits, ids, num_samples=sample.num_samples, choose=draw)


def sampled_logits(logits: Float[Tensor, "*b v"], sample: Sample) -> Float[Tensor, "*b v"]:
    """The logits that are drawn from: -inf on what is cut off.

    Args:
        logits: the model's.
        sample: with a temperature above 0.

    Examples:
        >>> sampled_logits(torch.tensor([2.0, 0.0, 1.0]), Sample(temperature=0.5, top_k=2)).tolist()
        [4.0, -inf, 2.0]
    """
    tempered = logits / sample.temperature
    if sample.top_k is not None and sample.top_k < logits.shape[-1]:
        least = logits.topk(sample.top_k).values[..., -1:]
        tempered = tempered.masked_fill(logits < least, float("-inf"))
    if sample.top_p is not None:
        evaluated = logits if sample.nucleus_first else tempered
        ordered, _ = evaluated.sort(descending=True)
        crossing = (ordered.softmax(-1).cumsum(-1) < sample.top_p).sum(-1, keepdim=True)
        least = ordered.gather(-1, crossing.clamp(max=logits.shape[-1] - 1))
        tempered = tempered.masked_fill(evaluated < least, float("-inf"))
    return tempered


def _unroll(
    model: StepModel[S],
    state: S,
    features: Tensor,
    limits: Tensor,
    ids: SpecialIds,
    *,
    num_samples: int,
    choose: Choose,
) -> Generated:
    """Append chosen tokens until every row has ended or reached its limit; rows that have are left out of the batch."""
    b, m = len(features), num_samples
    device = features.device
    tokens = torch.full((b, m, int(limits.max()) if b else 0), ids.pad, device=device)
    log_probs = torch.zeros(b, m, device=device)
    ended = torch.zeros(b, m, dtype=torch.bool, device=device)
    images = torch.arange(b, device=device)
    if m > 1:
        state = state.branch(torch.zeros(b, m, dtype=torch.long, device=device))
        features = features.repeat_interleave(m, dim=0)
    for step in range(tokens.shape[-1]):
        logits = model.logits(features).float()
        level = logits.logsumexp(-1)
        logits[:, ids.pad] = float("-inf")
        token = choose(logits)
        gained = (logits.gather(-1, token[:, None])[:, 0] - level).view(-1, m)
        token, going = token.view(-1, m), ~ended[images]
        tokens[images, :, step] = torch.where(going, token, ids.pad)
        log_probs[images] += torch.where(going, gained, 0.0)
        ended[images] |= token == ids.eos
        full = limits[images] <= step + 1
        done = ended[images].all(-1) | full
        num_done = int(done.sum())
        if num_done == len(images):
            break
        if num_done and (pays_to_drop(num_done, len(images)) or bool(full.any())):
            left = (~done).nonzero()[:, 0]
            state, images, token = state.select(left), images[left], token[left]
        features, state = _append(model, state, token.flatten())
    return rank(tokens, log_probs, log_probs, ended, ids)


def _append(model: StepModel[S], state: S, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r d"], S]:
    features, state = model.read(state, tokens[:, None])
    return features[:, -1], state
