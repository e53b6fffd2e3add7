"""Masked modelling in pre-training: masks of words and regions, and losses of regions (sections 3.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from motet.core import Loss
from motet.losses import row_count
from motet.systems.twelve_in_one.options import RegionMasking
from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask, iou_px

_MASKED, _RANDOM = 0.8, 0.9  # of words to predict: below the first [MASK], below the second a random word, else itself
_ZEROED = 0.9  # of regions to predict: below it a feature of zeros, else the feature itself


def mask_words(
    ids: Sequence[int],
    special: Sequence[bool],
    draws: np.ndarray,
    random_ids: np.ndarray,
    mask_id: int,
    probability: float = 0.15,
) -> tuple[list[int], list[int]]:
    """Returns the ids of a text with masked words, and the ids to predict: -1 for words that are not.

    A word is to be predicted if its draw is below `probability`. Below 0.8 of that it is replaced by [MASK], below 0.9
    by a random word, else it stays.

    Source: Devlin et al., NAACL 2019, section 3.1; the official code, `random_word`.

    Args:
        ids: of the words.
        special: True on [CLS] and the like, which are never masked.
        draws: uniform numbers, one per word.
        random_ids: one random word per word.
        mask_id: the id of [MASK].
        probability: of a word to be predicted.

    Examples:
        >>> mask_words([2, 7, 8, 9, 3], [True, False, False, False, True], np.array([0, 0.1, 0.5, 0.14, 0]),
        ...            np.array([5, 5, 5, 5, 5]), mask_id=4)
        ([2, 4, 8, 9, 3], [-1, 7, -1, 9, -1])
    """
    masked, labels = list(ids), [-1] * len(ids)
    for index, (word, fixed, draw) in enumerate(zip(ids, special, draws.tolist(), strict=True)):
        if fixed or draw >= probability:
            continue
        labels[index] = word
        if draw < _MASKED * probability:
            masked[index] = mask_id
        elif draw < _RANDOM * probability:
            masked[index] = int(random_ids[index])
    return masked, labels


def mask_regions(
    regions: PaddedRegions, draws: Float[Tensor, "p n"], options: RegionMasking, *, border_px: float = 1.0
) -> RegionMask:
    """Returns the masks of regions: of those drawn, and of regions that overlap them.

    A region is to be predicted if its draw is below the probability; below 0.9 of that its feature is set to zero, else
    it stays. A region that overlaps it would give it away: see `RegionMasking.neighbours`.

    Source: 12-in-1, section 8.2; the official code, `random_region`. The code differs from the paper in two points: the
    neighbours of a masked region keep their features (as with ``neighbours="uncounted"``), and a region to predict
    whose feature stays is left out of the mean's denominator but not of its sum.

    Args:
        regions: of p images.
        draws: uniform numbers, one per region; there may be more.
        options: probabilities and overlap.
        border_px: see `iou_px`.
    """
    draws = draws[:, : regions.valid.shape[1]]
    is_target = (draws < options.region_probability) & regions.valid
    zeroed = is_target & (draws < _ZEROED * options.region_probability)
    boxes = regions.in_pixels(regions.boxes_xyxy)
    near = (iou_px(boxes, boxes, border_px) > options.overlap) & is_target[:, None, :]
    near = near & regions.valid[..., None]
    if options.neighbours == "uncounted":
        return RegionMask(zeroed, is_target, zeroed, is_target | near.any(-1))
    same = torch.eye(near.shape[-1], dtype=torch.bool, device=near.device)
    is_neighbour = (near & ~same).any(-1)
    return RegionMask(zeroed | is_neighbour, is_target, is_target | is_neighbour, is_target | is_neighbour)


def masked_classes_loss(scores: Float[Tensor, "w k"], classes: Float[Tensor, "w k"]) -> Loss:
    """Returns the KL divergence from the detector's classes of masked regions; each region counts one.

        sum over k of p_k (log p_k - log q_k)

    Source: ViLBERT, section 2.1; the official code divides by the number of masked regions of the batch, and by zero
    if there is none.
    """
    total = F.kl_div(scores.float().log_softmax(-1), classes.float(), reduction="sum")
    return Loss(total, row_count(scores))


def masked_features_loss(scores: Float[Tensor, "w f"], features: Float[Tensor, "w f"]) -> Loss:
    """Returns the squared error of masked regions' features, the mean over channels; each region counts one.

    Source: the official code with `visual_target` 1.
    """
    return Loss((scores.float() - features.float()).square().mean(-1).sum(), row_count(scores))
