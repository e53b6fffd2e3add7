"""Beam search whose ended beams keep their places: the number of beams that still grow falls with every end.

Source: the official Uni-Perceiver, `caption_beam_searcher_v3.py`, which follows Meshed-Memory Transformers (AImageLab).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.nn.generate.hypotheses import NEVER, Hypotheses
from motet.nn.generate.output import GeneratedTokens, gather_answers
from motet.nn.generate.step import S, SpecialIds, StepModel, remaining_items


@dataclass(frozen=True, kw_only=True)
class FixedBeams:
    """A beam search in which an ended answer competes on, with its log-probability, for the same places.

        score(Y) = log p(Y) / |Y| ** length_penalty        |Y| counts the end of the answer

    `BeamSearch` moves ended answers out of the way instead, so that `num_beams` others grow. That search goes on longer
    and finds other answers for about one in twenty random models.

    Args:
        num_beams: answers, ended or not, that are kept at each step.
        length_penalty: exponent of the length, applied once at the end; 0 for none.

    Raises:
        ConfigError: a number outside its range.
    """

    num_beams: int = 2
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ConfigError(f"FixedBeams.num_beams: got {self.num_beams}; want at least 1")
        if not self.length_penalty >= 0:
            raise ConfigError(f"FixedBeams.length_penalty: got {self.length_penalty}; want 0 or more")


def fixed_beam_search(
    model: StepModel[S],
    state: S,
    logits: Float[Tensor, "b v"],
    limits: Int[Tensor, "b"],
    ids: SpecialIds,
    beam: FixedBeams,
) -> GeneratedTokens:
    """Returns `num_beams` answers to each item by their scores, whether they have ended or not.

    An item whose beams have all ended leaves the batch.

    Args:
        model: in eval mode.
        state: after the prompts.
        logits: of each item's first token.
        limits: tokens that each item's answers may have, at least 1.
        ids: the ids that end and fill answers.
        beam: the strategy.
    """
    device, b, k = logits.device, len(logits), beam.num_beams
    length = int(limits.max()) if b else 0
    final = Hypotheses.empty(b, k, length, ids, device)
    live = Hypotheses.empty(b, 1, length, ids, device)
    live.log_probs.zero_()
    items = torch.arange(b, device=device)
    for step in range(length):
        parents, tokens, totals = _best(logits.float(), live, ids, k)
        over = live.ended.gather(1, parents)
        live = live.extend(step, parents, tokens.masked_fill(over, ids.pad), totals, totals, ids)
        full = limits[items] <= step + 1
        done = (live.ended | ~live.log_probs.isfinite()).all(1) | full
        if (left := remaining_items(done, full)) is not None:
            final.put(items[done], live.select(done))
            if not len(left):
                break
            state, items = state.select(left), items[left]
            live, parents, tokens = live.select(left), parents[left], tokens[left]
        logits, state = model.step(state.reorder(parents), tokens.flatten())
    return _by_score(final, ids, beam)


def _best(
    logits: Float[Tensor, "r v"], live: Hypotheses, ids: SpecialIds, k: int
) -> tuple[Int[Tensor, "a k"], Int[Tensor, "a k"], Float[Tensor, "a k"]]:
    """Returns parents, tokens and log-probabilities of the k best answers that are one token longer, or have ended."""
    (a, m), v = live.log_probs.shape, logits.shape[-1]
    logits[:, ids.pad] = NEVER
    log_probs = logits.log_softmax(-1).view(a, m, v)
    # What has ended goes on with its end alone, at no cost.
    only_end = logits.new_full((v,), NEVER)
    only_end[ids.eos] = 0.0
    totals = live.log_probs[..., None] + torch.where(live.ended[..., None], only_end, log_probs)
    best, places = totals.flatten(1).topk(min(k, m * v))
    if (short := k - best.shape[1]) > 0:
        best = torch.nn.functional.pad(best, (0, short), value=NEVER)
        places = torch.nn.functional.pad(places, (0, short), value=ids.pad)
    return places // v, places % v, best


def _by_score(found: Hypotheses, ids: SpecialIds, beam: FixedBeams) -> GeneratedTokens:
    length = ((found.tokens != ids.eos) & (found.tokens != ids.pad)).sum(-1) + 1
    scores, order = (found.log_probs / length**beam.length_penalty).sort(dim=1, descending=True, stable=True)
    log_probs = found.log_probs.gather(1, order)
    empty = log_probs == NEVER
    tokens = gather_answers(found.tokens, order).masked_fill(empty[..., None], ids.pad)
    return GeneratedTokens(tokens, log_probs, scores, found.ended.gather(1, order) & ~empty, ids)
