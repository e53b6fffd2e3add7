"""Beam search: the likeliest answers found by keeping several beginnings at each step.

Source: Beyer et al., "A Study of Autoregressive Decoders", section 5.8; Wu et al. 2016 (arXiv 1609.08144), section 7,
for the length normalisation; Google t5x `decoding.beam_search` and flax `examples/wmt/decode.py` for the bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.systems.lit_decoder.stepping import (
    Generated,
    S,
    SpecialIds,
    StepModel,
    logsumexp_,
    pays_to_drop,
    rank,
    rows_of,
)

Ends: TypeAlias = Literal["best", "beams", "every"]

_NEVER = float("-inf")
_BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Beam search with length normalisation, or stochastic; the paper's choice for captions and text reading.

        score(Y) = log p(Y) / ((5 + |Y|) / 6) ** alpha        |Y| counts the end of the answer

    Source: Beyer et al., section 5.8 (4 beams, alpha 0.1, no noise); Wu et al. 2016, eq. 14.

    Args:
        beams: beginnings kept, and answers returned.
        alpha: strength of the length normalisation; 0 for none.
        noise: scale of the Gumbel noise; 0 is plain beam search, 1 draws `beams` different answers without replacement
            (Kool et al. 2019). See `decode_stochastically`.
        count_prompt_in_length: whether |Y| counts the forced tokens, as in t5x; Wu et al. count the output alone.
        ends: which ends of answers are considered: those among the 2 * beams best candidates ("best", as in t5x), only
            those among the best `beams` ("beams", as in Hugging Face transformers), or that of every beam at every step
            ("every", as in big_vision's PaliGemma code).

    Raises:
        ConfigError: a number outside its range.
    """

    beams: int = 4
    alpha: float = 0.1
    noise: float = 0.0
    count_prompt_in_length: bool = False
    ends: Ends = "best"

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise ConfigError(f"Beam.beams: got {self.beams}; want at least 1")
        for name in ("alpha", "noise"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"Beam.{name}: got {getattr(self, name)}; want 0 or more")
        if self.ends not in get_args(Ends):
            raise ConfigError(f"Beam.ends: got {self.ends!r}; want one of {get_args(Ends)}")

    def penalty(self, length: Int[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """What the log-probability of an answer of this length is divided by.

        Examples:
            >>> Beam(alpha=0.5).penalty(torch.tensor([1, 19])).tolist()
            [1.0, 2.0]
        """
        return ((5.0 + length) / 6.0) ** self.alpha


@dataclass(frozen=True)
class BeamAnswers:
    """m answers, finished or not, to each of a images.

    Args:
        scores: what they are ranked by; -inf in an empty place.
        log_probs: the model's own.
        tokens: without prefix.
    """

    scores: Float[Tensor, "a m"]
    log_probs: Float[Tensor, "a m"]
    tokens: Int[Tensor, "a m t"]

    @staticmethod
    def none(num_images: int, num_answers: int, length: int, pad: int, device: torch.device) -> BeamAnswers:
        """No answers yet: all places empty."""
        empty = torch.full((num_images, num_answers), _NEVER, device=device)
        tokens = torch.full((num_images, num_answers, length), pad, device=device)
        return BeamAnswers(empty, empty.clone(), tokens)

    def select(self, images: Int[Tensor, "n"]) -> BeamAnswers:
        """Those to some of the images."""
        return BeamAnswers(self.scores[images], self.log_probs[images], self.tokens[images])

    def best(self, num_answers: int, also: BeamAnswers) -> BeamAnswers:
        """The best of these and others."""
        scores, places = torch.cat([self.scores, also.scores], dim=1).topk(num_answers)
        log_probs = torch.cat([self.log_probs, also.log_probs], dim=1).gather(1, places)
        tokens = torch.cat([self.tokens, also.tokens], dim=1)
        return BeamAnswers(scores, log_probs, rows_of(tokens, places))


def beam_search(
    model: StepModel[S],
    state: S,
    features: Float[Tensor, "b d"],
    limits: Int[Tensor, "b"],
    prefix_lengths: Int[Tensor, "b"],
    ids: SpecialIds,
    beam: Beam,
) -> Generated:
    """The best answers to each row; an image that no unfinished beam can improve is left out of the batch.

    Where nothing has ended within the limit, the unfinished beams are returned.

    Args:
        model: the decoder.
        state: after the prefixes.
        features: that predict each row's first free token.
        limits: how many tokens each row may have, at least 1.
        prefix_lengths: how many tokens each row was forced.
        ids: what ends and fills an answer.
        beam: the strategy.
    """
    device, b, k = features.device, len(features), beam.beams
    length = int(limits.max()) if b else 0
    extra = prefix_lengths if beam.count_prompt_in_length else torch.zeros_like(prefix_lengths)
    final = BeamAnswers.none(b, k, length, ids.pad, device)
    finished = torch.zeros(b, k, dtype=torch.bool, device=device)
    ended, live = BeamAnswers.none(b, k, length, ids.pad, device), BeamAnswers.none(b, 1, length, ids.pad, device)
    live.log_probs.zero_()
    images = torch.arange(b, device=device)
    for step in range(length):
        found = _candidates(model.logits(features).float(), live.log_probs, ids, k, beam.ends)
        penalty = beam.penalty(extra[images] + step + 1)[:, None]
        if found.end_totals.isfinite().any():
            tokens = rows_of(live.tokens, found.end_parents)
            tokens[..., step] = ids.eos
            ended = ended.best(k, BeamAnswers(found.end_totals / penalty, found.end_totals, tokens))
        tokens = rows_of(live.tokens, found.parents)
        tokens[..., step] = found.tokens
        live = BeamAnswers(found.totals, found.totals, tokens)
        # Log-probabilities only fall, and no penalty is larger than the last: what a beam may still reach.
        reachable = live.log_probs[:, 0] / beam.penalty(extra[images] + limits[images])
        full = limits[images] <= step + 1
        done = (ended.scores[:, -1] >= reachable) | full
        num_done, parents, token = int(done.sum()), found.parents, found.tokens
        if num_done and (pays_to_drop(num_done, len(images)) or bool(full.any())):
            _settle(final, finished, images[done], ended.select(done), live.select(done), penalty[done])
            left = (~done).nonzero()[:, 0]
            if not len(left):
                break
            state, images, parents, token = state.select(left), images[left], parents[left], token[left]
            ended, live = ended.select(left), live.select(left)
        state = state.branch(parents)
        extended, state = model.read(state, token.reshape(-1, 1))
        features = extended[:, -1]
    return rank(final.tokens, final.log_probs, final.scores, finished, ids)


def likeliest(logits: Float[Tensor, "r v"], k: int) -> tuple[Float[Tensor, "r k"], Int[Tensor, "r k"]]:
    """The k largest of each row and where they are, the largest first: `topk` for long rows.

    The k largest stand in the k blocks with the largest maxima: only these are sorted.

    Examples:
        >>> values, places = likeliest(torch.arange(1000.0)[None], 2)
        >>> values.tolist(), places.tolist()
        ([[999.0, 998.0]], [[999, 998]])
    """
    r, v = logits.shape
    num_blocks = v // _BLOCK
    if num_blocks < 2 * k:
        values, places = logits.topk(k)
        return values, places
    blocks = logits[:, : num_blocks * _BLOCK].view(r, num_blocks, _BLOCK)
    best = blocks.amax(-1).topk(k).indices
    inside = blocks.gather(1, best[..., None].expand(-1, -1, _BLOCK)).flatten(1)
    pool = torch.cat([inside, logits[:, num_blocks * _BLOCK :]], dim=1)
    values, places = pool.topk(k)
    block, offset = places // _BLOCK, places % _BLOCK
    # What stands after the k blocks in the pool is the rest of the row that filled no block.
    first = torch.where(block < k, best.gather(1, block.clamp(max=k - 1)), num_blocks + block - k)
    return values, first * _BLOCK + offset


@dataclass(frozen=True)
class _Found:
    """The best next tokens of each image's beams, and the ends of answers that are considered."""

    totals: Float[Tensor, "a k"]
    parents: Int[Tensor, "a k"]
    tokens: Int[Tensor, "a k"]
    end_totals: Float[Tensor, "a e"]
    end_parents: Int[Tensor, "a e"]


def _candidates(
    logits: Float[Tensor, "r v"], totals: Float[Tensor, "a m"], ids: SpecialIds, k: int, ends: Ends
) -> _Found:
    (a, m), k_children = totals.shape, min(2 * k, logits.shape[-1])
    pad, end = logits[:, ids.pad].clone(), logits[:, ids.eos].clone()
    logits[:, ids.pad] = _NEVER
    if ends == "every":
        logits[:, ids.eos] = _NEVER
    values, tokens = likeliest(logits, k_children)
    logits[:, ids.pad], logits[:, ids.eos] = pad, end
    offset = totals - logsumexp_(logits).view(a, m)
    all_ends = offset + end.view(a, m)
    pooled = (values.view(a, m, -1) + offset[..., None]).flatten(1)
    best, places = pooled.topk(min(2 * k, pooled.shape[1]))
    parents = places // values.shape[-1]
    tokens = tokens.view(a, -1).gather(1, places)
    is_end = tokens == ids.eos
    going = best.masked_fill(is_end, _NEVER)
    if going.shape[1] < k:
        # A vocabulary of fewer words than beams: the other beams are empty.
        short = (0, k - going.shape[1])
        going, parents, tokens = (
            torch.nn.functional.pad(going, short, value=_NEVER),
            torch.nn.functional.pad(parents, short),
            torch.nn.functional.pad(tokens, short, value=ids.pad),
        )
    live_totals, live = going.topk(k)
    if ends == "every":
        end_totals, end_parents = all_ends, torch.arange(m, device=totals.device).expand(a, m)
    else:
        if ends == "beams":
            is_end[:, k:] = False
        end_totals, end_parents = best.masked_fill(~is_end, _NEVER), parents[:, : best.shape[1]]
    return _Found(live_totals, parents.gather(1, live), tokens.gather(1, live), end_totals, end_parents)


def _settle(
    final: BeamAnswers,
    finished: Bool[Tensor, "b k"],
    images: Int[Tensor, "n"],
    ended: BeamAnswers,
    live: BeamAnswers,
    penalty: Float[Tensor, "n 1"],
) -> None:
    """Write down the answers to the images that are done: what ended, or, where nothing has, what is there."""
    some = ended.scores[:, :1].isfinite()
    final.scores[images] = torch.where(some, ended.scores, live.log_probs / penalty)
    final.log_probs[images] = torch.where(some, ended.log_probs, live.log_probs)
    final.tokens[images] = torch.where(some[..., None], ended.tokens, live.tokens)
    finished[images] = ended.scores.isfinite()
