"""How well every picture fits every text, with what each side knows alone computed once (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.systems.twelve_in_one.body import Body, OneSide

_PAIRS = 256  # at once


def scores_of_pairs(
    body: Body, head: Callable[[Tensor], Tensor], images: OneSide, texts: OneSide, *, pairs: int = _PAIRS
) -> Float[Tensor, "i t"]:
    """Scores of all pairs, from the first co-attention on.

    What stands before it is the same for all pairs of a text, and for all of an image, and is in `images` and `texts`
    already. Texts of like lengths are joined together, so that little padding is read.

    Args:
        body: the two streams.
        head: how well text and image fit.
        images: i of them.
        texts: t of them.
        pairs: joined at once.
    """
    scores = torch.empty(len(images.states), len(texts.states), device=images.states.device)
    for some_images in _alike(images, max(1, round(pairs**0.5))):
        of_images = _cut(images.rows(some_images))
        for some_texts in _alike(texts, max(1, pairs // len(some_images))):
            of_texts = _cut(texts.rows(some_texts))
            i, t = len(some_images), len(some_texts)
            first = torch.arange(i, device=scores.device).repeat_interleave(t)
            second = torch.arange(t, device=scores.device).repeat(i)
            states = body.join(of_texts.rows(second), of_images.rows(first))
            found = head(body.fused(states))[:, 0].float()
            scores[some_images[:, None], some_texts] = found.view(i, t)
    return scores


def _alike(side: OneSide, count: int) -> Iterator[Int[Tensor, "k"]]:
    """All places in groups of like length."""
    order = side.valid.sum(-1).argsort(stable=True)
    yield from (order[start : start + count] for start in range(0, len(order), count))


def _cut(side: OneSide) -> OneSide:
    """Without what is padding in all of them."""
    longest = int(side.valid.any(0).nonzero().max()) + 1
    return OneSide(side.states[:, :longest], side.valid[:, :longest])
