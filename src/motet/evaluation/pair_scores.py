"""Scores of one rank's pictures with all texts of a split: of every pair, or of some."""

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
    """Both sides of one rank's pairs, batch by batch.

    Args:
        system: scores them.
        task: its name.
        images: this rank's.
        texts: all.
        what: is told to `progress`.
        progress: see `rank_split`.
    """

    system: System
    task: str
    images: Sequence[Mapping[str, Tensor]]
    texts: Sequence[Mapping[str, Tensor]]
    label: str
    progress: Progress | None

    def score_all(self) -> Float[np.ndarray, "o t"]:
        """Every pair, block by block."""
        return self._score_blocks(self.images, self.texts)

    def score_texts(self, places: Sequence[int]) -> Float[np.ndarray, "o a"]:
        """Every picture with some of the texts."""
        return self._score_blocks(self.images, [_rows(_together(self.texts), places)])

    def score_images(self, places: Sequence[int]) -> Float[np.ndarray, "b t"]:
        """Some of this rank's pictures with every text."""
        return self._score_blocks([_rows(_together(self.images), places)] if places else [], self.texts)

    def score_selected(self, wanted: Bool[np.ndarray, "o t"]) -> Float[np.ndarray, "o t"]:
        """The pairs that are wanted, picture by picture; zero elsewhere."""
        found = np.zeros(wanted.shape, dtype=np.float32)
        texts, at = _together(self.texts), 0
        for side in self.images:
            for place in range(_length(side)):
                if len(places := np.flatnonzero(wanted[at])):
                    block = self.system.score(self.task, _rows(side, [place]), _rows(texts, places.tolist()))
                    found[at, places] = block[0].float().cpu().numpy()
                at += 1
                self._report_progress(at, len(wanted))
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


def _together(sides: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Batches of one side as one; what is shorter is filled up with zeros, which `System.side` calls nothing."""
    whole: dict[str, Tensor] = {}
    for name in sides[0]:
        parts = [side[name] for side in sides]
        most = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].ndim)]
        whole[name] = torch.cat([_filled_up(part, most) for part in parts])
    return whole


def _filled_up(part: Tensor, most: Sequence[int]) -> Tensor:
    missing = [room for axis in range(part.ndim - 1, 0, -1) for room in (0, most[axis - 1] - part.shape[axis])]
    return F.pad(part, missing) if any(missing) else part


def _rows(side: Mapping[str, Tensor], places: Sequence[int]) -> dict[str, Tensor]:
    return {name: value[torch.as_tensor(places, device=value.device)] for name, value in side.items()}


def _length(side: Mapping[str, Tensor]) -> int:
    return len(next(iter(side.values())))
