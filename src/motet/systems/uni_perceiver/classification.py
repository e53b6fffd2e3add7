"""Classification: an input compared with the names of a task's classes or answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import Answer, Batch, Label, Loss, Prediction, Target, Task
from motet.losses import soft_cross_entropy
from motet.nn.parameter_names import parameter_name
from motet.systems.base import class_predictions
from motet.systems.uni_perceiver.answers import smoothed_loss
from motet.systems.uni_perceiver.encoder import Encoded, UnifiedEncoder
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.mixup import mix
from motet.systems.uni_perceiver.options import LossConfig
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.target_features import TargetFeatures
from motet.systems.uni_perceiver.targets import Family, family_of


@dataclass(frozen=True)
class NamePredictor:
    """Predicts the class or answer of a row among the names of its task.

    Args:
        inputs: of the model.
        encoder: of the model.
        similarity: of the model.
        targets: of the model.
        class_scores: further linear scores of a task's names, for prompt tuning.
        linear: further linear scores of a task's names on the trunk's mean features, which start as a linear probe.
        similarity_weights: factors of the similarities beside these two.
        config: smoothing and mixup.
    """

    inputs: InputSequences
    encoder: UnifiedEncoder
    similarity: Similarity
    targets: TargetFeatures
    class_scores: nn.ModuleDict
    linear: nn.ModuleDict
    similarity_weights: nn.ParameterDict
    config: LossConfig

    def loss(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, Encoded]:
        """Returns a task's loss over its rows, and the encoded inputs."""
        if self.encoder.training and task.name in self.config.mixup_tasks:
            batch, target = mix(batch, target, len(self.targets.ids[task.name]), self.config)
        scores, encoded = self.scores(task, batch, target)
        return self._loss(task, scores, target.value), encoded

    def predict(self, task: Task, batch: Batch, target: Target) -> list[Prediction]:
        """Returns the most likely name of each row, with the log-probabilities of all."""
        assert isinstance(task.target, Label | Answer)  # `check_supported`
        log_probs = self.scores(task, batch, target)[0].float().log_softmax(-1)
        return class_predictions(log_probs, task.target.names)

    def scores(self, task: Task, batch: Batch, target: Target) -> tuple[Float[Tensor, "r k"], Encoded]:
        """Returns the scores of every name, and the encoded inputs."""
        own = parameter_name(task.name)
        images = self.inputs.trunk_features(batch, target.rows) if own in self.linear else None
        sequences = self.inputs.of_task(task, batch, target, images)
        encoded = self.encoder(sequences)
        place = torch.zeros(len(sequences.x), dtype=torch.long, device=sequences.x.device)
        if "text" in task.inputs:
            # The special token behind the text, the last real one, predicts the answer.
            assert sequences.valid is not None
            place = sequences.valid.sum(1) - 1
        state = encoded.states[torch.arange(len(place), device=place.device), place]
        features = self.similarity.features(state)
        scores = self.similarity.scores(features, self.targets.names(task), family_of(task))
        if own in self.similarity_weights:
            scores = self.similarity_weights[own] * scores
        if own in self.class_scores:
            scores = scores + self.class_scores[own](self.similarity.norm(state))
        if images is not None:
            with torch.autocast(images.device.type, enabled=False):  # it starts as a probe that was fitted in 64 bits
                scores = scores.float() + self.linear[own](images.float().mean((1, 2)))
        return scores, encoded

    def _loss(self, task: Task, scores: Float[Tensor, "r k"], value: Mapping[str, Any]) -> Loss:
        classes = value["label" if isinstance(task.target, Label) else "answers"]
        if task.loss is not None:
            return task.loss(scores, classes)
        if isinstance(task.target, Answer) or classes.is_floating_point():
            return soft_cross_entropy(scores, classes)
        visual = family_of(task) in (Family.IMAGE_CLASS, Family.VIDEO_CLASS)
        return smoothed_loss(scores, classes, self.config.smoothing if visual else 0.0)
