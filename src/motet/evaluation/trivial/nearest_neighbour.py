"""The trivial baseline "nearest neighbour": the annotation of the most similar training image or video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from torch import Tensor

from motet.core import Example, System, Task
from motet.core.ranks import gather
from motet.evaluation.batches import own_rows
from motet.evaluation.trivial.constant_answers import AnnotatedRows, annotation_as_prediction, score


@dataclass
class NearestNeighbours:
    """Feature vectors of images from a system's frozen encoder: the mean over tokens, of length 1.

    For a video it is the mean over the tokens of all frames. Images are read through the system's processor as in
    prediction, so stored features are not encoded again. Images of several tasks are encoded once.

    Args:
        system: in eval mode.
        batch_size: images per batch.
        known: the vectors computed so far, by image ids.
    """

    system: System
    batch_size: int
    known: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)

    def of(self, task: Task, examples: Sequence[Example]) -> np.ndarray:
        """Returns one vector per Example, (n, d); each rank encodes its share."""
        missing = {self._key(example): example for example in examples if self._key(example) not in self.known}
        own = own_rows(range(len(missing)))
        keys, new = list(missing), dict[tuple[str, ...], np.ndarray]()
        for start in range(0, len(own), self.batch_size):
            part = [keys[place] for place in own[start : start + self.batch_size]]
            new.update(zip(part, self._vectors(task, [missing[key] for key in part]), strict=True))
        for part_of_rank in gather(new):
            self.known.update(part_of_rank)
        return np.stack([self.known[self._key(example)] for example in examples])

    def _vectors(self, task: Task, examples: Sequence[Example]) -> np.ndarray:
        processor = self.system.processor
        rows = [processor.row(example, (task,), None) for example in examples]
        inputs = processor.collate(rows, keep_annotations=True).to(next(self.system.parameters()).device).inputs
        mean: np.ndarray = self._tokens(inputs).float().mean(dim=1).cpu().numpy()
        return np.asarray(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12))

    def _tokens(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "b n d"]:
        """Returns the tokens of images or of all frames, stored or encoded now."""
        if "features" in inputs:
            return inputs["features"]
        if "frame_features" in inputs:
            return inputs["frame_features"].flatten(1, 2)  # (b, m n, d)
        if "frames" in inputs:
            tokens = self.system.encode(inputs["frames"].flatten(0, 1))  # (b m, n, d)
            return tokens.reshape(len(inputs["frames"]), -1, tokens.shape[-1])  # (b, m n, d)
        return self.system.encode(inputs["pixels"])

    def _key(self, example: Example) -> tuple[str, ...]:
        return example.image_ids or (example.id,)


def nearest_neighbour_baseline(
    neighbours: NearestNeighbours, task: Task, train: AnnotatedRows, held_out: AnnotatedRows
) -> dict[str, float]:
    """Returns the score of the annotation of the nearest training image, ``{"nearest neighbour": x}``, or nothing.

    Tasks with questions have no such baseline, since the neighbour's question differs; nor have systems without a
    frozen encoder, and rows without an image.

    Args:
        neighbours: the feature vectors; the nearest image has the largest cosine.
        task: the task.
        train: rows whose annotations are predicted.
        held_out: rows to predict.
    """
    images = all(example.images for example, _ in [*train, *held_out])
    if neighbours.system.encoder_key() is None or "text" in task.inputs or not images or not train or not held_out:
        return {}
    predictions = [
        answer for _, annotation in train if (answer := annotation_as_prediction(task, annotation)) is not None
    ]
    if len(predictions) < len(train):
        return {}
    known = neighbours.of(task, [example for example, _ in train])
    queries = neighbours.of(task, [example for example, _ in held_out])
    nearest = (queries @ known.T).argmax(axis=1)
    return {"nearest neighbour": score(task, held_out, [predictions[place] for place in nearest.tolist()])}
