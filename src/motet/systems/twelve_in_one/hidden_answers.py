"""What is hidden in pre-training: its loss, and what is told of it (ViLBERT, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motet.core import Loss, Masked, Prediction, ScalarPrediction, Target, Task, TextPrediction
from motet.systems.twelve_in_one.answers import Answers, Read
from motet.systems.twelve_in_one.pretrain import classes_loss, features_loss, words_loss

WORD, REGION = "word", "region"


def terms_of(task: Task) -> tuple[str, ...]:
    """The names of a task's parts of a loss that are means over something other than rows."""
    match task.target:
        case Masked("words"):
            return (WORD,)
        case Masked():
            return (REGION,)
        case _:
            return ()


@dataclass(frozen=True)
class HiddenWords(Answers):
    """The words that are hidden.

    Args:
        head: scores of pieces.
        words: pieces to a text.
    """

    head: Callable[[Tensor], Tensor]
    words: Callable[[Sequence[int]], str]

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Nothing by rows; a term by hidden words."""
        told = target.value["told"][:, 0]
        counts = (told >= 0) & target.value["learned"][:, None]
        scores = self.head(read.states.text[counts])
        return _by_rows(read, target), {WORD: words_loss(scores, told[counts])}

    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """Each text with the likeliest words in place of the hidden ones, and their log-probability."""
        told, ids = target.value["told"][:, 0], target.value["ids"][:, 0]
        hidden, valid = told >= 0, target.value["read"][:, 0]
        found: list[Prediction] = []
        for row in range(len(told)):
            scores = self.head(read.states.text[row][hidden[row]]).float().log_softmax(-1)
            best = scores.max(-1)
            pieces = ids[row].clone()
            pieces[hidden[row]] = best.indices
            found.append(TextPrediction(self.words(pieces[valid[row]].tolist()), float(best.values.sum())))
        return found


@dataclass(frozen=True)
class HiddenRegions(Answers):
    """What the hidden regions are.

    Args:
        head: scores of classes, or features.
        features: which of the two.
    """

    head: Callable[[Tensor], Tensor]
    features: bool

    def losses(self, read: Read, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Nothing by rows; a term by hidden regions."""
        return _by_rows(read, target), {REGION: self._loss(read, self._told(read) & target.value["learned"][:, None])}

    def predict(self, read: Read, target: Target) -> list[Prediction]:
        """How much of a row's hidden regions is told: 1 for all, 0 for no more than the mean of those in sight tells.

        1 - loss / loss of the mean, -1 at least
        """
        told, mean = self._told(read), self._mean(read)
        found: list[Prediction] = []
        for row in range(len(target.rows)):
            own = torch.zeros_like(told)
            own[row] = told[row]
            loss, baseline = (
                self._loss(read, own).total,
                self._off(read, own, mean[row].expand(int(own.sum()), -1)).total,
            )
            found.append(
                ScalarPrediction(max(-1.0, 1.0 - float(loss) / float(baseline)) if float(baseline) > 0 else 0.0)
            )
        return found

    def _mean(self, read: Read) -> Float[Tensor, "r f"]:
        """What the regions in sight are on average: features, or log-probabilities of classes."""
        assert read.hidden is not None  # a pass of this task hides something
        seen = (read.seen.valid & ~read.hidden.gone & ~read.hidden.told)[..., None]
        values = read.seen.features if self.features else read.seen.classes
        assert values is not None  # held since it was built
        mean: Tensor = (values.float() * seen).sum(1) / seen.sum(1).clamp(min=1)
        return mean if self.features else (mean + 1e-4).log()

    def _told(self, read: Read) -> Bool[Tensor, "r n"]:
        assert read.hidden is not None  # a pass of this task hides something
        return read.hidden.told

    def _loss(self, read: Read, told: Bool[Tensor, "r n"]) -> Loss:
        return self._off(read, told, self.head(read.states.image[:, 1:][told]))

    def _off(self, read: Read, told: Bool[Tensor, "r n"], scores: Float[Tensor, "w f"]) -> Loss:
        """How far what is said of some regions is from what they are."""
        if self.features:
            return features_loss(scores, read.seen.features[told])
        assert read.seen.classes is not None  # held since it was built
        return classes_loss(scores, read.seen.classes[told])


def _by_rows(read: Read, target: Target) -> Loss:
    nothing = read.fused.new_zeros((), dtype=torch.float32)
    return Loss(nothing, nothing + len(target.rows))
