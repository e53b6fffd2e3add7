"""Feature vectors of images, videos and texts from a system's pretrained encoders, for the trivial baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from motet.core import ConfigError, Example, System, Task
from motet.core.ranks import gather
from motet.evaluation.batches import own_rows

T = TypeVar("T")


@dataclass
class PretrainedFeatures:
    """The mean over tokens of what a system's pretrained encoders return, with their weights of before the training.

    Trained weights would make a baseline of the run's own result. For a video it is the mean over the tokens of all
    frames. Images are read through the system's processor as in prediction, so stored features are not encoded again.
    What several tasks share is encoded once; each rank encodes its share.

    Args:
        system: in eval mode.
        batch_size: images or texts per batch.
        failures: errors of encoders that could not be built again.
    """

    system: System
    batch_size: int
    failures: list[str] = field(default_factory=list)
    _images: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)
    _texts: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def has_images(self) -> bool:
        """True if there is a pretrained encoder of images."""
        return self._encode is not None

    @property
    def has_texts(self) -> bool:
        """True if there is a pretrained encoder of texts."""
        return self._text_vectors is not None

    def of_images(self, task: Task, examples: Sequence[Example]) -> Float[np.ndarray, "n d"]:
        """Returns one vector per Example, of its image or video."""
        missing = {self._key(example): example for example in examples if self._key(example) not in self._images}
        keys = list(missing)
        self._encode_missing(keys, self._images, lambda part: self._vectors(task, [missing[key] for key in part]))
        return np.stack([self._images[self._key(example)] for example in examples])

    def of_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Returns one vector per text."""
        vectors = self._text_vectors
        assert vectors is not None
        # Texts of similar lengths make batches with little padding.
        missing = sorted({text for text in texts if text not in self._texts}, key=lambda text: (len(text), text))
        self._encode_missing(missing, self._texts, lambda part: vectors(part).float().cpu().numpy())
        return np.stack([self._texts[text] for text in texts])

    def _encode_missing(
        self, keys: Sequence[T], known: dict[T, np.ndarray], encode: Callable[[Sequence[T]], np.ndarray]
    ) -> None:
        own, new = own_rows(range(len(keys))), dict[T, np.ndarray]()
        for start in range(0, len(own), self.batch_size):
            part = [keys[place] for place in own[start : start + self.batch_size]]
            new.update(zip(part, encode(part), strict=True))
        for part_of_rank in gather(new):
            known.update(part_of_rank)

    @cached_property
    def _encode(self) -> Callable[[Tensor], Tensor] | None:
        return self._or_failure(self.system.pretrained_encoder)

    @cached_property
    def _text_vectors(self) -> Callable[[Sequence[str]], Tensor] | None:
        return self._or_failure(self.system.pretrained_text_vectors)

    def _or_failure(self, build: Callable[[], T | None]) -> T | None:
        """Returns what is built, or None where its weights cannot be had now: a run's report is worth more."""
        try:
            return build()
        except ConfigError as error:
            self.failures.append(str(error))
            return None

    def _vectors(self, task: Task, examples: Sequence[Example]) -> np.ndarray:
        processor = self.system.processor
        rows = [processor.row(example, (task,), None) for example in examples]
        inputs = processor.collate(rows, keep_annotations=True).to(next(self.system.parameters()).device).inputs
        mean: np.ndarray = self._tokens(inputs).float().mean(dim=1).cpu().numpy()
        return mean

    def _tokens(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "b n d"]:
        """Returns the tokens of images or of all frames, stored or encoded now."""
        encode = self._encode
        assert encode is not None
        if "features" in inputs:
            return inputs["features"]
        if "frame_features" in inputs:
            return inputs["frame_features"].flatten(1, 2)  # (b, m n, d)
        if "frames" in inputs:
            tokens = encode(inputs["frames"].flatten(0, 1))  # (b m, n, d)
            return tokens.reshape(len(inputs["frames"]), -1, tokens.shape[-1])  # (b, m n, d)
        return encode(inputs["pixels"])

    def _key(self, example: Example) -> tuple[str, ...]:
        return example.image_ids or (example.id,)
