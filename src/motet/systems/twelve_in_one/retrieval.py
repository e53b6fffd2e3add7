"""How well every picture fits every text, with what each side knows alone computed once (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Side
from motet.systems.twelve_in_one.body import Body, OneSide

_NUMBERS = 2**24
"""That pairs may take at once, in the widest of their layers: 64 MiB in full precision, so that caches are of use."""
_NUMBERS_GPU = 2**28


def scores_of_pairs(
    body: Body, head: Callable[[Tensor], Tensor], images: OneSide, texts: OneSide, *, pairs: int | None = None
) -> Float[Tensor, "i t"]:
    """Scores of all pairs, from the first co-attention on.

    What stands before it is the same for all pairs of a text, and for all of an image, and is in `images` and `texts`
    already; so are queries, keys and values of that co-attention, which are made here once a side. Texts of like
    lengths are joined together, so that little padding is read.

    Args:
        body: the two streams.
        head: how well text and image fit.
        images: i of them.
        texts: t of them.
        pairs: joined at once; None for as many as `pairs_at_once` says.
    """
    scores = torch.empty(len(images.states), len(texts.states), device=images.states.device)
    most = pairs_at_once(body, images, texts) if pairs is None else pairs
    high = max(1, min(len(images.states), round(most**0.5)))
    of_texts = _groups(body, texts, "texts", max(1, most // high))
    for some_images, image_side in _groups(body, images, "images", high):
        for some_texts, text_side in of_texts:
            i, t = len(some_images), len(some_texts)
            first = torch.arange(i, device=scores.device).repeat_interleave(t)
            second = torch.arange(t, device=scores.device).repeat(i)
            states = body.join(text_side.rows(second), image_side.rows(first))
            found = head(body.fused(states))[:, 0].float()
            scores[some_images[:, None], some_texts] = found.view(i, t)
    return scores


def pairs_at_once(body: Body, images: OneSide, texts: OneSide) -> int:
    """How many pairs are joined at once, so that their states stay within bounds; at least one."""
    asks = 3 * body.streams.sizes.co_width
    text, image = texts.states.shape[1:], images.states.shape[1:]
    hidden = (body.streams.sizes.text_hidden, body.streams.sizes.image_hidden)
    a_pair = sum(
        places * (width + max(asks, 3 * width) + inside)
        for (places, width), inside in zip((text, image), hidden, strict=True)
    )
    return max(1, (_NUMBERS_GPU if images.states.is_cuda else _NUMBERS) // a_pair)


def _groups(body: Body, side: OneSide, of: Side, count: int) -> list[tuple[Int[Tensor, "k"], OneSide]]:
    """All places in groups of like length, each ready for the first co-attention."""
    order = side.valid.sum(-1).argsort(stable=True)
    return [(some, body.ask(side.rows(some).cut(), of)) for some in torch.split(order, count)]
