"""Scores of all pairs of images and texts, with the layers before the first co-attention run once (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Side
from motet.systems.twelve_in_one.body import Body, UnimodalStates

_MAX_VALUES = 2**24
"""Values in the widest layers of all pairs that run at once: 64 MiB in full precision, so that caches help."""
_MAX_VALUES_GPU = 2**28


def score_pairs(
    body: Body,
    head: Callable[[Tensor], Tensor],
    images: UnimodalStates,
    texts: UnimodalStates,
    *,
    pairs: int | None = None,
) -> Float[Tensor, "i t"]:
    """Returns the scores of all pairs, run from the first co-attention on.

    The layers before it are the same for all pairs of a text and for all pairs of an image; `images` and `texts` hold
    their output. Queries, keys and values of that co-attention are computed here, once per text and image. Texts of
    similar lengths run together, so that there is little padding.

    Args:
        body: the two streams.
        head: joint states to matching scores.
        images: i of them.
        texts: t of them.
        pairs: run at once; None for `pairs_at_once`.
    """
    scores = torch.empty(len(images.states), len(texts.states), device=images.states.device)
    block = pairs_at_once(body, images, texts) if pairs is None else pairs
    height = max(1, min(len(images.states), round(block**0.5)))
    text_groups = _groups(body, texts, "texts", max(1, block // height))
    for image_index, image_states in _groups(body, images, "images", height):
        for text_index, text_states in text_groups:
            i, t = len(image_index), len(text_index)
            first = torch.arange(i, device=scores.device).repeat_interleave(t)
            second = torch.arange(t, device=scores.device).repeat(i)
            states = body.join(text_states.rows(second), image_states.rows(first))
            block_scores = head(body.fuse(states))[:, 0].float()
            scores[image_index[:, None], text_index] = block_scores.view(i, t)
    return scores


def pairs_at_once(body: Body, images: UnimodalStates, texts: UnimodalStates) -> int:
    """Returns the number of pairs that may run at once within the limit of memory; at least one."""
    co_qkv = 3 * body.streams.sizes.co_width
    text, image = texts.states.shape[1:], images.states.shape[1:]
    hidden = (body.streams.sizes.text_hidden, body.streams.sizes.image_hidden)
    values_per_pair = sum(
        length * (width + max(co_qkv, 3 * width) + inside)
        for (length, width), inside in zip((text, image), hidden, strict=True)
    )
    return max(1, (_MAX_VALUES_GPU if images.states.is_cuda else _MAX_VALUES) // values_per_pair)


def _groups(body: Body, side: UnimodalStates, of: Side, count: int) -> list[tuple[Int[Tensor, "k"], UnimodalStates]]:
    """Returns groups of texts or images of similar length, each with its indices and with `qkv`."""
    order = side.valid.sum(-1).argsort(stable=True)
    return [(index, body.project_qkv(side.rows(index).trim(), of)) for index in torch.split(order, count)]
