"""Matching of images with texts: both sides encoded apart and compared."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Batch, Loss, Prediction, Target, Task
from motet.core.ranks import gather, rank
from motet.losses import candidates_loss
from motet.systems.base import candidate_predictions
from motet.systems.uni_perceiver.encoder import Encoded, UnifiedEncoder
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.retrieval import MatchedPairs, in_batch_loss
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.target_features import TargetFeatures
from motet.systems.uni_perceiver.targets import Family
from motet.systems.uni_perceiver.token_kinds import target_kind


@dataclass(frozen=True)
class Matcher:
    """Scores pairs of an image or a video and a text.

    Args:
        inputs: of the model.
        encoder: of the model.
        similarity: of the model.
        targets: of the model.
        smoothing: of labels.
        all_ranks: pairs are compared in training with those of all ranks, which then must all call `loss`.
    """

    inputs: InputSequences
    encoder: UnifiedEncoder
    similarity: Similarity
    targets: TargetFeatures
    smoothing: float
    all_ranks: bool = False

    def loss(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, Encoded]:
        """Returns a task's loss over its rows, and the encoded images.

        Args:
            task: a `Match`.
            batch: rows with candidates, or pairs that are compared with each other.
            target: of the task.
        """
        value = target.value
        if "correct" in value:
            scores, encoded = self._candidate_scores(task, batch, target)
            scores = scores.masked_fill(~value["real"], -torch.inf)
            return candidates_loss(scores, value["correct"]), encoded
        images, encoded = self.encoded_images(task, self.inputs.image_tokens(batch, target.rows))
        own = MatchedPairs.of(images, self.text_features(task, value["ids"][:, 0]), value)
        among, first = own, 0
        if self.all_ranks and self.encoder.training:
            first = sum(gather(len(images))[: rank()])
            among = own.gathered()
        return in_batch_loss(own, among, first, self.similarity.scale(Family.MATCH), self.smoothing), encoded

    def predict(self, task: Task, batch: Batch, target: Target) -> list[Prediction]:
        """Returns the best candidate of each row."""
        scores = self._candidate_scores(task, batch, target)[0]
        return candidate_predictions(scores, target.value["real"], target.value.get("names", ()))

    def image_features(self, task: Task, batch: Batch) -> Float[Tensor, "b d"]:
        """Returns features of the images or videos of all rows."""
        every = torch.arange(len(batch), device=self.inputs.embedding.device)
        return self.encoded_images(task, self.inputs.image_tokens(batch, every))[0]

    def text_features(self, task: Task, ids: Int[Tensor, "b t"]) -> Float[Tensor, "b d"]:
        """Returns features of texts."""
        return self.targets.texts(ids, target_kind(task))

    def scores(self, images: Float[Tensor, "i d"], texts: Float[Tensor, "t d"]) -> Float[Tensor, "i t"]:
        """Returns the score of every image with every text."""
        return self.similarity.scores(images, texts, Family.MATCH)

    def encoded_images(self, task: Task, tokens: Float[Tensor, "r n d"]) -> tuple[Float[Tensor, "r d"], Encoded]:
        """Returns features of images or videos of embedded tokens, and all encoded tokens."""
        encoded = self.encoder(self.inputs.of_images(task, tokens))
        return self.similarity.features(encoded.states[:, 0]), encoded

    def _candidate_scores(self, task: Task, batch: Batch, target: Target) -> tuple[Float[Tensor, "r c"], Encoded]:
        """Returns the scores of each row's candidates, pairs of one of its texts and one of its images."""
        value, rows = target.value, target.rows
        first, encoded = self.encoded_images(task, self.inputs.image_tokens(batch, rows))
        images = first[:, None]
        if "more_images" in value:
            more = value["more_images"]
            tokens = self.inputs.embed_images(more.flatten(0, 1)[:, None], stored=more.ndim == 4)
            images = torch.cat([images, self.encoded_images(task, tokens)[0].view(*more.shape[:2], -1)], 1)
        ids = value["ids"]
        different, back = torch.unique(ids.flatten(0, 1), dim=0, return_inverse=True)
        texts = self.text_features(task, different)[back].view(*ids.shape[:2], -1)
        at = torch.arange(len(rows), device=texts.device)[:, None]
        pairs = texts[at, value["text_index"]] * images[at, value["image_index"]]
        return self.similarity.scale(Family.MATCH) * pairs.sum(-1), encoded
