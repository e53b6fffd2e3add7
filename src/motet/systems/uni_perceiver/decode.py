"""Texts said word by word: beam search over a model that scores the next word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.systems.uni_perceiver.options import GenerationConfig


class DecodingState(Protocol):
    """What a model keeps of beginnings of texts, one a row."""

    def rows(self, index: Int[Tensor, "r"]) -> Self:
        """Some of the rows, in any order, each as often as it is named."""
        ...


S = TypeVar("S", bound=DecodingState)


@dataclass(frozen=True)
class Generated:
    """The best text of each row.

    Args:
        words: places in the vocabulary; the end is the last one, where it was reached.
        log_probs: of each text, its end with it.
    """

    words: tuple[tuple[int, ...], ...]
    log_probs: tuple[float, ...]


def beam_search(
    step: Callable[[S, Int[Tensor, "m"] | None], tuple[Float[Tensor, "m v"], S]],
    start: S,
    count: int,
    *,
    length: int,
    end: int,
    saying: GenerationConfig,
    device: torch.device,
) -> Generated:
    """The likeliest texts, found by keeping several beginnings of each at every step.

    An end counts where it is among the best `beams` next words. A text that does not end is cut at `length`.

    Source: the official code, `caption_beam_searcher_v3.py`: two beams, no length normalisation.

    Args:
        step: from a state and the last words (None at the start) to log-probabilities of the next ones, and the state
            after those words.
        start: of the texts, one row each.
        count: how many texts.
        length: words at most, the end with them.
        end: place of the end in the vocabulary.
        saying: beams and normalisation.
        device: where.
    """
    k = saying.beams
    totals = torch.full((count, k), -torch.inf, device=device)
    totals[:, 0] = 0.0
    words = torch.zeros(count, k, 0, dtype=torch.long, device=device)
    ended = torch.full((count,), -torch.inf, device=device)
    found = _Found([()] * count, [0.0] * count)
    state, last = start.rows(torch.arange(count, device=device).repeat_interleave(k)), None
    base = torch.arange(count, device=device)[:, None] * k
    for number in range(length):
        log_probs, state = step(state, last)
        v = log_probs.shape[-1]
        every = (totals[..., None] + log_probs.view(count, k, v)).flatten(1)
        best, places = every.topk(min(2 * k, every.shape[1]))
        parents, pieces = places // v, places % v
        ends = pieces == end
        scores = (best / ((6.0 + number) / 6.0) ** saying.alpha).masked_fill(~ends, -torch.inf)[:, :k]
        _note(found, ended, scores, best, words, parents, end)
        going = best.masked_fill(ends, -torch.inf)
        if going.shape[1] < k:
            short = (0, k - going.shape[1])
            going = torch.nn.functional.pad(going, short, value=-torch.inf)
            parents, pieces = (torch.nn.functional.pad(each, short) for each in (parents, pieces))
        totals, order = going.topk(k)
        parents, pieces = parents.gather(1, order), pieces.gather(1, order)
        words = torch.cat([words.gather(1, parents[..., None].expand(-1, -1, number)), pieces[..., None]], 2)
        # Log-probabilities only fall, and no penalty is larger than the last.
        if bool((ended >= totals[:, 0] / ((5.0 + length) / 6.0) ** saying.alpha).all()):
            break
        state, last = state.rows((base + parents).flatten()), pieces.flatten()
    for row in (~ended.isfinite()).nonzero()[:, 0].tolist():
        found.words[row], found.log_probs[row] = tuple(words[row, 0].tolist()), float(totals[row, 0])
    return Generated(tuple(found.words), tuple(found.log_probs))


@dataclass
class _Found:
    words: list[tuple[int, ...]]
    log_probs: list[float]


def _note(
    found: _Found,
    ended: Float[Tensor, "n"],
    scores: Float[Tensor, "n c"],
    log_probs: Float[Tensor, "n e"],
    words: Int[Tensor, "n k t"],
    parents: Int[Tensor, "n e"],
    end: int,
) -> None:
    """Keeps the texts that have ended better than any before."""
    best, place = scores.max(-1)
    for row in (best > ended).nonzero()[:, 0].tolist():
        at = int(place[row])
        ended[row] = best[row]
        found.words[row] = (*words[row, int(parents[row, at])].tolist(), end)
        found.log_probs[row] = float(log_probs[row, at])
