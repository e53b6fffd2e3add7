"""Prediction of words: states of special tokens compared with every token of the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Loss, Task
from motet.losses import cross_entropy
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.target_features import TargetFeatures
from motet.systems.uni_perceiver.targets import family_of


@dataclass(frozen=True)
class Vocabulary:
    """Scores the words of the vocabulary; word i of it is token id i + 1, since padding is no word.

    Args:
        similarity: of the model.
        targets: of the model.
    """

    similarity: Similarity
    targets: TargetFeatures

    def scores(self, task: Task, states: Float[Tensor, "w d"]) -> Float[Tensor, "w v"]:
        """Returns the score of every word for each state."""
        return self.similarity.scores(self.similarity.features(states), self.targets.words(task), family_of(task))

    def loss(self, task: Task, states: Float[Tensor, "w d"], ids: Int[Tensor, "w"]) -> Loss:
        """Returns the cross entropy of the right token ids, each state counting one."""
        targets, index = self.targets.words_with(task, ids)
        scores = self.similarity.scores(self.similarity.features(states), targets, family_of(task))
        return cross_entropy(scores, index)
