"""Each kind of answer: its loss, and its prediction in the task's own space (section 3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motet.core import Answer, BoxSet, ClassPrediction, Label, Loss, Match, Prediction, Region, Target, Task
from motet.losses import default_for
from motet.systems.twelve_in_one.body import States
from motet.systems.twelve_in_one.regions import Hidden, PaddedRegions, overlaps_px


@dataclass(frozen=True)
class Read:
    """What the two streams made of one task's rows.

    Args:
        states: the last ones, of each row's pairs of a text and an image.
        fused: of each pair.
        seen: the regions of each row's picture, those that were given behind those that were found.
        hidden: what was hidden of them; None for nothing.
    """

    states: States
    fused: Float[Tensor, "p e"]
    seen: PaddedRegions
    hidden: Hidden | None = None


class Answers(ABC):
    """From what was read of one task's rows to its losses and its predictions."""

    @abstractmethod
    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """The task's loss over its rows, and its terms."""

    @abstractmethod
    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """One answer a row."""


@dataclass(frozen=True)
class Choices(Answers):
    """One of the names.

    Args:
        task: whose.
        head: scores of names.
        binary: a `Label` learns one yes or no for each name, the mean over names.
    """

    task: Task
    head: Callable[[Tensor], Tensor]
    binary: bool

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Of an `Answer` the sum over names of a binary cross entropy; of a `Label` a cross entropy."""
        scores, value = self._scores(read, target), target.value
        wanted = value["label" if isinstance(self.task.target, Label) else "answers"]
        if self.task.loss is not None:
            return self.task.loss(scores, wanted), {}
        if self.binary:
            return binary_label(scores, wanted), {}
        return default_for(self.task.target)(scores, wanted), {}

    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """The name of the highest score; scores are log-probabilities, of one among names or of each."""
        assert isinstance(self.task.target, Label | Answer)  # held since it was built
        names = self.task.target.names
        scores = self._scores(read, target).float()
        one_of_them = isinstance(self.task.target, Label) and not self.binary
        scores = scores.log_softmax(-1) if one_of_them else F.logsigmoid(scores)
        best = scores.argmax(-1).tolist()
        return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]

    def _scores(self, read: Read, target: Target) -> Float[Tensor, "r k"]:
        # Of two pictures the two fused states of a row stand one behind the other (equation 4).
        return self.head(read.fused.reshape(len(target.rows), -1))


@dataclass(frozen=True)
class Fits(Answers):
    """The candidate that fits: a text for a picture, a picture for a text, or a pair.

    Args:
        head: how well text and image fit.
    """

    head: Callable[[Tensor], Tensor]

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Cross entropy among a row's candidates (equation 2); of several right ones, of their sum."""
        return one_of_candidates(self._scores(read, target), target.value["right"]), {}

    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """The best candidate, and every real one's score, each alone."""
        real = target.value["real"]
        scores = self._scores(read, target).float().masked_fill(~real, -torch.inf)
        return _choices(scores, real, target.value.get("names", ()))

    def _scores(self, read: Read, target: Target) -> Float[Tensor, "r c"]:
        real = target.value["real"]
        return self.head(read.fused)[:, 0].reshape(real.shape).masked_fill(~real, -torch.inf)


@dataclass(frozen=True)
class Places(Answers):
    """A score for each region: the place a phrase means (equation 3).

    Args:
        head: scores of regions.
        dropout: on states before it.
        threshold: overlaps below it count as none.
        border_px: see `overlaps_px`.
    """

    head: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]
    threshold: float
    border_px: float

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Binary cross entropy of each region with its overlap with the truth, summed over regions."""
        value = target.value
        boxes = _with_whole(read.seen)
        overlap = overlaps_px(boxes, value["box"][:, None].to(boxes.dtype), self.border_px)[..., 0]
        wanted = torch.where((overlap < self.threshold) | ~value["meant"][:, None], 0.0, overlap)
        valid = F.pad(read.seen.valid, (1, 0), value=True)
        return binary_places(self._scores(read), wanted, valid), {}

    def predict(self, read: Read, target: Target) -> list[Prediction]:  # noqa: ARG002  regions say it all
        """The best region's box, in pixels of the file; the whole picture is one of them."""
        valid = F.pad(read.seen.valid, (1, 0), value=True)
        scores = self._scores(read).float().masked_fill(~valid, -torch.inf)
        best, boxes = scores.argmax(-1), _with_whole(read.seen)
        return [
            BoxSet(boxes[row, i][None].float().cpu().numpy(), np.zeros(1, dtype=np.int64), _sure(scores[row, i]))
            for row, i in enumerate(best.tolist())
        ]

    def _scores(self, read: Read) -> Float[Tensor, "r n"]:
        return self.head(self.dropout(read.states.image))[..., 0]


@dataclass(frozen=True)
class Points(Answers):
    """A score for each of some given boxes: which of them is meant.

    Args:
        head: scores of regions.
        dropout: on states before it.
    """

    head: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Binary cross entropy of each candidate with its overlap with a right one, summed over candidates."""
        real = target.value["real"]
        return binary_places(self._scores(read, target), target.value["wanted"], real), {}

    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """The best candidate, and every one's score, its log-probability of being right."""
        real = target.value["real"]
        scores = F.logsigmoid(self._scores(read, target).float()).masked_fill(~real, -torch.inf)
        return _choices(scores, real)

    def _scores(self, read: Read, target: Target) -> Float[Tensor, "r e"]:
        given = target.value["real"].shape[1]
        return self.head(self.dropout(read.states.image[:, -given:]))[..., 0]


def binary_label(scores: Float[Tensor, "r k"], index: Tensor) -> Loss:
    """One yes or no for each name, the mean over names: how the official code learns NLVR2 and SNLI-VE."""
    wanted = F.one_hot(index, scores.shape[-1]).to(torch.float32)
    total = F.binary_cross_entropy_with_logits(scores.float(), wanted, reduction="none").mean(-1).sum()
    return Loss(total, _count(scores))


def one_of_candidates(scores: Float[Tensor, "r c"], right: Bool[Tensor, "r c"]) -> Loss:
    """-log of the right candidates' part of a softmax; a row counts one, and adds nothing where none is right.

    Examples:
        >>> loss = one_of_candidates(torch.zeros(2, 4), torch.tensor([[True, False, False, False], [False] * 4]))
        >>> round(float(loss.total), 4), float(loss.weight)
        (1.3863, 2.0)
    """
    log_probs = scores.float().log_softmax(-1)
    some = right.any(-1)
    total = -log_probs[some].masked_fill(~right[some], -torch.inf).logsumexp(-1).sum()
    return Loss(total, _count(scores))


def binary_places(scores: Float[Tensor, "r n"], wanted: Float[Tensor, "r n"], valid: Bool[Tensor, "r n"]) -> Loss:
    """Binary cross entropy of every region with its overlap, summed over regions; a row counts one."""
    apart = F.binary_cross_entropy_with_logits(scores.float(), wanted.float(), reduction="none")
    return Loss(torch.where(valid, apart, 0.0).sum(), _count(scores))


def _with_whole(seen: PaddedRegions) -> Float[Tensor, "r n 4"]:
    """All boxes in pixels of the file, that of the whole picture in front."""
    whole = seen.boxes_xyxy.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(len(seen.boxes_xyxy), 1, 4)
    return seen.in_pixels(torch.cat([whole, seen.boxes_xyxy], dim=1))


def _choices(
    scores: Float[Tensor, "r c"], real: Bool[Tensor, "r c"], names: Sequence[Sequence[str]] = ()
) -> list[Prediction]:
    found: list[Prediction] = []
    for place, (row, valid) in enumerate(zip(scores, real, strict=True)):
        best = int(row.argmax())
        found.append(ClassPrediction(best, names[place][best] if names else "", tuple(row[valid].tolist())))
    return found


def _sure(score: Tensor) -> np.ndarray:
    found: np.ndarray = score.sigmoid()[None].cpu().numpy()
    return found


def _count(scores: Tensor) -> Tensor:
    return torch.tensor(float(len(scores)), device=scores.device)


def is_fit(task: Task) -> bool:
    """Whether a task is answered by how well texts and images fit."""
    return isinstance(task.target, Match) and task.target.among != "regions"


def is_place(task: Task) -> bool:
    """Whether a task is answered by a place in a picture."""
    return isinstance(task.target, Region) or task.target == Match("regions")
