"""Each kind of answer: its head, its loss, its prediction in the task's own space (section 3.4)."""

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
    ClassPrediction,
    Label,
    Loss,
    Prediction,
    Region,
    Target,
    Task,
    UnsupportedTask,
)
from motet.losses import default_for
from motet.nn.matching import corners, generalised_iou
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.criterion import BoxTargets, detection_losses
from motet.systems.unit.heads import BoxMlp, Classifier, DetectionHead
from motet.systems.unit.processor import geometry_of


def head_of(task: Task, config: UniTConfig) -> nn.Module:
    """A fresh head for a task."""
    match task.target:
        case Label(names) | Answer(names):
            return Classifier(config.width, len(names), dropout=config.dropout)
        case Boxes(names, attributes):
            return DetectionHead(config.width, len(names), len(attributes), relu=config.detection.relu)
        case Region():
            return BoxMlp(config.width)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want one that was checked")


def reads_cls_only(task: Task, config: UniTConfig) -> bool:
    """Whether the decoder sees only the state of [CLS] of this task's text."""
    return config.text_limits.cls_only.get(task.name, isinstance(task.target, Label))


class TaskAnswers(ABC):
    """From the decoder's states of one task's rows to its losses and its predictions."""

    @abstractmethod
    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """The task's loss over its rows, and its terms."""

    @abstractmethod
    def predict(self, states: Float[Tensor, "l r q d"], target: Target) -> list[Prediction]:
        """One answer a row."""


def answers_of(task: Task, head: nn.Module, config: UniTConfig) -> TaskAnswers:
    """How a task is answered."""
    match task.target, head:
        case (Label() | Answer(), Classifier()):
            return ClassAnswers(task, head, config)
        case (Boxes(), DetectionHead()):
            return Detections(head, config)
        case (Region(), BoxMlp()):
            return RegionAnswers(head, config)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {other}; want one that was checked")


@dataclass(frozen=True)
class ClassAnswers(TaskAnswers):
    """One of the names, from the first query's state.

    Args:
        task: whose.
        head: its classifier.
        config: options.
    """

    task: Task
    head: Classifier
    config: UniTConfig

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Of the last layer, or the sum of all layers' losses."""
        evaluated = states[:, :, 0] if self.config.every_layer else states[-1:, :, 0]
        wanted = target.value["label" if isinstance(self.task.target, Label) else "answers"]
        found = [self._loss(scores, wanted) for scores in self.head(evaluated)]
        return Loss(torch.stack([loss.total for loss in found]).sum(), found[-1].weight), {}

    def _loss(self, scores: Float[Tensor, "r k"], wanted: Tensor) -> Loss:
        if self.task.loss is not None:
            return self.task.loss(scores, wanted)
        if isinstance(self.task.target, Answer) and self.config.answers == "softmax":
            return soft_cross_entropy(scores, wanted)
        return default_for(self.task.target)(scores, wanted)

    def predict(self, states: Float[Tensor, "l r q d"], target: Target) -> list[Prediction]:  # noqa: ARG002
        """The name of the highest score; scores are log-probabilities where they are of one choice among names."""
        assert isinstance(self.task.target, Label | Answer)  # held since it was built
        names = self.task.target.names
        scores = self.head(states[-1, :, 0]).float()
        one_of_them = isinstance(self.task.target, Label) or self.config.answers == "softmax"
        scores = scores.log_softmax(-1) if one_of_them else nn.functional.logsigmoid(scores)
        best = scores.argmax(-1).tolist()
        return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]


@dataclass(frozen=True)
class Detections(TaskAnswers):
    """Every query's class, box and attributes.

    Args:
        head: of the task.
        config: options.
    """

    head: DetectionHead
    config: UniTConfig

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Nothing by rows; terms by classes, boxes and boxes with attributes."""
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
        nothing = terms["box"].total.new_zeros(())
        return Loss(nothing, nothing + len(target.rows)), terms

    def predict(self, states: Float[Tensor, "l r q d"], target: Target) -> list[Prediction]:
        """All queries, each with its likeliest class, in pixels of the file; the background is never chosen."""
        last = states[-1]
        scores, labels = self.head.classes(last).float().softmax(-1)[..., :-1].max(-1)
        boxes = self.head.boxes(last)
        attributes = None if self.head.attributes is None else self.head.attributes(last, labels).float().softmax(-1)
        found: list[Prediction] = []
        for row, geometry in enumerate(target.value["geometry"].tolist()):
            likely = () if attributes is None else _likely(attributes[row])
            found.append(
                BoxSet(_in_file(boxes[row], geometry), labels[row].cpu().numpy(), scores[row].cpu().numpy(), likely)
            )
        return found


@dataclass(frozen=True)
class RegionAnswers(TaskAnswers):
    """The first query's box, of the phrase that was read; ours, not the paper's.

    Args:
        head: of the task.
        config: options.
    """

    head: BoxMlp
    config: UniTConfig

    def losses(self, states: Float[Tensor, "l r q d"], target: Target) -> tuple[Loss, dict[str, Loss]]:
        """DETR's loss of one box, over rows whose phrase means something."""
        options, value = self.config.detection, target.value
        boxes = self.head(states[:, :, 0] if options.every_layer else states[-1:, :, 0])
        meant, wanted = value["valid"][:, 0], value["boxes"][:, 0].float()
        l1, giou = (boxes - wanted).abs().sum(-1), 1 - generalised_iou(corners(boxes), corners(wanted))
        apart = torch.where(meant, options.l1 * l1 + options.giou * giou, 0.0)
        return Loss(apart.sum(), meant.sum().float()), {}

    def predict(self, states: Float[Tensor, "l r q d"], target: Target) -> list[Prediction]:
        """One box a row, in pixels of the file."""
        boxes = self.head(states[-1, :, :1])
        return [
            BoxSet(_in_file(boxes[row], geometry), np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.float32))
            for row, geometry in enumerate(target.value["geometry"].tolist())
        ]


def soft_cross_entropy(scores: Float[Tensor, "r k"], targets: Float[Tensor, "r k"]) -> Loss:
    """Cross entropy with soft targets scaled to a sum of one; a row without any target adds nothing.

    Examples:
        >>> loss = soft_cross_entropy(torch.zeros(2, 4), torch.tensor([[0.9, 0.3, 0.0, 0.0], [0.0] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    parts = targets / targets.sum(-1, keepdim=True).clamp(min=1e-6)
    total = -(parts * scores.float().log_softmax(-1)).sum()
    return Loss(total, torch.tensor(float(len(scores)), device=scores.device))


def _in_file(boxes_cxcywh: Float[Tensor, "q 4"], numbers: Sequence[int]) -> np.ndarray:
    geometry = geometry_of(numbers)
    height, width = geometry.size_hw
    view: np.ndarray = corners(boxes_cxcywh.double()).cpu().numpy() * np.array([width, height, width, height])
    return geometry.boxes_back(view).astype(np.float32)


def _likely(probabilities: Float[Tensor, "q a"]) -> tuple[tuple[int, ...], ...]:
    """Of each box the attributes that are at least half as likely as its likeliest: two that hold share their sum."""
    chosen = probabilities >= probabilities.max(-1, keepdim=True).values / 2
    return tuple(tuple(row.nonzero()[:, 0].tolist()) for row in chosen)
