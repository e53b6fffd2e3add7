"""Loss and prediction of each kind of answer (section 3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motet.core import Answer, BoxSet, Label, Loss, Prediction, Target, Task
from motet.losses import candidates_loss, default_for, row_count
from motet.systems.base import candidate_predictions, class_predictions
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


class ScoredAnswers(PairAnswers):
    """Answers whose predictions are made of one tensor of scores."""

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        return self.predictions(self.scores(encoded, target), encoded.regions, target)

    @abstractmethod
    def scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r k"]:
        """Returns the scores before padding is left out."""

    @abstractmethod
    def predictions(self, scores: Float[Tensor, "r k"], regions: PaddedRegions, target: Target) -> list[Prediction]:
        """Returns one prediction per row; reads no weight.

        Args:
            scores: see `scores`.
            regions: of the images; only boxes and sizes are read.
            target: of the task.
        """


@dataclass(frozen=True)
class FusedClassAnswers(ScoredAnswers):
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

    def scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r k"]:
        """Returns log-probabilities of the names, of a softmax or of each name alone."""
        scores = self._scores(encoded, target).float()
        exclusive = isinstance(self.task.target, Label) and not self.binary
        return scores.log_softmax(-1) if exclusive else F.logsigmoid(scores)

    def predictions(self, scores: Float[Tensor, "r k"], regions: PaddedRegions, target: Target) -> list[Prediction]:
        """Returns the name with the highest score."""
        del regions, target
        assert isinstance(self.task.target, Label | Answer)  # checked when it was built
        return class_predictions(scores, self.task.target.names)

    def _scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r k"]:
        # For two images the two joint states of a row are concatenated (equation 4).
        return self.head(encoded.fused.reshape(len(target.rows), -1))


@dataclass(frozen=True)
class MatchAnswers(ScoredAnswers):
    """Choice among candidates: texts for one image, images for one text, or pairs.

    Args:
        head: joint states to matching scores.
    """

    head: Callable[[Tensor], Tensor]

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the cross entropy among a row's candidates (equation 2); several matches add their probabilities."""
        scores = self._of_candidates(self.scores(encoded, target), target)
        return candidates_loss(scores, target.value["is_match"]), {}

    def scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r c"]:
        """Returns the score of each candidate."""
        return self.head(encoded.fused)[:, 0].reshape(target.value["valid"].shape)

    def predictions(self, scores: Float[Tensor, "r c"], regions: PaddedRegions, target: Target) -> list[Prediction]:
        """Returns the candidate with the highest score, and the scores of all candidates, before any softmax."""
        del regions
        scores = self._of_candidates(scores, target).float()
        return candidate_predictions(scores, target.value["valid"], target.value.get("names", ()))

    @staticmethod
    def _of_candidates(scores: Float[Tensor, "r c"], target: Target) -> Float[Tensor, "r c"]:
        return scores.masked_fill(~target.value["valid"], -torch.inf)


@dataclass(frozen=True)
class ReferringAnswers(ScoredAnswers):
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
        boxes = encoded.regions.boxes_px()
        iou = iou_px(boxes, value["box"][:, None].to(boxes.dtype), self.border_px)[..., 0]
        targets = torch.where((iou < self.threshold) | ~value["is_referred"][:, None], 0.0, iou)
        valid = F.pad(encoded.regions.valid, (1, 0), value=True)
        return regions_loss(self.scores(encoded, target), targets, valid), {}

    def scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r n"]:
        """Returns the score of each region, the whole image first."""
        del target
        return self.head(self.dropout(encoded.states.image))[..., 0]

    def predictions(self, scores: Float[Tensor, "r n"], regions: PaddedRegions, target: Target) -> list[Prediction]:
        """Returns the box of the region with the highest score, in pixels of the file; it may be the whole image."""
        del target
        valid = F.pad(regions.valid, (1, 0), value=True)
        scores = scores.float().masked_fill(~valid, -torch.inf)
        best, boxes = scores.argmax(-1), regions.boxes_px()
        return [
            BoxSet(boxes[row, i][None].float().cpu().numpy(), np.zeros(1, dtype=np.int64), _confidence(scores[row, i]))
            for row, i in enumerate(best.tolist())
        ]


@dataclass(frozen=True)
class PointingAnswers(ScoredAnswers):
    """Pointing: one score per candidate box.

    Args:
        head: region states to scores.
        dropout: on the states before the head.
    """

    head: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns the binary cross entropy of each candidate with its IoU with a match, summed over candidates."""
        return regions_loss(self.scores(encoded, target), target.value["iou"], target.value["valid"]), {}

    def scores(self, encoded: EncodedPairs, target: Target) -> Float[Tensor, "r e"]:
        """Returns the score of each candidate, the last of the regions."""
        num_candidates = target.value["valid"].shape[1]
        return self.head(self.dropout(encoded.states.image[:, -num_candidates:]))[..., 0]

    def predictions(self, scores: Float[Tensor, "r e"], regions: PaddedRegions, target: Target) -> list[Prediction]:
        """Returns the candidate with the highest score, and the log-probability of each candidate to be a match."""
        del regions
        return candidate_predictions(F.logsigmoid(scores.float()), target.value["valid"])


def binary_label_loss(scores: Float[Tensor, "r k"], index: Tensor) -> Loss:
    """Returns a binary cross entropy per name, the mean over names: the official loss of NLVR2 and SNLI-VE."""
    targets = F.one_hot(index, scores.shape[-1]).to(torch.float32)
    total = F.binary_cross_entropy_with_logits(scores.float(), targets, reduction="none").mean(-1).sum()
    return Loss(total, row_count(scores))


def regions_loss(scores: Float[Tensor, "r n"], targets: Float[Tensor, "r n"], valid: Bool[Tensor, "r n"]) -> Loss:
    """Returns the binary cross entropy of every region with its IoU, summed over regions; a row counts one."""
    entropies = F.binary_cross_entropy_with_logits(scores.float(), targets.float(), reduction="none")
    return Loss(torch.where(valid, entropies, 0.0).sum(), row_count(scores))


def _confidence(score: Tensor) -> np.ndarray:
    confidence: np.ndarray = score.sigmoid()[None].cpu().numpy()
    return confidence
