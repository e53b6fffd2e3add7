"""Loss and prediction of each kind of answer (section 3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motet.core import Answer, BoxSet, ClassPrediction, Label, Loss, Match, Prediction, Target, Task
from motet.losses import default_for
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask, iou_px


@dataclass(frozen=True)
class EncodedPairs:
    """The pairs of text and image of one task's rows, as encoded by the two streams.

    Args:
        states: the last states of each pair.
        fused: the joint state of each pair.
        regions: of the images, extra boxes after the detected ones.
        mask: of masked regions; None if nothing is masked.
    """

    states: PairStates
    fused: Float[Tensor, "p e"]
    regions: PaddedRegions
    mask: RegionMask | None = None


class PairAnswers(ABC):
    """Losses and predictions of one task, from the encoded pairs of its rows."""

    @abstractmethod
    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the task's loss over its rows, and its terms."""

    @abstractmethod
    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns one prediction per row."""


@dataclass(frozen=True)
class FusedClassAnswers(PairAnswers):
    """Classification among the names of a `Label` or an `Answer`, from the joint state.

    Args:
        task: a task with such a target.
        head: joint states to scores of names.
        binary: the loss of a `Label` is a binary cross entropy, the mean over names.
    """

    task: Task
    head: Callable[[Tensor], Tensor]
    binary: bool

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns for an `Answer` a binary cross entropy, summed over names; for a `Label` a cross entropy."""
        scores, value = self._scores(encoded, target), target.value
        targets = value["label" if isinstance(self.task.target, Label) else "answers"]
        if self.task.loss is not None:
            return self.task.loss(scores, targets), {}
        if self.binary:
            return binary_label_loss(scores, targets), {}
        return default_for(self.task.target)(scores, targets), {}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns the name with the highest score; scores are log-probabilities, of a softmax or of each name alone."""
        assert isinstance(self.task.target, Label | Answer)  # checked when it was built
        names = self.task.target.names
        scores = self._scores(encoded, target).float()
        exclusive = isinstance(self.task.target, Label) and not self.binary
        scores = scores.log_softmax(-1) if exclusive else F.logsigmoid(scores)
        best = scores.argmax(-1).tolist()
        return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]

    def _scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r k"]:
        # For two images the two joint states of a row are concatenated (equation 4).
        return self.head(encoded.fused.reshape(len(target.rows), -1))


@dataclass(frozen=True)
class MatchAnswers(PairAnswers):
    """Choice among candidates: texts for one image, images for one text, or pairs.

    Args:
        head: joint states to matching scores.
    """

    head: Callable[[Tensor], Tensor]

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the cross entropy among a row's candidates (equation 2); several matches add their probabilities."""
        return candidates_loss(self._scores(encoded, target), target.value["is_match"]), {}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns the candidate with the highest score, and the scores of all candidates, before any softmax."""
        valid = target.value["valid"]
        return _class_predictions(self._scores(encoded, target).float(), valid, target.value.get("names", ()))

    def _scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r c"]:
        valid = target.value["valid"]
        return self.head(encoded.fused)[:, 0].reshape(valid.shape).masked_fill(~valid, -torch.inf)


@dataclass(frozen=True)
class ReferringAnswers(PairAnswers):
    """Referring expressions: one score per region, the whole image among them (equation 3).

    Args:
        head: region states to scores.
        dropout: on the states before the head.
        threshold: an IoU below it counts as 0.
        border_px: see `iou_px`.
    """

    head: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]
    threshold: float
    border_px: float

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the binary cross entropy of each region with its IoU with the target box, summed over regions."""
        value = target.value
        boxes = _boxes_with_image(encoded.regions)
        iou = iou_px(boxes, value["box"][:, None].to(boxes.dtype), self.border_px)[..., 0]
        targets = torch.where((iou < self.threshold) | ~value["is_referred"][:, None], 0.0, iou)
        valid = F.pad(encoded.regions.valid, (1, 0), value=True)
        return regions_loss(self._scores(encoded), targets, valid), {}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:  # noqa: ARG002
        """Returns the box of the region with the highest score, in pixels of the file; it may be the whole image."""
        valid = F.pad(encoded.regions.valid, (1, 0), value=True)
        scores = self._scores(encoded).float().masked_fill(~valid, -torch.inf)
        best, boxes = scores.argmax(-1), _boxes_with_image(encoded.regions)
        return [
            BoxSet(boxes[row, i][None].float().cpu().numpy(), np.zeros(1, dtype=np.int64), _confidence(scores[row, i]))
            for row, i in enumerate(best.tolist())
        ]

    def _scores(self, encoded: EncodedPairs) -> Float[Tensor, "r n"]:
        return self.head(self.dropout(encoded.states.image))[..., 0]


@dataclass(frozen=True)
class PointingAnswers(PairAnswers):
    """Pointing: one score per candidate box.

    Args:
        head: region states to scores.
        dropout: on the states before the head.
    """

    head: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the binary cross entropy of each candidate with its IoU with a match, summed over candidates."""
        return regions_loss(self._scores(encoded, target), target.value["iou"], target.value["valid"]), {}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns the candidate with the highest score, and the log-probability of each candidate to be a match."""
        valid = target.value["valid"]
        scores = F.logsigmoid(self._scores(encoded, target).float()).masked_fill(~valid, -torch.inf)
        return _class_predictions(scores, valid)

    def _scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r e"]:
        num_candidates = target.value["valid"].shape[1]
        return self.head(self.dropout(encoded.states.image[:, -num_candidates:]))[..., 0]


def binary_label_loss(scores: Float[Tensor, "r k"], index: Tensor) -> Loss:
    """Returns a binary cross entropy per name, the mean over names: the official loss of NLVR2 and SNLI-VE."""
    targets = F.one_hot(index, scores.shape[-1]).to(torch.float32)
    total = F.binary_cross_entropy_with_logits(scores.float(), targets, reduction="none").mean(-1).sum()
    return Loss(total, _count(scores))


def candidates_loss(scores: Float[Tensor, "r c"], is_match: Bool[Tensor, "r c"]) -> Loss:
    """Returns -log of the softmax probability of the matching candidates; a row without any adds zero and counts one.

    Examples:
        >>> loss = candidates_loss(torch.zeros(2, 4), torch.tensor([[True, False, False, False], [False] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    log_probs = scores.float().log_softmax(-1)
    has_match = is_match.any(-1)
    total = -log_probs[has_match].masked_fill(~is_match[has_match], -torch.inf).logsumexp(-1).sum()
    return Loss(total, _count(scores))


def regions_loss(scores: Float[Tensor, "r n"], targets: Float[Tensor, "r n"], valid: Bool[Tensor, "r n"]) -> Loss:
    """Returns the binary cross entropy of every region with its IoU, summed over regions; a row counts one."""
    entropies = F.binary_cross_entropy_with_logits(scores.float(), targets.float(), reduction="none")
    return Loss(torch.where(valid, entropies, 0.0).sum(), _count(scores))


def _boxes_with_image(regions: PaddedRegions) -> Float[Tensor, "r n 4"]:
    """Returns all boxes in pixels of the file, that of the whole image first."""
    whole = regions.boxes_xyxy.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(len(regions.boxes_xyxy), 1, 4)
    return regions.in_pixels(torch.cat([whole, regions.boxes_xyxy], dim=1))


def _class_predictions(
    scores: Float[Tensor, "r c"], valid: Bool[Tensor, "r c"], names: Sequence[Sequence[str]] = ()
) -> list[Prediction]:
    predictions: list[Prediction] = []
    for index, (row, is_candidate) in enumerate(zip(scores, valid, strict=True)):
        best = int(row.argmax())
        name = names[index][best] if names else ""
        predictions.append(ClassPrediction(best, name, tuple(row[is_candidate].tolist())))
    return predictions


def _confidence(score: Tensor) -> np.ndarray:
    confidence: np.ndarray = score.sigmoid()[None].cpu().numpy()
    return confidence


def _count(scores: Tensor) -> Tensor:
    return torch.tensor(float(len(scores)), device=scores.device)


def is_image_text_match(task: Task) -> bool:
    """Returns True for a task that matches texts and images."""
    return isinstance(task.target, Match) and task.target.among != "regions"
