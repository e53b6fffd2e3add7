"""Loss and prediction of masked words and masked regions in pre-training (ViLBERT, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motet.core import Loss, Masked, Prediction, ScalarPrediction, Target, Task, TextPrediction, WordScores
from motet.losses import cross_entropy
from motet.systems.twelve_in_one.answers import EncodedPairs, PairAnswers
from motet.systems.twelve_in_one.masking import masked_classes_loss, masked_features_loss

WORD, REGION = "word", "region"


def loss_term_names(task: Task) -> tuple[str, ...]:
    """Returns the names of a task's loss terms, which are means over masked words or regions, not over rows."""
    match task.target:
        case Masked("words"):
            return (WORD,)
        case Masked():
            return (REGION,)
        case _:
            return ()


@dataclass(frozen=True)
class MaskedWordAnswers(PairAnswers):
    """Masked words.

    Args:
        head: word states to scores of tokens.
        decode: token ids to a text.
    """

    head: Callable[[Tensor], Tensor]
    decode: Callable[[Sequence[int]], str]

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns a zero loss over rows, and a term over masked words."""
        masked_ids = target.value["masked_ids"][:, 0]
        in_loss = (masked_ids >= 0) & target.value["in_loss"][:, None]
        scores = self.head(encoded.states.text[in_loss])
        return _zero_loss(encoded, target), {WORD: cross_entropy(scores, masked_ids[in_loss])}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns each text with the most likely words in place of the masked ones, and their log-probability."""
        ids, valid = target.value["ids"][:, 0], target.value["attention_mask"][:, 0]
        is_masked = target.value["masked_ids"][:, 0] >= 0
        predictions: list[Prediction] = []
        for row in range(len(ids)):
            scores = self.head(encoded.states.text[row][is_masked[row]]).float().log_softmax(-1)
            best = scores.max(-1)
            filled = ids[row].clone()
            filled[is_masked[row]] = best.indices
            right = target.value["masked_ids"][row, 0][is_masked[row]]
            of_right = float(scores.gather(1, right[:, None]).sum())
            words = WordScores(int((best.indices == right).sum()), len(right), of_right)
            text = self.decode(filled[valid[row]].tolist())
            predictions.append(TextPrediction(text, float(best.values.sum()), words))
        return predictions


@dataclass(frozen=True)
class MaskedRegionAnswers(PairAnswers):
    """Masked regions: their classes or their features.

    Args:
        head: region states to scores of classes, or to features.
        features: True if the targets are features.
    """

    head: Callable[[Tensor], Tensor]
    features: bool

    def losses(self, encoded: EncodedPairs, target: Target) -> tuple[Loss, dict[str, Loss]]:
        """Returns a zero loss over rows, and a term over masked regions."""
        in_loss = self._targets(encoded) & target.value["in_loss"][:, None]
        return _zero_loss(encoded, target), {REGION: self._loss(encoded, in_loss)}

    def predict(self, encoded: EncodedPairs, target: Target) -> list[Prediction]:
        """Returns per row the share of its masked regions' loss that the prediction explains.

        max(-1, 1 - loss / loss of the visible mean): 1 for a perfect prediction, 0 for one that is no better than the
        mean of the visible regions, and 0 for a row without masked regions.
        """
        is_target, mean = self._targets(encoded), self._visible_mean(encoded)
        predictions: list[Prediction] = []
        for row in range(len(target.rows)):
            own = torch.zeros_like(is_target)
            own[row] = is_target[row]
            loss = self._loss(encoded, own).total
            baseline = self._distance(encoded, own, mean[row].expand(int(own.sum()), -1)).total
            explained = 1.0 - float(loss) / float(baseline) if float(baseline) > 0 else 0.0
            predictions.append(ScalarPrediction(max(-1.0, explained)))
        return predictions

    def _visible_mean(self, encoded: EncodedPairs) -> Float[Tensor, "r f"]:
        """Returns the mean of the visible regions: of their features, or log of the mean of their classes."""
        assert encoded.mask is not None  # rows of this task have a mask
        visible = (encoded.regions.valid & ~encoded.mask.zeroed & ~encoded.mask.is_target)[..., None]
        values = encoded.regions.features if self.features else encoded.regions.classes
        assert values is not None  # checked when it was built
        mean: Tensor = (values.float() * visible).sum(1) / visible.sum(1).clamp(min=1)
        return mean if self.features else (mean + 1e-4).log()

    def _targets(self, encoded: EncodedPairs) -> Bool[Tensor, "r n"]:
        assert encoded.mask is not None  # rows of this task have a mask
        return encoded.mask.is_target

    def _loss(self, encoded: EncodedPairs, chosen: Bool[Tensor, "r n"]) -> Loss:
        return self._distance(encoded, chosen, self.head(encoded.states.image[:, 1:][chosen]))

    def _distance(self, encoded: EncodedPairs, chosen: Bool[Tensor, "r n"], scores: Float[Tensor, "w f"]) -> Loss:
        """Returns the loss of predictions for some regions."""
        if self.features:
            return masked_features_loss(scores, encoded.regions.features[chosen])
        assert encoded.regions.classes is not None  # checked when it was built
        return masked_classes_loss(scores, encoded.regions.classes[chosen])


def _zero_loss(encoded: EncodedPairs, target: Target) -> Loss:
    zero = encoded.fused.new_zeros((), dtype=torch.float32)
    return Loss(zero, zero + len(target.rows))
