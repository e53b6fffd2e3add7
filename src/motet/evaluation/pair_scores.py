"""Scores of one rank's images with all texts of a split, for all pairs or for selected ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motet.core import System
from motet.evaluation.task_evaluation import Progress


@dataclass(frozen=True)
class PairScorer:
    """Scores pairs of the encoded images of one rank and all encoded texts, batch by batch.

    Args:
        system: the system that scores pairs.
        task: name of the task.
        images: batches of this rank's encoded images.
        texts: batches of all encoded texts.
        label: the label that is passed to `progress`.
        progress: see `rank_split`.
    """

    system: System
    task: str
    images: Sequence[Mapping[str, Tensor]]
    texts: Sequence[Mapping[str, Tensor]]
    label: str
    progress: Progress | None

    def score_all(self) -> Float[np.ndarray, "o t"]:
        """Scores all pairs, block by block."""
        return self._score_blocks(self.images, self.texts)

    def score_texts(self, places: Sequence[int]) -> Float[np.ndarray, "o a"]:
        """Scores every image with some of the texts."""
        return self._score_blocks(self.images, [_rows(_concatenated(self.texts), places)])

    def score_images(self, places: Sequence[int]) -> Float[np.ndarray, "b t"]:
        """Scores some of this rank's images with every text."""
        return self._score_blocks([_rows(_concatenated(self.images), places)] if places else [], self.texts)

    def score_selected(self, selected: Bool[np.ndarray, "o t"]) -> Float[np.ndarray, "o t"]:
        """Scores the pairs of a mask, image by image; the score is 0 elsewhere."""
        found = np.zeros(selected.shape, dtype=np.float32)
        texts, at = _concatenated(self.texts), 0
        for side in self.images:
            for place in range(_length(side)):
                if len(places := np.flatnonzero(selected[at])):
                    block = self.system.score(self.task, _rows(side, [place]), _rows(texts, places.tolist()))
                    found[at, places] = block[0].float().cpu().numpy()
                at += 1
                self._report_progress(at, len(selected))
        return found

    def _score_blocks(
        self, images: Sequence[Mapping[str, Tensor]], texts: Sequence[Mapping[str, Tensor]]
    ) -> Float[np.ndarray, "o t"]:
        found = np.zeros((sum(map(_length, images)), sum(map(_length, texts))), dtype=np.float32)
        top = 0
        for number, image_side in enumerate(images):
            left, high = 0, _length(image_side)
            for place, text_side in enumerate(texts):
                wide = _length(text_side)
                block = self.system.score(self.task, image_side, text_side)
                found[top : top + high, left : left + wide] = block.float().cpu().numpy()
                left += wide
                self._report_progress(number * len(texts) + place + 1, len(images) * len(texts))
            top += high
        return found

    def _report_progress(self, done: int, count: int) -> None:
        if self.progress is not None:
            self.progress(self.label, done, count)


def _concatenated(sides: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Concatenates batches of one side; shorter ones are padded with zeros, which `System.side` uses for padding."""
    whole: dict[str, Tensor] = {}
    for name in sides[0]:
        parts = [side[name] for side in sides]
        longest = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].ndim)]
        whole[name] = torch.cat([_pad(part, longest) for part in parts])
    return whole


def _pad(part: Tensor, longest: Sequence[int]) -> Tensor:
    missing = [room for axis in range(part.ndim - 1, 0, -1) for room in (0, longest[axis - 1] - part.shape[axis])]
    return F.pad(part, missing) if any(missing) else part


def _rows(side: Mapping[str, Tensor], places: Sequence[int]) -> dict[str, Tensor]:
    return {name: value[torch.as_tensor(places, device=value.device)] for name, value in side.items()}


def _length(side: Mapping[str, Tensor]) -> int:
    return len(next(iter(side.values())))
