"""A small decoder whose every answer depends on the image and on the whole history, so that mixed-up rows show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from motet.nn.generate import generate

WORDS, WIDTH, LENGTH = 9, 12, 24


@dataclass(frozen=True)
class HistoryState:
    images: Tensor
    lengths: Tensor
    sums: Tensor
    """The history of each row: (r, WIDTH)."""
    num_rows: int
    read: Tensor | None = None
    """Sums after each token of the first pass: (r, t, WIDTH)."""

    def truncate(self, lengths: Tensor) -> HistoryState:
        assert self.read is not None
        sums = self.read[torch.arange(len(lengths)), lengths - 1]
        return replace(self, lengths=lengths, sums=sums, read=None)

    def select(self, images: Tensor) -> HistoryState:
        sums = self.sums.view(-1, self.num_rows, WIDTH)[images].flatten(0, 1)
        return replace(self, images=self.images[images], lengths=self.lengths[images], sums=sums, read=None)

    def reorder(self, parents: Tensor) -> HistoryState:
        sums = self.sums.view(-1, self.num_rows, WIDTH)
        sums = sums.gather(1, parents[..., None].expand(-1, -1, WIDTH)).flatten(0, 1)
        return replace(self, sums=sums, num_rows=parents.shape[1], read=None)


class HistoryModel:
    """Features are a running product of the tokens, so that order and place matter; each image adds its own."""

    def __init__(self, num_images: int, seed: int = 0, end: float = 1.5) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.images = torch.randn(num_images, WIDTH, generator=draw)
        self.words = torch.randn(WORDS, WIDTH, generator=draw)
        self.places = torch.randn(LENGTH, WIDTH, generator=draw)
        self.kernel = torch.randn(WIDTH, WORDS, generator=draw)
        self.bias = torch.zeros(WORDS)
        # As in a trained model, padding is hardly ever likely.
        self.bias[0], self.bias[1] = -10.0, end
        self.rows_read = 0

    def start(self, images: Sequence[int] | None = None) -> HistoryState:
        chosen = torch.arange(len(self.images)) if images is None else torch.tensor(images, dtype=torch.long)
        return HistoryState(chosen, torch.zeros_like(chosen), self.images[chosen], 1)

    def read(self, state: HistoryState, tokens: Tensor) -> tuple[Tensor, HistoryState]:
        self.rows_read += tokens.numel()
        sums, features = state.sums, []
        for step in range(tokens.shape[1]):
            place = (state.lengths + step).clamp(max=LENGTH - 1).repeat_interleave(state.num_rows)
            sums = torch.tanh(0.7 * sums.roll(1, dims=1) + self.words[tokens[:, step]] + 0.3 * self.places[place])
            features.append(sums)
        read = torch.stack(features, dim=1)
        return read, replace(state, lengths=state.lengths + tokens.shape[1], sums=sums, read=read)

    def prefill(self, state: HistoryState, prompts: Tensor, lengths: Tensor) -> tuple[Tensor, HistoryState]:
        features, state = self.read(state, F.pad(prompts, (1, 0)))
        return features[torch.arange(len(lengths)), lengths], state.truncate(lengths + 1)

    def step(self, state: HistoryState, tokens: Tensor) -> tuple[Tensor, HistoryState]:
        features, state = self.read(state, tokens[:, None])
        return self.logits(features[:, -1]), state

    def logits(self, features: Tensor) -> Tensor:
        return features @ self.kernel + self.bias


def generated(
    model: HistoryModel,
    state: HistoryState,
    prompts: Tensor,
    lengths: Tensor,
    strategy: Any,
    limit: Any,
    generator: torch.Generator | None = None,
    ids: Any = None,
) -> Any:
    """Reads the prompts, then generates."""
    features, state = model.prefill(state, prompts, lengths)
    logits = model.logits(features)
    return generate(model, state, logits, strategy, limit, prompt_lengths=lengths, generator=generator, ids=ids)


def unprompted(
    model: HistoryModel,
    strategy: Any,
    limit: Any,
    generator: torch.Generator | None = None,
    images: Sequence[int] | None = None,
) -> Any:
    """Generates for all images of the model, or for some, without prompts."""
    state = model.start(images)
    b = len(state.images)
    nothing, lengths = torch.zeros(b, 0, dtype=torch.long), torch.zeros(b, dtype=torch.long)
    return generated(model, state, nothing, lengths, strategy, limit, generator)
