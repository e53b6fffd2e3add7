"""Stochastic beam search: different answers drawn without replacement, by a search over perturbed log-probabilities.

Source: Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them", ICML 2019 (arXiv 1903.06059), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.systems.lit_decoder.beam import Beam
from motet.systems.lit_decoder.stepping import Generated, S, SpecialIds, StepModel, pays_to_drop, rank, rows_of

_NEVER = float("-inf")


def conditional_gumbel(
    log_probs: Float[Tensor, "*b v"], gumbel: Float[Tensor, "*b v"], top: Float[Tensor, "*b"]
) -> Float[Tensor, "*b v"]:
    """Perturbed log-probabilities of children, given that the largest of them is that of their parent.

        G = phi + gumbel,   Z = max G,   v = T - G + log(1 - exp(G - Z))
        result = T - max(0, v) - log(1 + exp(-|v|))

    Source: Kool et al. 2019, appendix B.3 (the numerically stable form).

    Args:
        log_probs: phi, of the answers so far with each child.
        gumbel: independent draws of the standard Gumbel distribution.
        top: T, the parent's.
    """
    perturbed = log_probs + gumbel
    largest = perturbed.max(dim=-1, keepdim=True).values
    v = top[..., None] - perturbed + torch.log1p(-torch.exp(perturbed - largest))
    return top[..., None] - v.clamp(min=0) - torch.log1p(torch.exp(-v.abs()))


def decode_stochastically(
    model: StepModel[S],
    state: S,
    features: Float[Tensor, "b d"],
    limits: Int[Tensor, "b"],
    prefix_lengths: Int[Tensor, "b"],
    ids: SpecialIds,
    beam: Beam,
    generator: torch.Generator,
) -> Generated:
    """`beam.beams` different answers to each row, ranked by length-normalised log-probability, ended ones first.

    Beams are kept by ``phi + noise * (G - phi)`` with G the perturbed log-probability of Kool et al.: at a noise of 1
    this is their algorithm, an exact draw without replacement, and at 0 it would be a beam search in which ended
    answers keep their place. An ended answer competes with the unfinished ones until the end.

    Args:
        model: the decoder.
        state: after the prefixes.
        features: that predict each row's first free token.
        limits: how many tokens each row may have, at least 1.
        prefix_lengths: how many tokens each row was forced.
        ids: what ends and fills an answer.
        beam: the strategy, with a noise above 0.
        generator: where the randomness comes from; on the features' device.
    """
    device, b, k = features.device, len(features), beam.beams
    length = int(limits.max()) if b else 0
    final = _Kept.start(b, k, length, ids, device)
    kept, images = _Kept.start(b, 1, length, ids, device), torch.arange(b, device=device)
    kept.log_probs.zero_()
    for step in range(length):
        log_probs = model.logits(features).float().log_softmax(-1)
        log_probs[:, ids.pad] = _NEVER
        parents, kept = _grow(kept, log_probs.view(*kept.ended.shape, -1), step, k, beam.noise, ids, generator)
        full = limits[images] <= step + 1
        done = (kept.ended | ~kept.log_probs.isfinite()).all(-1) | full
        num_done = int(done.sum())
        if num_done and (pays_to_drop(num_done, len(images)) or bool(full.any())):
            final.put(images[done], kept.select(done))
            left = (~done).nonzero()[:, 0]
            if not len(left):
                break
            state, images, parents, kept = state.select(left), images[left], parents[left], kept.select(left)
        state = state.branch(parents)
        # Ended answers go on too, fed with padding, and are not read: the rows of an image stay one block.
        extended, state = model.read(state, kept.tokens[..., step].reshape(-1, 1))
        features = extended[:, -1]
    return _ranked(final, prefix_lengths, ids, beam)


@dataclass(frozen=True)
class _Kept:
    """The beams of a images: answers ended and unfinished.

    Args:
        ranks: what they are kept by.
        gumbels: perturbed log-probabilities.
        log_probs: the model's own; -inf in an empty place.
        tokens: without prefix.
        ended: whether the answer is complete.
    """

    ranks: Float[Tensor, "a m"]
    gumbels: Float[Tensor, "a m"]
    log_probs: Float[Tensor, "a m"]
    tokens: Int[Tensor, "a m t"]
    ended: Bool[Tensor, "a m"]

    @staticmethod
    def start(num_images: int, num_beams: int, length: int, ids: SpecialIds, device: torch.device) -> _Kept:
        empty = torch.full((num_images, num_beams), _NEVER, device=device)
        tokens = torch.full((num_images, num_beams, length), ids.pad, device=device)
        return _Kept(empty, empty.clone(), empty.clone(), tokens, torch.zeros_like(empty, dtype=torch.bool))

    def select(self, images: Tensor) -> _Kept:
        return _Kept(
            self.ranks[images], self.gumbels[images], self.log_probs[images], self.tokens[images], self.ended[images]
        )

    def put(self, images: Tensor, other: _Kept) -> None:
        self.log_probs[images], self.tokens[images], self.ended[images] = other.log_probs, other.tokens, other.ended


def _grow(
    kept: _Kept,
    log_probs: Float[Tensor, "a m v"],
    step: int,
    k: int,
    noise: float,
    ids: SpecialIds,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "a k"], _Kept]:
    """The k best of all children and of the answers that have ended; and whose children they are."""
    (a, m), v = kept.ended.shape, log_probs.shape[-1]
    phi = kept.log_probs[..., None] + log_probs
    noisy = _gumbel(phi, generator)
    gumbels = phi + noisy if step == 0 else conditional_gumbel(phi, noisy, kept.gumbels)
    barren = (kept.ended | ~kept.log_probs.isfinite())[..., None] | ~phi.isfinite()
    ranks = (phi + noise * (gumbels - phi)).masked_fill(barren, _NEVER).flatten(1)
    # The children, then the ended answers themselves, then empty places enough for k.
    pool = torch.cat([ranks, kept.ranks.masked_fill(~kept.ended, _NEVER), ranks.new_full((a, k), _NEVER)], dim=1)
    best, places = pool.topk(k)
    is_child, is_old = places < m * v, (places >= m * v) & (places < m * v + m)
    parents = torch.where(is_child, places // v, (places - m * v).clamp(max=m - 1))
    token = torch.where(is_child, places % v, ids.pad)
    child = torch.where(is_child, places, 0)
    new_gumbels = torch.where(is_child, gumbels.flatten(1).gather(1, child), kept.gumbels.gather(1, parents))
    new_log_probs = torch.where(is_child, phi.flatten(1).gather(1, child), kept.log_probs.gather(1, parents))
    tokens = rows_of(kept.tokens, parents)
    tokens[..., step] = token
    empty = ~best.isfinite()
    ended = (is_old | (is_child & (token == ids.eos))) & ~empty
    return parents, _Kept(
        best, new_gumbels.masked_fill(empty, _NEVER), new_log_probs.masked_fill(empty, _NEVER), tokens, ended
    )


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    tiny = torch.finfo(uniform.dtype).tiny
    return -torch.log((-torch.log(uniform.clamp(min=tiny))).clamp(min=tiny))


def _ranked(kept: _Kept, prefix_lengths: Int[Tensor, "b"], ids: SpecialIds, beam: Beam) -> Generated:
    lengths = (kept.tokens != ids.pad).sum(-1)
    if beam.count_prompt_in_length:
        lengths = lengths + prefix_lengths[:, None]
    return rank(kept.tokens, kept.log_probs, kept.log_probs / beam.penalty(lengths), kept.ended, ids)
