"""Stochastic beam search: different answers drawn without replacement, by beam search over perturbed log-probabilities.

Source: Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them", ICML 2019 (arXiv 1903.06059), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.nn.generate.beam_search import BeamSearch
from motet.nn.generate.output import GeneratedTokens, gather_answers, ranked
from motet.nn.generate.step import S, SpecialIds, StepModel, worth_dropping

_NEVER = float("-inf")


def conditional_gumbel(
    log_probs: Float[Tensor, "*b v"], gumbel: Float[Tensor, "*b v"], top: Float[Tensor, "*b"]
) -> Float[Tensor, "*b v"]:
    """Returns perturbed log-probabilities of children, given that the largest equals that of their parent.

        G = phi + gumbel,   Z = max G,   v = T - G + log(1 - exp(G - Z))
        result = T - max(0, v) - log(1 + exp(-|v|))

    Source: Kool et al. 2019, appendix B.3 (the numerically stable form).

    Args:
        log_probs: phi, of the answers so far extended by each child.
        gumbel: independent draws of the standard Gumbel distribution.
        top: T, the parent's.
    """
    perturbed = log_probs + gumbel
    largest = perturbed.max(dim=-1, keepdim=True).values
    v = top[..., None] - perturbed + torch.log1p(-torch.exp(perturbed - largest))
    return top[..., None] - v.clamp(min=0) - torch.log1p(torch.exp(-v.abs()))


def stochastic_beam_search(
    model: StepModel[S],
    state: S,
    logits: Float[Tensor, "b v"],
    limits: Int[Tensor, "b"],
    prompt_lengths: Int[Tensor, "b"],
    ids: SpecialIds,
    beam: BeamSearch,
    generator: torch.Generator,
) -> GeneratedTokens:
    """Returns `beam.num_beams` different answers per item: ended ones first, then by length-normalised log-probability.

    Beams are selected by ``phi + noise * (G - phi)`` with G the perturbed log-probability of Kool et al. At a noise of
    1 this is their algorithm, an exact draw without replacement; at 0 it would be a beam search in which ended answers
    keep their slot. An ended answer competes with the unfinished ones until the end.

    Args:
        model: in eval mode.
        state: after the prompts.
        logits: of each item's first token.
        limits: tokens that each item's answers may have, at least 1.
        prompt_lengths: tokens of each prompt.
        ids: the ids that end and fill answers.
        beam: the strategy, with a noise above 0.
        generator: the source of randomness, on the logits' device.
    """
    device, b, k = logits.device, len(logits), beam.num_beams
    length = int(limits.max()) if b else 0
    final = _Beams.empty(b, k, length, ids, device)
    beams, items = _Beams.empty(b, 1, length, ids, device), torch.arange(b, device=device)
    beams.log_probs.zero_()
    for step in range(length):
        log_probs = logits.float().log_softmax(-1)
        log_probs[:, ids.pad] = _NEVER
        parents, beams = _grow(beams, log_probs.view(*beams.ended.shape, -1), step, k, beam.noise, ids, generator)
        full = limits[items] <= step + 1
        done = (beams.ended | ~beams.log_probs.isfinite()).all(-1) | full
        num_done = int(done.sum())
        if num_done and (worth_dropping(num_done, len(items)) or bool(full.any())):
            final.put(items[done], beams.select(done))
            left = (~done).nonzero()[:, 0]
            if not len(left):
                break
            state, items, parents, beams = state.select(left), items[left], parents[left], beams.select(left)
        # Ended answers are stepped too, with padding, and ignored: an item's rows stay one block.
        logits, state = model.step(state.reorder(parents), beams.tokens[..., step].flatten())
    return _ranked(final, prompt_lengths, ids, beam)


@dataclass(frozen=True)
class _Beams:
    """m answers, ended or not, of each of a items.

    Args:
        ranks: the values that they are selected by.
        gumbels: perturbed log-probabilities.
        log_probs: the model's own; -inf for an empty slot.
        tokens: without the prompt.
        ended: whether the answer is complete.
    """

    ranks: Float[Tensor, "a m"]
    gumbels: Float[Tensor, "a m"]
    log_probs: Float[Tensor, "a m"]
    tokens: Int[Tensor, "a m t"]
    ended: Bool[Tensor, "a m"]

    @staticmethod
    def empty(num_items: int, num_beams: int, length: int, ids: SpecialIds, device: torch.device) -> _Beams:
        nothing = torch.full((num_items, num_beams), _NEVER, device=device)
        tokens = torch.full((num_items, num_beams, length), ids.pad, device=device)
        return _Beams(nothing, nothing.clone(), nothing.clone(), tokens, torch.zeros_like(nothing, dtype=torch.bool))

    def select(self, items: Tensor) -> _Beams:
        return _Beams(
            self.ranks[items], self.gumbels[items], self.log_probs[items], self.tokens[items], self.ended[items]
        )

    def put(self, items: Tensor, other: _Beams) -> None:
        self.log_probs[items], self.tokens[items], self.ended[items] = other.log_probs, other.tokens, other.ended


def _grow(
    beams: _Beams,
    log_probs: Float[Tensor, "a m v"],
    step: int,
    k: int,
    noise: float,
    ids: SpecialIds,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "a k"], _Beams]:
    """Returns the k best of all children and of the answers that have ended, and the parent of each."""
    (a, m), v = beams.ended.shape, log_probs.shape[-1]
    phi = beams.log_probs[..., None] + log_probs
    gumbel = _gumbel(phi, generator)
    gumbels = phi + gumbel if step == 0 else conditional_gumbel(phi, gumbel, beams.gumbels)
    barren = (beams.ended | ~beams.log_probs.isfinite())[..., None] | ~phi.isfinite()
    ranks = (phi + noise * (gumbels - phi)).masked_fill(barren, _NEVER).flatten(1)
    # The children, then the ended answers themselves, then k empty slots in case there are too few of both.
    pool = torch.cat([ranks, beams.ranks.masked_fill(~beams.ended, _NEVER), ranks.new_full((a, k), _NEVER)], dim=1)
    best, places = pool.topk(k)
    is_child, is_old = places < m * v, (places >= m * v) & (places < m * v + m)
    parents = torch.where(is_child, places // v, (places - m * v).clamp(max=m - 1))
    token = torch.where(is_child, places % v, ids.pad)
    child = torch.where(is_child, places, 0)
    new_gumbels = torch.where(is_child, gumbels.flatten(1).gather(1, child), beams.gumbels.gather(1, parents))
    new_log_probs = torch.where(is_child, phi.flatten(1).gather(1, child), beams.log_probs.gather(1, parents))
    tokens = gather_answers(beams.tokens, parents)
    tokens[..., step] = token
    empty = ~best.isfinite()
    ended = (is_old | (is_child & (token == ids.eos))) & ~empty
    return parents, _Beams(
        best, new_gumbels.masked_fill(empty, _NEVER), new_log_probs.masked_fill(empty, _NEVER), tokens, ended
    )


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    tiny = torch.finfo(uniform.dtype).tiny
    return -torch.log((-torch.log(uniform.clamp(min=tiny))).clamp(min=tiny))


def _ranked(beams: _Beams, prompt_lengths: Int[Tensor, "b"], ids: SpecialIds, beam: BeamSearch) -> GeneratedTokens:
    lengths = (beams.tokens != ids.pad).sum(-1)
    if beam.count_prompt_in_length:
        lengths = lengths + prompt_lengths[:, None]
    return ranked(beams.tokens, beams.log_probs, beams.log_probs / beam.penalty(lengths), beams.ended, ids)
