"""Pictures and texts told from the other pairs of a batch, on one rank or over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Loss
from motet.core.ranks import gather, rank, world
from motet.systems.uni_perceiver.answers import counted, smoothed


@dataclass(frozen=True)
class MatchedPairs:
    """Pictures and texts that belong together, a pair a row.

    Args:
        images: features.
        texts: features.
        image_key: a number for each picture, by content.
        text_key: for each text.
        own_keys: of all texts of each pair's picture, 0 where there are fewer.
    """

    images: Float[Tensor, "r d"]
    texts: Float[Tensor, "r d"]
    image_key: Int[Tensor, "r"]
    text_key: Int[Tensor, "r"]
    own_keys: Int[Tensor, "r o"]

    @classmethod
    def of(cls, images: Tensor, texts: Tensor, value: Mapping[str, Any]) -> MatchedPairs:
        """Pairs with the keys of a target."""
        return cls(images, texts, value["image_key"], value["text_key"], value["own_keys"])

    def gathered(self) -> MatchedPairs:
        """Those of all ranks, in their order; gradients find their way back to the ranks they belong to."""
        most = max(gather(self.own_keys.shape[1]))
        own = torch.nn.functional.pad(self.own_keys, (0, most - self.own_keys.shape[1]))
        with torch.no_grad():
            keys = gather_rows(torch.cat([self.image_key[:, None], self.text_key[:, None], own], 1))
        return MatchedPairs(gather_rows(self.images), gather_rows(self.texts), keys[:, 0], keys[:, 1], keys[:, 2:])


def in_batch(own: MatchedPairs, among: MatchedPairs, first: int, scale: Float[Tensor, ""], smoothing: float) -> Loss:
    """Half of telling a picture's text from those of others, half of telling a text's picture; each pair counts one.

    Another picture's text that is one of the picture's own too is left out, and another row with the same picture.

    Source: the official code, retrieval with `LabelSmoothing`, 0.5 for each direction; that true pairs are left out is
    ours: the code takes all others for wrong.

    Args:
        own: this rank's.
        among: those they are told from, this rank's with them.
        first: where this rank's start among those.
        scale: of cosines.
        smoothing: of labels.
    """
    index = torch.arange(first, first + len(own.images), device=own.images.device)
    texts_apart, images_apart = told_apart(own, among, index)
    to_texts = smoothed(scale * own.images @ among.texts.T, index, smoothing, texts_apart)
    to_images = smoothed(scale * own.texts @ among.images.T, index, smoothing, images_apart)
    return Loss(0.5 * (to_texts.total + to_images.total), counted(own.images))


def told_apart(
    own: MatchedPairs, among: MatchedPairs, index: Int[Tensor, "r"]
) -> tuple[Bool[Tensor, "r m"], Bool[Tensor, "r m"]]:
    """Which texts a picture is told from, and which pictures a text: the right one, and those that do not fit."""
    same = own.image_key[:, None] == among.image_key
    fits_text = same | (own.own_keys[:, None, :] == among.text_key[None, :, None]).any(-1)
    fits_image = same | (among.own_keys[None] == own.text_key[:, None, None]).any(-1)
    right = torch.zeros_like(same)
    right[torch.arange(len(index), device=index.device), index] = True
    return right | ~fits_text, right | ~fits_image


def gather_rows(x: Tensor) -> Tensor:
    """The rows of all ranks one behind the other; each rank may have another number of them."""
    counts = gather(len(x))
    most = max(counts)
    filled = torch.cat([x, x.new_zeros(most - len(x), *x.shape[1:])])
    whole: Tensor = _AllGather.apply(filled)
    return torch.cat([part[:count] for part, count in zip(whole, counts, strict=True)])


class _AllGather(torch.autograd.Function):
    """What every rank has; back, what every rank's loss says of this one's part, added."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004  torch passes it
        parts = [torch.empty_like(x) for _ in range(world())]
        dist.all_gather(parts, x.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004  torch passes it
        added = gradients[0].contiguous()
        dist.all_reduce(added)
        return added[rank()]
