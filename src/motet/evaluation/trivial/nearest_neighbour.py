"""The answer of the training picture or video that looks most alike, by the frozen encoder's own features."""

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
    """What pictures look like to a system's frozen encoder: a unit vector each, the mean over tokens.

    Of a video these are the tokens of all its frames. Read through the system's processor as in prediction, so features
    that are stored are not encoded again. Pictures that several tasks show are looked at once.

    Args:
        system: in eval mode.
        batch_size: pictures at a time.
        known: by image ids, what was looked at so far.
    """

    system: System
    batch_size: int
    known: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)

    def of(self, task: Task, examples: Sequence[Example]) -> np.ndarray:
        """A row for each Example, (n, d); each rank encodes its part."""
        unseen = {self._key(example): example for example in examples if self._key(example) not in self.known}
        own = own_rows(range(len(unseen)))
        keys, new = list(unseen), dict[tuple[str, ...], np.ndarray]()
        for start in range(0, len(own), self.batch_size):
            part = [keys[place] for place in own[start : start + self.batch_size]]
            new.update(zip(part, self._vectors(task, [unseen[key] for key in part]), strict=True))
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
        """Of pictures or of all frames, stored or encoded now."""
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
    looks: NearestNeighbours, task: Task, train: AnnotatedRows, held_out: AnnotatedRows
) -> dict[str, float]:
    """What the truth of the nearest training picture scores: ``{"nearest neighbour": x}``, or nothing.

    Questions have no such floor, since the neighbour was asked something else; nor have systems without a frozen
    encoder, and rows without a picture.

    Args:
        looks: nearest by the cosine of these.
        task: what is asked.
        train: rows whose truths may be said.
        held_out: rows to answer.
    """
    images = all(example.images for example, _ in [*train, *held_out])
    if looks.system.encoder_key() is None or "text" in task.inputs or not images or not train or not held_out:
        return {}
    said = [answer for _, annotation in train if (answer := annotation_as_prediction(task, annotation)) is not None]
    if len(said) < len(train):
        return {}
    known = looks.of(task, [example for example, _ in train])
    asked = looks.of(task, [example for example, _ in held_out])
    nearest = (asked @ known.T).argmax(axis=1)
    return {"nearest neighbour": score(task, held_out, [said[place] for place in nearest.tolist()])}
