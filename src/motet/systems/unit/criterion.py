"""DETR's set loss of boxes, and the loss of attributes (section 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Loss
from motet.nn.matching import corners, generalised_iou, match
from motet.systems.unit.options import DetectionConfig

CLASS, BACKGROUND, BOX, ATTRIBUTE = "class", "background", "box", "attribute"


@dataclass(frozen=True)
class BoxTargets:
    """Ground-truth boxes of b images, padded to the same number.

    Args:
        boxes_cxcywh: centre and size, relative to the image.
        labels: classes.
        attributes: up to a per box, padded with -1.
        valid: True on boxes, False on padding.
    """

    boxes_cxcywh: Float[Tensor, "b m 4"]
    labels: Int[Tensor, "b m"]
    attributes: Int[Tensor, "b m a"]
    valid: Bool[Tensor, "b m"]

    @staticmethod
    def of(value: Mapping[str, Tensor]) -> BoxTargets:
        """Returns the boxes in a target's value."""
        return BoxTargets(value["boxes"], value["labels"], value["attributes"], value["valid"])


def loss_term_names(options: DetectionConfig, *, attributes: bool) -> tuple[str, ...]:
    """Returns the names of the loss terms, each a mean over a count of its own."""
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
    options: DetectionConfig,
    attribute_scores: Callable[[Int[Tensor, "l b q"]], Float[Tensor, "l b q a"]] | None = None,
) -> dict[str, Loss]:
    """Returns the loss terms by name, each the sum over layers of a mean over its own count.

        class      sum w CE / sum w               w = 1 on objects, `background` elsewhere
        box        sum 5 |box - target|_1 + 2 (1 - GIoU) / number of boxes
        attribute  sum over boxes of the mean of 0.5 CE over the box's attributes / number of boxes with attributes

    The counts are the same in every layer, so totals add over layers. If an image has more boxes than there are
    queries, the matched boxes can differ between layers, and the count of attributes is the mean over layers.

    Source: Carion et al., ECCV 2020, section 3.1 and appendix A.2; UniT's official code, `SetCriterion`, where each
    process divides by its own weights of classes and of attributes; here counts add over processes first.

    Args:
        logits: class scores, the background last.
        boxes_cxcywh: predicted, relative to the image.
        annotations: ground-truth boxes of the b images.
        options: weights.
        attribute_scores: attribute scores given the class matched to each query (background for none).
    """
    if not options.every_layer:
        logits, boxes_cxcywh = logits[-1:], boxes_cxcywh[-1:]
    logits, boxes = logits.float(), boxes_cxcywh.float()
    costs = replace(options.costs, log=options.costs.log or options.balanced)
    matches = match(logits, boxes, annotations.labels, annotations.boxes_cxcywh, annotations.valid, costs)
    is_object, index = matches >= 0, matches.clamp(min=0)
    rows = torch.arange(len(annotations.labels), device=matches.device)[:, None]
    classes = torch.where(is_object, annotations.labels[rows, index], logits.shape[-1] - 1)
    layers = len(logits)
    losses = _class_losses(logits, classes, is_object, options)
    targets = annotations.boxes_cxcywh.float()[rows, index]
    l1 = (boxes - targets).abs().sum(-1)
    giou = 1 - generalised_iou(corners(boxes), corners(targets))
    # Not a product with the mask: a query without a box may have any number here, infinity too.
    box_losses = torch.where(is_object, options.l1 * l1 + options.giou * giou, 0.0)
    losses[BOX] = Loss(box_losses.sum(), annotations.valid.sum().float())
    if attribute_scores is not None:
        attributes = torch.where(is_object[..., None], annotations.attributes[rows, index], -1)
        scores = attribute_scores(classes)
        losses[ATTRIBUTE] = _attribute_loss(scores[-layers:], attributes, options.attribute, layers)
    return losses


def _class_losses(
    logits: Float[Tensor, "l b q k"],
    classes: Int[Tensor, "l b q"],
    is_object: Bool[Tensor, "l b q"],
    options: DetectionConfig,
) -> dict[str, Loss]:
    entropies = F.cross_entropy(logits.flatten(0, 2), classes.flatten(), reduction="none").view(classes.shape)
    num_objects, num_background = is_object[0].sum().float(), (~is_object[0]).sum().float()
    of_objects, of_background = entropies[is_object].sum(), entropies[~is_object].sum()
    if options.balanced:
        return {
            CLASS: Loss(options.label * (1 - options.background) * of_objects, num_objects),
            BACKGROUND: Loss(options.label * options.background * of_background, num_background),
        }
    total = of_objects + options.background * of_background
    return {CLASS: Loss(options.label * total, num_objects + options.background * num_background)}


def _attribute_loss(
    scores: Float[Tensor, "l b q a"], attributes: Int[Tensor, "l b q c"], weight: float, layers: int
) -> Loss:
    log_probs = scores.float().log_softmax(-1)
    valid = attributes >= 0
    entropies = -log_probs.gather(3, attributes.clamp(min=0)).masked_fill(~valid, 0.0)
    box_losses = 0.5 * entropies.sum(-1) / valid.sum(-1).clamp(min=1)
    return Loss(weight * box_losses.sum(), valid.any(-1).sum().float() / layers)
