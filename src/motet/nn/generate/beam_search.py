"""Beam search: the most likely answers, found by extending several hypotheses at each step.

Source: Beyer et al., "A Study of Autoregressive Decoders", section 5.8; Wu et al. 2016 (arXiv 1609.08144), section 7,
for the length normalisation; Google t5x `decoding.beam_search` and flax `examples/wmt/decode.py` for the bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.nn.generate.hypotheses import NEVER, Hypotheses
from motet.nn.generate.output import GeneratedTokens, ranked
from motet.nn.generate.step import S, SpecialIds, StepModel, remaining_items
from motet.nn.generate.vocabulary import logsumexp_, top_k

Ends: TypeAlias = Literal["best", "beams", "every"]


@dataclass(frozen=True, kw_only=True)
class BeamSearch:
    """Beam search with length normalisation, or stochastic beam search where there is noise.

        score(Y) = log p(Y) / ((5 + |Y|) / 6) ** alpha        |Y| counts the end of the answer

    The defaults are the LiT decoder's for captions and text reading. Uni-Perceiver's captioner is another search:
    `FixedBeams`.

    Source: Beyer et al., section 5.8 (4 beams, alpha 0.1, no noise); Wu et al. 2016, eq. 14.

    Args:
        num_beams: hypotheses that are extended at each step.
        alpha: strength of the length normalisation; 0 for none.
        noise: scale of the Gumbel noise; 0 is plain beam search, 1 draws `num_beams` different answers without
            replacement (Kool et al. 2019). See `stochastic_beam_search`.
        count_prompt_in_length: whether |Y| counts the prompt, as in t5x; Wu et al. count the output alone.
        ends: the candidates that may end an answer: the 2 * num_beams best ("best", as in t5x), only the best
            `num_beams` ("beams", as in Hugging Face transformers), or that of every beam at every step ("every", as in
            big_vision's PaliGemma code).
        num_answers: answers returned per item; None for `num_beams`. The search for an item stops once no beam can
            still improve what is returned, so fewer answers end it sooner.

    Raises:
        ConfigError: a number outside its range.
    """

    num_beams: int = 4
    alpha: float = 0.1
    noise: float = 0.0
    count_prompt_in_length: bool = False
    ends: Ends = "best"
    num_answers: int | None = None

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ConfigError(f"BeamSearch.num_beams: got {self.num_beams}; want at least 1")
        for name in ("alpha", "noise"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"BeamSearch.{name}: got {getattr(self, name)}; want 0 or more")
        if self.ends not in get_args(Ends):
            raise ConfigError(f"BeamSearch.ends: got {self.ends!r}; want one of {get_args(Ends)}")
        if self.num_answers is not None and not 1 <= self.num_answers <= self.num_beams:
            raise ConfigError(
                f"BeamSearch.num_answers: got {self.num_answers}; want 1 to {self.num_beams} (num_beams), or None"
            )
        if self.num_answers is not None and self.noise:
            raise ConfigError(
                f"BeamSearch.num_answers: got {self.num_answers} with noise {self.noise}; want None, since all "
                "answers of a stochastic beam search together are the draw"
            )

    def penalty(self, length: Int[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """Returns the divisor of the log-probability of an answer of this length.

        Examples:
            >>> BeamSearch(alpha=0.5).penalty(torch.tensor([1, 19])).tolist()
            [1.0, 2.0]
        """
        return ((5.0 + length) / 6.0) ** self.alpha


def beam_search(
    model: StepModel[S],
    state: S,
    logits: Float[Tensor, "b v"],
    limits: Int[Tensor, "b"],
    prompt_lengths: Int[Tensor, "b"],
    ids: SpecialIds,
    beam: BeamSearch,
) -> GeneratedTokens:
    """Returns the best answers to each item; an item that no live beam can improve leaves the batch.

    Where nothing has ended within the limit, the live beams are returned.

    Args:
        model: in eval mode.
        state: after the prompts.
        logits: of each item's first token.
        limits: tokens that each item's answers may have, at least 1.
        prompt_lengths: tokens of each prompt.
        ids: the ids that end and fill answers.
        beam: the strategy, without noise.
    """
    device, b, k = logits.device, len(logits), beam.num_beams
    num_answers = k if beam.num_answers is None else beam.num_answers
    length = int(limits.max()) if b else 0
    extra = prompt_lengths if beam.count_prompt_in_length else torch.zeros_like(prompt_lengths)
    final, ended = (Hypotheses.empty(b, num_answers, length, ids, device) for _ in range(2))
    live = Hypotheses.empty(b, 1, length, ids, device)
    live.log_probs.zero_()
    items = torch.arange(b, device=device)
    for step in range(length):
        found = _candidates(logits.float(), live.log_probs, ids, k, beam.ends)
        penalty = beam.penalty(extra[items] + step + 1)[:, None]
        if found.end_totals.isfinite().any():
            eos = torch.full_like(found.end_parents, ids.eos)
            ends = live.extend(step, found.end_parents, eos, found.end_totals / penalty, found.end_totals, ids)
            ended = ended.best(num_answers, ends)
        live = live.extend(step, found.parents, found.tokens, found.totals, found.totals, ids)
        # Log-probabilities only fall, and no penalty is larger than the last: a bound on what a beam may still reach.
        reachable = live.log_probs[:, 0] / beam.penalty(extra[items] + limits[items])
        full = limits[items] <= step + 1
        done = (ended.scores[:, -1] >= reachable) | full
        parents, token = found.parents, found.tokens
        if (left := remaining_items(done, full)) is not None:
            final.put(items[done], _answers(ended.select(done), live.select(done), penalty[done]))
            if not len(left):
                break
            state, items, parents, token = state.select(left), items[left], parents[left], token[left]
            ended, live = ended.select(left), live.select(left)
        logits, state = model.step(state.reorder(parents), token.flatten())
    return ranked(final.tokens, final.log_probs, final.scores, final.ended, ids)


@dataclass(frozen=True)
class _Candidates:
    """The best next tokens of each item's beams, and the ends of answers that are considered."""

    totals: Float[Tensor, "a k"]
    parents: Int[Tensor, "a k"]
    tokens: Int[Tensor, "a k"]
    end_totals: Float[Tensor, "a e"]
    end_parents: Int[Tensor, "a e"]


def _candidates(
    logits: Float[Tensor, "r v"], totals: Float[Tensor, "a m"], ids: SpecialIds, k: int, ends: Ends
) -> _Candidates:
    (a, m), k_children = totals.shape, min(2 * k, logits.shape[-1])
    pad, end = logits[:, ids.pad].clone(), logits[:, ids.eos].clone()
    logits[:, ids.pad] = NEVER
    if ends == "every":
        logits[:, ids.eos] = NEVER
    values, tokens = top_k(logits, k_children)
    logits[:, ids.pad], logits[:, ids.eos] = pad, end
    offset = totals - logsumexp_(logits).view(a, m)
    all_ends = offset + end.view(a, m)
    pooled = (values.view(a, m, -1) + offset[..., None]).flatten(1)
    best, places = pooled.topk(min(2 * k, pooled.shape[1]))
    parents = places // values.shape[-1]
    tokens = tokens.view(a, -1).gather(1, places)
    is_end = tokens == ids.eos
    going = best.masked_fill(is_end, NEVER)
    if going.shape[1] < k:
        # A vocabulary of fewer tokens than beams: the other beams are empty.
        short = (0, k - going.shape[1])
        going, parents, tokens = (
            torch.nn.functional.pad(going, short, value=NEVER),
            torch.nn.functional.pad(parents, short),
            torch.nn.functional.pad(tokens, short, value=ids.pad),
        )
    live_totals, live = going.topk(k)
    if ends == "every":
        end_totals, end_parents = all_ends, torch.arange(m, device=totals.device).expand(a, m)
    else:
        if ends == "beams":
            is_end[:, k:] = False
        end_totals, end_parents = best.masked_fill(~is_end, NEVER), parents[:, : best.shape[1]]
    return _Candidates(live_totals, parents.gather(1, live), tokens.gather(1, live), end_totals, end_parents)


def _answers(ended: Hypotheses, live: Hypotheses, penalty: Float[Tensor, "d 1"]) -> Hypotheses:
    """Returns the answers of items that are done: those that ended or, where none has, the live beams."""
    count = ended.scores.shape[1]
    some, log_probs = ended.ended[:, :1], live.log_probs[:, :count]
    return Hypotheses(
        torch.where(some, ended.scores, log_probs / penalty),
        torch.where(some, ended.log_probs, log_probs),
        torch.where(some[..., None], ended.tokens, live.tokens[:, :count]),
        ended.ended,
    )
