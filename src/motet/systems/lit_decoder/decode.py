"""Answers in words: from images, forced prefixes and a strategy to token ids and their log-probabilities.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.8.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import torch
from jaxtyping import Int
from torch import Tensor

from motet.core import ConfigError
from motet.systems.lit_decoder.beam import Beam as Beam
from motet.systems.lit_decoder.beam import beam_search
from motet.systems.lit_decoder.sampling import Greedy as Greedy
from motet.systems.lit_decoder.sampling import Sample as Sample
from motet.systems.lit_decoder.sampling import decode_by_sampling, decode_greedily
from motet.systems.lit_decoder.scoring import NameTrie as NameTrie
from motet.systems.lit_decoder.scoring import score_names as score_names
from motet.systems.lit_decoder.stepping import Generated as Generated
from motet.systems.lit_decoder.stepping import S, StepModel, prefill
from motet.systems.lit_decoder.stepping import SpecialIds as SpecialIds
from motet.systems.lit_decoder.stochastic import decode_stochastically

Strategy: TypeAlias = Greedy | Sample | Beam


@torch.inference_mode()
def generate(
    model: StepModel[S],
    state: S,
    prefixes: Int[Tensor, "b p"],
    prefix_lengths: Int[Tensor, "b"],
    strategy: Strategy,
    max_new_tokens: int | Int[Tensor, "b"],
    generator: torch.Generator | None = None,
    ids: SpecialIds | None = None,
) -> Generated:
    """Answer b rows: force each row's prefix, then append tokens until the answer ends.

    Prefixes of different lengths may stand in one batch: a row's answer does not depend on its batch mates. (The draws
    of a sampling strategy do: they come from one generator.) Forced tokens add nothing to the log-probabilities, nor
    does what follows the end of an answer.

    Args:
        model: the decoder, in eval mode.
        state: of b images that have seen no token, from the decoder's `start`.
        prefixes: forced tokens of each row (prompt, separator, question), without the start token; padded on the right.
        prefix_lengths: how many of them each row has.
        strategy: how the next token is chosen.
        max_new_tokens: longest answer with its end, for all rows or each; prefix and answer have to fit the decoder's
            places.
        generator: for strategies that draw.
        ids: what starts, ends and fills rows; by default 0, 1, 0.

    Raises:
        ConfigError: a strategy that draws without a generator; lengths that do not fit; no room for an answer.
    """
    ids = SpecialIds() if ids is None else ids
    limits = torch.as_tensor(max_new_tokens, device=prefixes.device).expand(len(prefixes))
    if len(limits) and int(limits.min()) < 1:
        raise ConfigError(f"max_new_tokens: got {int(limits.min())}; want at least 1 for each row")
    features, state = prefill(model, state, prefixes, prefix_lengths, ids)
    match strategy:
        case Greedy() | Sample(temperature=0.0):
            return decode_greedily(model, state, features, limits, ids)
        case Sample():
            drawn = _given(generator, strategy)
            return decode_by_sampling(model, state, features, limits, ids, strategy, drawn)
        case Beam(noise=0.0):
            return beam_search(model, state, features, limits, prefix_lengths, ids, strategy)
        case Beam():
            drawn = _given(generator, strategy)
            return decode_stochastically(model, state, features, limits, prefix_lengths, ids, strategy, drawn)
        case _:
            assert_never(strategy)


def _given(generator: torch.Generator | None, strategy: Strategy) -> torch.Generator:
    if generator is None:
        raise ConfigError(f"{strategy}: got no generator; want a torch.Generator to draw from")
    return generator
