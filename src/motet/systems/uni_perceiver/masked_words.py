"""Masked language modelling: the masked words of a text predicted from the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from motet.core import Batch, Loss, Prediction, Target, Task
from motet.preprocess.tokenizers import Tokenizer
from motet.systems.uni_perceiver.answers import masked_text_predictions
from motet.systems.uni_perceiver.encoder import Encoded, UnifiedEncoder
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.vocabulary import Vocabulary


@dataclass(frozen=True)
class MaskedWordPredictor:
    """Predicts the masked words of texts.

    Args:
        inputs: of the model.
        encoder: of the model.
        vocabulary: of the model.
        tokenizer: of the model.
    """

    inputs: InputSequences
    encoder: UnifiedEncoder
    vocabulary: Vocabulary
    tokenizer: Tokenizer

    def loss(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, Encoded]:
        """Returns the loss over masked words, and the encoded inputs."""
        states, encoded, masked = self.states(task, batch, target)
        return self.vocabulary.loss(task, states, target.value["masked_ids"][masked]), encoded

    def predict(self, task: Task, batch: Batch, target: Target) -> list[Prediction]:
        """Returns each text with its most likely words in the masked places."""
        states, _, masked = self.states(task, batch, target)
        scores = self.vocabulary.scores(task, states)
        right = target.value["masked_ids"][masked]
        return masked_text_predictions(target.value["ids"][:, 0], masked, scores, self.tokenizer.decode, right)

    def states(
        self, task: Task, batch: Batch, target: Target
    ) -> tuple[Float[Tensor, "w d"], Encoded, Bool[Tensor, "r t"]]:
        """Returns the states of masked words, the encoded inputs, and where in the texts the masked words are."""
        encoded = self.encoder(self.inputs.of_task(task, batch, target))
        masked = target.value["masked_ids"] >= 0
        return encoded.states[:, -masked.shape[1] :][masked], encoded, masked
