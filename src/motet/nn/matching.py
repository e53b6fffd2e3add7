"""Sets of boxes: overlap of boxes, and the one-to-one matching of predictions and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import ConfigError

# Keeps the quotient finite for two boxes without any area.
_TINY = 1e-12


def corners(boxes_cxcywh: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 4"]:
    """Converts boxes from centre and size to corners, x0 y0 x1 y1.

    Examples:
        >>> corners(torch.tensor([0.5, 0.5, 0.5, 1.0])).tolist()
        [0.25, 0.0, 0.75, 1.0]
    """
    centre, size = boxes_cxcywh.chunk(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def generalised_iou(a_xyxy: Float[Tensor, "*a 4"], b_xyxy: Float[Tensor, "*b 4"]) -> Float[Tensor, "*c"]:
    """Returns the generalised intersection over union of boxes, broadcast over all leading axes.

        GIoU = |A & B| / |A | B| - (|C| - |A | B|) / |C|,   C the smallest box around both

    Equal to `torchvision.ops.generalized_box_iou`, which takes only one list of boxes against another.

    Source: Rezatofighi et al., CVPR 2019. No +1 in the sizes.

    Examples:
        >>> box = torch.tensor([0.0, 0.0, 2.0, 2.0])
        >>> round(float(generalised_iou(box, box)), 6), round(float(generalised_iou(box, box + 2)), 6)
        (1.0, -0.5)
    """
    low, high = torch.maximum(a_xyxy[..., :2], b_xyxy[..., :2]), torch.minimum(a_xyxy[..., 2:], b_xyxy[..., 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)
    union = _area(a_xyxy) + _area(b_xyxy) - both
    low, high = torch.minimum(a_xyxy[..., :2], b_xyxy[..., :2]), torch.maximum(a_xyxy[..., 2:], b_xyxy[..., 2:])
    around = (high - low).prod(dim=-1)
    return both / union.clamp(min=_TINY) - (around - union) / around.clamp(min=_TINY)


def _area(boxes_xyxy: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b"]:
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).prod(dim=-1)


@dataclass(frozen=True)
class MatchCosts:
    """The weights of the costs between a prediction and a target; the defaults are DETR's.

    Args:
        label: of the probability that the prediction assigns to the target's label.
        l1: of the L1 distance of the boxes, centres and sizes as fractions of the image.
        giou: of the generalised IoU.
        log: whether the label's cost is minus its log-probability instead of minus its probability.
    """

    label: float = 1.0
    l1: float = 5.0
    giou: float = 2.0
    log: bool = False

    def __post_init__(self) -> None:
        if min(self.label, self.l1, self.giou) < 0 or not any((self.label, self.l1, self.giou)):
            raise ConfigError(
                f"MatchCosts: got {self.label}, {self.l1}, {self.giou}; want weights of at least 0, and one above 0"
            )


@torch.no_grad()
def match(
    logits: Float[Tensor, "l b q k"],
    boxes_cxcywh: Float[Tensor, "l b q 4"],
    labels: Int[Tensor, "b m"],
    target_cxcywh: Float[Tensor, "b m 4"],
    valid: Bool[Tensor, "b m"],
    costs: MatchCosts = MatchCosts(),
) -> Int[Tensor, "l b q"]:
    """Returns the target index that each prediction is matched with, -1 for none: the cheapest one-to-one matching.

        cost = -label * p(label of the target) + l1 * |box - target|_1 - giou * GIoU

    The costs of all layers and images are computed at once and moved to the CPU together.

    Source: Carion et al., ECCV 2020 (DETR), section 3.1; UniT, section 3.4. p is a softmax over all labels,
    including the background.

    Args:
        logits: of each layer, image and query.
        boxes_cxcywh: predicted, as fractions of the image.
        labels: of the targets; any value at padding.
        target_cxcywh: as fractions of the image.
        valid: True at targets, False at padding.
        costs: weights of the three costs.
    """
    from scipy.optimize import linear_sum_assignment  # half a second, which systems without boxes do without

    logits, boxes, target = logits.float(), boxes_cxcywh.float(), target_cxcywh.float()
    layers, _, queries, _ = logits.shape
    scores = logits.log_softmax(-1) if costs.log else logits.softmax(-1)
    picked = labels.clamp(min=0)[None, :, None, :].expand(layers, -1, queries, -1)
    cost = -costs.label * scores.gather(3, picked)
    cost += costs.l1 * torch.cdist(boxes, target.expand(layers, -1, -1, -1), p=1)
    cost -= costs.giou * generalised_iou(corners(boxes)[:, :, :, None], corners(target)[None, :, None])
    # A diverged model (NaN) still gets a matching; its loss shows the NaN.
    table = np.nan_to_num(cost.cpu().numpy(), nan=1e6, posinf=1e6, neginf=-1e6)
    counts = valid.sum(1).tolist()
    order = valid.long().argsort(dim=1, descending=True, stable=True).cpu().numpy()
    found = np.full(table.shape[:3], -1, dtype=np.int64)
    for layer in range(layers):
        for image, count in enumerate(counts):
            if count:
                columns = order[image, :count]
                query, column = linear_sum_assignment(table[layer, image][:, columns])
                found[layer, image, query] = columns[column]
    return torch.from_numpy(found).to(logits.device)
