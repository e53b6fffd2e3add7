"""Head, loss and prediction of each kind of answer (section 3.4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    Label,
    Loss,
    Prediction,
    Region,
    Target,
    Task,
    UnsupportedTask,
)
from motet.losses import default_for, soft_cross_entropy
from motet.nn.heads import BertHead
from motet.nn.matching import corners, generalised_iou
from motet.preprocess.geometry import Geometry
from motet.systems.base import class_predictions
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.criterion import BoxTargets, detection_losses
from motet.systems.unit.heads import BoxMlp, DetectionHead


def build_head(task: Task, config: UniTConfig) -> nn.Module:
    """Returns a new head for a task."""
    match task.target:
        case Label(names) | Answer(names):
            # As the official code; the paper's eq. 8 has no norm, and its dropout comes after the GELU.
            return BertHead(config.width, len(names), dropout=config.dropout)
        case Boxes(names, attributes):
            return DetectionHead(config.width, len(names), len(attributes), relu=config.detection.relu)
        case Region():
            return BoxMlp(config.width)
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: got {type(other).__name__}; want Label, Answer, Boxes or Region"
            )


def reads_cls_only(task: Task, config: UniTConfig) -> bool:
    """Returns True if the decoder attends only to the [CLS] state of the task's text."""
    return config.text_limits.cls_only.get(task.name, isinstance(task.target, Label))


class TaskAnswers(ABC):
    """Losses and predictions of one task, from the decoder's states of its rows."""

    @abstractmethod
    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the task's loss over its rows, and its terms."""

    def predict(self, states: Float[Tensor, "l r q d"], target: Target) -> list[Prediction]:
        """Returns one prediction per row."""
        return self.predictions(self.outputs(states), target)

    @abstractmethod
    def outputs(self, states: Float[Tensor, "l r q d"]) -> tuple[Tensor, ...]:
        """Returns the tensors that predictions are made of, rows first."""

    @abstractmethod
    def predictions(self, outputs: Sequence[Tensor], target: Target) -> list[Prediction]:
        """Returns one prediction per row from `outputs`; reads no weight."""


def build_answers(task: Task, head: nn.Module, config: UniTConfig) -> TaskAnswers:
    """Returns the losses and predictions of a task's kind of answer."""
    match task.target, head:
        case (Label() | Answer(), BertHead()):
            return ClassAnswers(task, head, config)
        case (Boxes(), DetectionHead()):
            return DetectionAnswers(head, config)
        case (Region(), BoxMlp()):
            return RegionAnswers(head, config)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {other}; want a target and the head built for it")


@dataclass(frozen=True)
class ClassAnswers(TaskAnswers):
    """Classification among the names of a `Label` or an `Answer`, from the first query's state.

    Args:
        task: a task with such a target.
        head: its classifier.
        config: options.
        linear: scores of the linear classifier, which are added; None without one.
    """

    task: Task
    head: BertHead
    config: UniTConfig
    linear: Float[Tensor, "r k"] | None = None

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the loss of the last layer, or the sum over all layers."""
        evaluated = states[:, :, 0] if self.config.every_layer else states[-1:, :, 0]
        targets = target.value["label" if isinstance(self.task.target, Label) else "answers"]
        losses = [self._loss(scores, targets) for scores in self._scores(evaluated)]
        return Loss(torch.stack([loss.total for loss in losses]).sum(), losses[-1].weight), {}

    def _scores(self, states: Float[Tensor, "*l r d"]) -> Float[Tensor, "*l r k"]:
        scores: Tensor = self.head(states)
        return scores if self.linear is None else scores.float() + self.linear

    def _loss(self, scores: Float[Tensor, "r k"], targets: Tensor) -> Loss:
        if self.task.loss is not None:
            return self.task.loss(scores, targets)
        if isinstance(self.task.target, Answer) and self.config.answers == "softmax":
            return soft_cross_entropy(scores, targets)
        return default_for(self.task.target)(scores, targets)

    def outputs(self, states: Float[Tensor, "l r q d"]) -> tuple[Float[Tensor, "r k"]]:
        """Returns log-probabilities of the names, of a softmax or of each name alone."""
        scores = self._scores(states[-1, :, 0]).float()
        exclusive = isinstance(self.task.target, Label) or self.config.answers == "softmax"
        return (scores.log_softmax(-1) if exclusive else nn.functional.logsigmoid(scores),)

    def predictions(self, outputs: Sequence[Tensor], target: Target) -> list[Prediction]:  # noqa: ARG002
        """Returns the name with the highest score."""
        assert isinstance(self.task.target, Label | Answer)  # checked when it was built
        return class_predictions(outputs[0], self.task.target.names)


@dataclass(frozen=True)
class DetectionAnswers(TaskAnswers):
    """Object detection: class, box and attributes of every query.

    Args:
        head: the task's head.
        config: options.
    """

    head: DetectionHead
    config: UniTConfig

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns a zero loss over rows, and terms over classes, boxes and boxes with attributes."""
        options = self.config.detection
        evaluated = states if options.every_layer else states[-1:]
        attributes = self.head.attributes

        def scores(labels: Int[Tensor, "l r q"]) -> Float[Tensor, "l r q a"]:
            assert attributes is not None
            out: Tensor = attributes(evaluated, labels)
            return out

        terms = detection_losses(
            self.head.classes(evaluated),
            self.head.boxes(evaluated),
            BoxTargets.of(target.value),
            options,
            None if attributes is None else scores,
        )
        zero = terms["box"].total.new_zeros(())
        return Loss(zero, zero + len(target.rows)), terms

    def outputs(self, states: Float[Tensor, "l r q d"]) -> tuple[Tensor, ...]:
        """Returns scores (r, q), labels (r, q) and boxes (r, q, 4) of all queries, and the attributes' probabilities.

        The label is the most likely class but background; boxes are centre and size, relative to the view.
        """
        last = states[-1]
        scores, labels = self.head.classes(last).float().softmax(-1)[..., :-1].max(-1)
        boxes = self.head.boxes(last)
        attributes = () if self.head.attributes is None else (self.head.attributes(last, labels).float().softmax(-1),)
        return (scores, labels, boxes, *attributes)

    def predictions(self, outputs: Sequence[Tensor], target: Target) -> list[Prediction]:
        """Returns all queries' boxes in pixels of the image file."""
        scores, labels, boxes, *attributes = outputs
        predictions: list[Prediction] = []
        for row, geometry in enumerate(target.value["geometry"].tolist()):
            file_boxes = _to_file_pixels(boxes[row], geometry)
            likely = _likely_attributes(attributes[0][row]) if attributes else ()
            predictions.append(BoxSet(file_boxes, labels[row].cpu().numpy(), scores[row].cpu().numpy(), likely))
        return predictions


@dataclass(frozen=True)
class RegionAnswers(TaskAnswers):
    """Referring expressions: the first query's box; ours, not the paper's.

    Args:
        head: the task's head.
        config: options.
    """

    head: BoxMlp
    config: UniTConfig

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns DETR's loss of one box, over rows whose phrase refers to something in the image."""
        options, value = self.config.detection, target.value
        boxes = self.head(states[:, :, 0] if options.every_layer else states[-1:, :, 0])
        is_referred, targets = value["valid"][:, 0], value["boxes"][:, 0].float()
        l1, giou = (boxes - targets).abs().sum(-1), 1 - generalised_iou(corners(boxes), corners(targets))
        box_losses = torch.where(is_referred, options.l1 * l1 + options.giou * giou, 0.0)
        return Loss(box_losses.sum(), is_referred.sum().float()), {}

    def outputs(self, states: Float[Tensor, "l r q d"]) -> tuple[Float[Tensor, "r 1 4"]]:
        """Returns the first query's box: centre and size, relative to the view."""
        return (self.head(states[-1, :, :1]),)

    def predictions(self, outputs: Sequence[Tensor], target: Target) -> list[Prediction]:
        """Returns one box per row, in pixels of the image file."""
        return [
            BoxSet(_to_file_pixels(box, geometry), np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.float32))
            for box, geometry in zip(outputs[0], target.value["geometry"].tolist(), strict=True)
        ]


def _to_file_pixels(boxes_cxcywh: Float[Tensor, "q 4"], numbers: Sequence[int]) -> np.ndarray:
    geometry = Geometry.of(numbers)
    height, width = geometry.size_hw
    view: np.ndarray = corners(boxes_cxcywh.double()).cpu().numpy() * np.array([width, height, width, height])
    return geometry.boxes_back(view).astype(np.float32)


def _likely_attributes(probabilities: Float[Tensor, "q a"]) -> tuple[tuple[int, ...], ...]:
    """Returns per box the attributes that are at least half as likely as its most likely one.

    The loss gives each of two true attributes half of the probability, so a softmax splits it between them.
    """
    likely = probabilities >= probabilities.max(-1, keepdim=True).values / 2
    return tuple(tuple(row.nonzero()[:, 0].tolist()) for row in likely)
