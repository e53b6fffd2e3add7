"""Pre-training: words and regions are hidden and told from the rest (sections 3.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Loss
from motet.systems.twelve_in_one.options import RegionMasking
from motet.systems.twelve_in_one.regions import Hidden, PaddedRegions, overlaps_px

_MASKED, _RANDOM = 0.8, 0.9  # of words to be told: [MASK], another word, the word itself
_GONE = 0.9  # of regions to be told: no feature, the feature itself


def hide_words(
    ids: Sequence[int],
    special: Sequence[bool],
    draws: np.ndarray,
    others: np.ndarray,
    mask: int,
    share: float = 0.15,
) -> tuple[list[int], list[int]]:
    """A text with words hidden, and the words to be told: -1 where there is none.

    A word is to be told when its draw is below `share`; below 0.8 of that [MASK] stands for it, below 0.9 another word,
    else the word itself.

    Source: Devlin et al., NAACL 2019, section 3.1; the official code, `random_word`.

    Args:
        ids: of the words.
        special: True on [CLS] and the like, which are never hidden.
        draws: uniform numbers, one for each.
        others: a random word for each.
        mask: the id of [MASK].
        share: how often a word is to be told.

    Examples:
        >>> hide_words([2, 7, 8, 9, 3], [True, False, False, False, True], np.array([0, 0.1, 0.5, 0.14, 0]),
        ...            np.array([5, 5, 5, 5, 5]), mask=4)
        ([2, 4, 8, 9, 3], [-1, 7, -1, 9, -1])
    """
    hidden, told = list(ids), [-1] * len(ids)
    for place, (word, fixed, draw) in enumerate(zip(ids, special, draws.tolist(), strict=True)):
        if fixed or draw >= share:
            continue
        told[place] = word
        if draw < _MASKED * share:
            hidden[place] = mask
        elif draw < _RANDOM * share:
            hidden[place] = int(others[place])
    return hidden, told


def hide_regions(
    seen: PaddedRegions, draws: Float[Tensor, "p n"], options: RegionMasking, *, border_px: float = 1.0
) -> Hidden:
    """Which regions are hidden: those drawn, and what overlaps them.

    A region is to be told when its draw is below the share; below 0.9 of that its feature is zero, else it stays. What
    overlaps a region to be told would give it away: see `Hiding.neighbours`.

    Source: 12-in-1, section 8.2; the official code, `random_region`. Two ways of the code are not the paper's: a hidden
    region's neighbours keep their features (``neighbours="uncounted"`` does so too), and a region that is to be told
    but stays is left out of the mean's denominator while it is part of its sum.

    Args:
        seen: the regions.
        draws: uniform numbers, one for each; at least as many as regions.
        options: shares.
        border_px: see `overlaps_px`.
    """
    draws = draws[:, : seen.valid.shape[1]]
    told = (draws < options.regions) & seen.valid
    gone = told & (draws < _GONE * options.regions)
    boxes = seen.in_pixels(seen.boxes_xyxy)
    near = (overlaps_px(boxes, boxes, border_px) > options.overlap) & told[:, None, :]
    near = near & seen.valid[..., None]
    if options.neighbours == "uncounted":
        return Hidden(gone, told, gone, told | near.any(-1))
    itself = torch.eye(near.shape[-1], dtype=torch.bool, device=near.device)
    by_another = (near & ~itself).any(-1)
    return Hidden(gone | by_another, told, told | by_another, told | by_another)


def words_loss(scores: Float[Tensor, "w v"], words: Int[Tensor, "w"]) -> Loss:
    """Cross entropy of hidden words; each counts one."""
    return Loss(F.cross_entropy(scores.float(), words, reduction="sum"), _count(words))


def classes_loss(scores: Float[Tensor, "w k"], classes: Float[Tensor, "w k"]) -> Loss:
    """KL divergence from the detector's classes of hidden regions; each region counts one.

        sum over k of p_k (log p_k - log q_k)

    Source: ViLBERT, section 2.1; the official code divides by the number of hidden regions of the batch, and by zero
    where there is none.
    """
    total = F.kl_div(scores.float().log_softmax(-1), classes.float(), reduction="sum")
    return Loss(total, _count(scores))


def features_loss(scores: Float[Tensor, "w f"], features: Float[Tensor, "w f"]) -> Loss:
    """Squared error of hidden regions' features, the mean over their numbers; each region counts one.

    Source: the official code with `visual_target` 1.
    """
    return Loss((scores.float() - features.float()).square().mean(-1).sum(), _count(scores))


def _count(values: Tensor) -> Tensor:
    return torch.tensor(float(len(values)), device=values.device)
