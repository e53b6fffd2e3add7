"""DETR's loss of a set of boxes, and the attributes' (section 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Loss
from motet.nn.matching import corners, generalised_iou, match
from motet.systems.unit.options import Detection

CLASS, BACKGROUND, BOX, ATTRIBUTE = "class", "background", "box", "attribute"


@dataclass(frozen=True)
class BoxTargets:
    """The boxes of b images, filled up to the same number.

    Args:
        boxes_cxcywh: in parts of the image.
        labels: classes.
        attributes: up to a of each box, -1 for none.
        valid: True on boxes, False on what fills up.
    """

    boxes_cxcywh: Float[Tensor, "b m 4"]
    labels: Int[Tensor, "b m"]
    attributes: Int[Tensor, "b m a"]
    valid: Bool[Tensor, "b m"]

    @staticmethod
    def of(value: Mapping[str, Tensor]) -> BoxTargets:
        """From a target's value."""
        return BoxTargets(value["boxes"], value["labels"], value["attributes"], value["valid"])


def terms_of(options: Detection, *, attributes: bool) -> tuple[str, ...]:
    """The names of the parts, each a mean over something else."""
    return (
        CLASS,
        *((BACKGROUND,) if options.balanced else ()),
        BOX,
        *((ATTRIBUTE,) if attributes else ()),
    )


def detection_losses(
    logits: Float[Tensor, "l b q k"],
    boxes_cxcywh: Float[Tensor, "l b q 4"],
    annotations: BoxTargets,
    options: Detection,
    attribute_scores: Callable[[Int[Tensor, "l b q"]], Float[Tensor, "l b q a"]] | None = None,
) -> dict[str, Loss]:
    """The parts of the loss, each the sum over layers of a mean over its own count.

        class      sum w CE / sum w               w = 1 on things, `background` elsewhere
        box        sum 5 |box - truth|_1 + 2 (1 - GIoU) / number of boxes
        attribute  sum over boxes of the mean of 0.5 CE over the box's attributes / number of boxes with attributes

    The counts are the same in every layer, so totals over layers add; where an image has more boxes than there are
    queries, the boxes that are matched can differ, and the attributes' count is the layers' mean.

    Source: Carion et al., ECCV 2020, section 3.1 and appendix A.2; UniT's official code, `SetCriterion`, where each
    process divides by its own weights of classes and of attributes; here counts add over processes first.

    Args:
        logits: class scores, the background last.
        boxes_cxcywh: predicted, in parts of the image.
        truths: of the b images.
        options: weights.
        attribute_scores: from the class of what each query stands for (background for none).
    """
    if not options.every_layer:
        logits, boxes_cxcywh = logits[-1:], boxes_cxcywh[-1:]
    logits, boxes = logits.float(), boxes_cxcywh.float()
    costs = replace(options.costs, log=options.costs.log or options.balanced)
    found = match(logits, boxes, annotations.labels, annotations.boxes_cxcywh, annotations.valid, costs)
    thing, place = found >= 0, found.clamp(min=0)
    rows = torch.arange(len(annotations.labels), device=found.device)[:, None]
    classes = torch.where(thing, annotations.labels[rows, place], logits.shape[-1] - 1)
    layers = len(logits)
    losses = _class_losses(logits, classes, thing, options)
    wanted = annotations.boxes_cxcywh.float()[rows, place]
    l1 = (boxes - wanted).abs().sum(-1)
    giou = 1 - generalised_iou(corners(boxes), corners(wanted))
    # Not a product: a query without a box may have any number here.
    apart = torch.where(thing, options.l1 * l1 + options.giou * giou, 0.0)
    losses[BOX] = Loss(apart.sum(), annotations.valid.sum().float())
    if attribute_scores is not None:
        attributes = torch.where(thing[..., None], annotations.attributes[rows, place], -1)
        scores = attribute_scores(classes)
        losses[ATTRIBUTE] = _attribute_loss(scores[-layers:], attributes, options.attribute, layers)
    return losses


def _class_losses(
    logits: Float[Tensor, "l b q k"], classes: Int[Tensor, "l b q"], thing: Bool[Tensor, "l b q"], options: Detection
) -> dict[str, Loss]:
    apart = F.cross_entropy(logits.flatten(0, 2), classes.flatten(), reduction="none").view(classes.shape)
    things, others = thing[0].sum().float(), (~thing[0]).sum().float()
    of_things, of_others = apart[thing].sum(), apart[~thing].sum()
    if options.balanced:
        return {
            CLASS: Loss(options.label * (1 - options.background) * of_things, things),
            BACKGROUND: Loss(options.label * options.background * of_others, others),
        }
    total = of_things + options.background * of_others
    return {CLASS: Loss(options.label * total, things + options.background * others)}


def _attribute_loss(
    scores: Float[Tensor, "l b q a"], attributes: Int[Tensor, "l b q c"], weight: float, layers: int
) -> Loss:
    log_probs = scores.float().log_softmax(-1)
    given = attributes >= 0
    apart = -log_probs.gather(3, attributes.clamp(min=0)).masked_fill(~given, 0.0)
    of_box = 0.5 * apart.sum(-1) / given.sum(-1).clamp(min=1)
    return Loss(weight * of_box.sum(), given.any(-1).sum().float() / layers)
