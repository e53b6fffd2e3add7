"""Stochastic beam search: different answers drawn without replacement, by beam search over perturbed log-probabilities.

Source: Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them", ICML 2019 (arXiv 1903.06059), algorithm 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.nn.generate.beam_search import BeamSearch
from motet.nn.generate.hypotheses import NEVER, Hypotheses
from motet.nn.generate.output import GeneratedTokens, ranked
from motet.nn.generate.step import S, SpecialIds, StepModel, remaining_items


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
    final, beams = Hypotheses.empty(b, k, length, ids, device), Hypotheses.empty(b, 1, length, ids, device)
    beams.log_probs.zero_()
    gumbels, items = torch.zeros(b, 1, device=device), torch.arange(b, device=device)
    for step in range(length):
        log_probs = logits.float().log_softmax(-1)
        log_probs[:, ids.pad] = NEVER
        log_probs = log_probs.view(*beams.ended.shape, -1)
        parents, beams, gumbels = _grow(beams, gumbels, log_probs, step, k, beam.noise, ids, generator)
        full = limits[items] <= step + 1
        done = (beams.ended | ~beams.log_probs.isfinite()).all(-1) | full
        if (left := remaining_items(done, full)) is not None:
            final.put(items[done], beams.select(done))
            if not len(left):
                break
            state, items, parents = state.select(left), items[left], parents[left]
            beams, gumbels = beams.select(left), gumbels[left]
        # Ended answers are stepped too, with padding, and ignored: an item's rows stay one block.
        logits, state = model.step(state.reorder(parents), beams.tokens[..., step].flatten())
    return _ranked(final, prompt_lengths, ids, beam)


def _grow(
    beams: Hypotheses,
    gumbels: Float[Tensor, "a m"],
    log_probs: Float[Tensor, "a m v"],
    step: int,
    k: int,
    noise: float,
    ids: SpecialIds,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "a k"], Hypotheses, Float[Tensor, "a k"]]:
    """Returns the k best of all children and of the ended answers: the parent of each, themselves, their gumbels."""
    (a, m), v = beams.ended.shape, log_probs.shape[-1]
    phi = beams.log_probs[..., None] + log_probs
    gumbel = _gumbel(phi, generator)
    children = phi + gumbel if step == 0 else conditional_gumbel(phi, gumbel, gumbels)
    barren = (beams.ended | ~beams.log_probs.isfinite())[..., None] | ~phi.isfinite()
    ranks = (phi + noise * (children - phi)).masked_fill(barren, NEVER).flatten(1)
    # The children, then the ended answers themselves, then k empty slots in case there are too few of both.
    pool = torch.cat([ranks, beams.scores.masked_fill(~beams.ended, NEVER), ranks.new_full((a, k), NEVER)], dim=1)
    best, places = pool.topk(k)
    is_child = places < m * v
    parents = torch.where(is_child, places // v, (places - m * v).clamp(max=m - 1))
    token = torch.where(is_child, places % v, ids.pad)
    child = torch.where(is_child, places, 0)

    def chosen(of_children: Float[Tensor, "a m v"], of_beams: Float[Tensor, "a m"]) -> Float[Tensor, "a k"]:
        values = torch.where(is_child, of_children.flatten(1).gather(1, child), of_beams.gather(1, parents))
        return values.masked_fill(~best.isfinite(), NEVER)

    grown = beams.extend(step, parents, token, best, chosen(phi, beams.log_probs), ids)
    return parents, grown, chosen(children, gumbels)


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    tiny = torch.finfo(uniform.dtype).tiny
    return -torch.log((-torch.log(uniform.clamp(min=tiny))).clamp(min=tiny))


def _ranked(beams: Hypotheses, prompt_lengths: Int[Tensor, "b"], ids: SpecialIds, beam: BeamSearch) -> GeneratedTokens:
    lengths = (beams.tokens != ids.pad).sum(-1)
    if beam.count_prompt_in_length:
        lengths = lengths + prompt_lengths[:, None]
    return ranked(beams.tokens, beams.log_probs, beams.log_probs / beam.penalty(lengths), beams.ended, ids)
