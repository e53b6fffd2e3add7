"""The contrastive loss of image-text pairs in a batch, on one rank or over all of them."""

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
from motet.losses import row_count
from motet.systems.uni_perceiver.answers import smoothed_loss


@dataclass(frozen=True)
class MatchedPairs:
    """Images and texts that belong together, one pair per row.

    Args:
        images: features.
        texts: features.
        image_key: a number per image, equal for equal images.
        text_key: a number per text, equal for equal texts.
        caption_keys: keys of all texts of each pair's image, 0 where there are fewer.
    """

    images: Float[Tensor, "r d"]
    texts: Float[Tensor, "r d"]
    image_key: Int[Tensor, "r"]
    text_key: Int[Tensor, "r"]
    caption_keys: Int[Tensor, "r o"]

    @classmethod
    def of(cls, images: Tensor, texts: Tensor, value: Mapping[str, Any]) -> MatchedPairs:
        """Returns pairs with the keys of a target."""
        return cls(images, texts, value["image_key"], value["text_key"], value["caption_keys"])

    def gathered(self) -> MatchedPairs:
        """Returns the pairs of all ranks, in the order of ranks; gradients go back to the rank of each pair."""
        most = max(gather(self.caption_keys.shape[1]))
        own = torch.nn.functional.pad(self.caption_keys, (0, most - self.caption_keys.shape[1]))
        with torch.no_grad():
            keys = gather_rows(torch.cat([self.image_key[:, None], self.text_key[:, None], own], 1))
        return MatchedPairs(gather_rows(self.images), gather_rows(self.texts), keys[:, 0], keys[:, 1], keys[:, 2:])


def in_batch_loss(
    own: MatchedPairs, among: MatchedPairs, first: int, scale: Float[Tensor, ""], smoothing: float
) -> Loss:
    """Returns the mean of image-to-text and text-to-image cross entropy; each pair counts one.

    A text of another row that is a caption of the image, too, is no negative, nor is another row with the same image.

    Source: the official code, retrieval with `LabelSmoothing`, 0.5 for each direction. Leaving true pairs out of the
    negatives is ours: the code takes all other pairs for negatives.

    Args:
        own: pairs of this rank.
        among: pairs that they are compared with, those of this rank among them.
        first: index among those of this rank's first pair.
        scale: of cosines.
        smoothing: of labels.
    """
    index = torch.arange(first, first + len(own.images), device=own.images.device)
    texts_compared, images_compared = compared(own, among, index)
    to_texts = smoothed_loss(scale * own.images @ among.texts.T, index, smoothing, texts_compared)
    to_images = smoothed_loss(scale * own.texts @ among.images.T, index, smoothing, images_compared)
    return Loss(0.5 * (to_texts.total + to_images.total), row_count(own.images))


def compared(
    own: MatchedPairs, among: MatchedPairs, index: Int[Tensor, "r"]
) -> tuple[Bool[Tensor, "r m"], Bool[Tensor, "r m"]]:
    """Returns the texts that each image is compared with, and the images of each text: its own, and all negatives."""
    same = own.image_key[:, None] == among.image_key
    fits_text = same | (own.caption_keys[:, None, :] == among.text_key[None, :, None]).any(-1)
    fits_image = same | (among.caption_keys[None] == own.text_key[:, None, None]).any(-1)
    right = torch.zeros_like(same)
    right[torch.arange(len(index), device=index.device), index] = True
    return right | ~fits_text, right | ~fits_image


def gather_rows(x: Tensor) -> Tensor:
    """Returns the rows of all ranks, in the order of ranks; the number of rows may differ between ranks."""
    counts = gather(len(x))
    most = max(counts)
    filled = torch.cat([x, x.new_zeros(most - len(x), *x.shape[1:])])
    whole: Tensor = _AllGather.apply(filled)
    return torch.cat([part[:count] for part, count in zip(whole, counts, strict=True)])


class _AllGather(torch.autograd.Function):
    """Gathers a tensor of every rank; backward, sums the gradients that all ranks have for this rank's part."""

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
