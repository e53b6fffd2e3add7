"""Answers from a model and a strategy: token ids and their log-probabilities.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.8. The rules
of other systems are options of the same strategies (see `BeamSearch.ends` and `BeamSearch.num_answers`).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.nn.generate.beam_search import BeamSearch, beam_search
from motet.nn.generate.output import GeneratedTokens
from motet.nn.generate.sampling import Greedy, Sampling, sample
from motet.nn.generate.step import S, SpecialIds, StepModel
from motet.nn.generate.stochastic_beam_search import stochastic_beam_search

Strategy: TypeAlias = Greedy | Sampling | BeamSearch


@torch.inference_mode()
def generate(
    model: StepModel[S],
    state: S,
    logits: Float[Tensor, "b v"],
    strategy: Strategy,
    max_new_tokens: int | Int[Tensor, "b"],
    *,
    prompt_lengths: Int[Tensor, "b"] | None = None,
    generator: torch.Generator | None = None,
    ids: SpecialIds | None = None,
) -> GeneratedTokens:
    """Generates answers to b items, token by token, until each has ended or reached its limit.

    The model has read the prompts before, in one pass and in its own way. An item's answer does not depend on the other
    items of the batch. (The draws of a strategy that samples do: they come from one generator.)

    Args:
        model: in eval mode.
        state: after the prompts, one row per item.
        logits: of each item's first token; overwritten.
        strategy: the rule that chooses tokens.
        max_new_tokens: length of the longest answer, its end included; one number, or one per item.
        prompt_lengths: tokens of each prompt, for `BeamSearch.count_prompt_in_length`; None for no prompts.
        generator: for strategies that draw; on the logits' device.
        ids: the ids that end and fill answers; by default 1 and 0.

    Raises:
        ConfigError: a strategy that draws without a generator; a limit below 1.
    """
    ids = SpecialIds() if ids is None else ids
    limits = torch.as_tensor(max_new_tokens, device=logits.device).expand(len(logits))
    if len(limits) and int(limits.min()) < 1:
        raise ConfigError(f"max_new_tokens: got {int(limits.min())}; want at least 1 for each row")
    prompts = torch.zeros_like(limits) if prompt_lengths is None else prompt_lengths
    match strategy:
        case Greedy() | Sampling(temperature=0.0):
            return sample(model, state, logits, limits, ids, Greedy(), generator)
        case Sampling():
            return sample(model, state, logits, limits, ids, strategy, _required(generator, strategy))
        case BeamSearch(noise=0.0):
            return beam_search(model, state, logits, limits, prompts, ids, strategy)
        case BeamSearch():
            draws = _required(generator, strategy)
            return stochastic_beam_search(model, state, logits, limits, prompts, ids, strategy, draws)
        case _:
            assert_never(strategy)


def _required(generator: torch.Generator | None, strategy: Strategy) -> torch.Generator:
    if generator is None:
        raise ConfigError(f"{strategy}: got no generator; want a torch.Generator to draw from")
    return generator
