"""A small decoder whose every answer depends on the image and on the whole history, to tell rows that were mixed up."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

WORDS, WIDTH, LENGTH = 9, 12, 24


@dataclass(frozen=True)
class HistoryState:
    images: Tensor
    lengths: Tensor
    sums: Tensor
    """What each row has read: (r, WIDTH)."""
    num_rows: int
    read: Tensor | None = None
    """Sums after each token of the first pass: (r, t, WIDTH)."""

    def keep(self, lengths):
        sums = self.read[torch.arange(len(lengths)), lengths - 1]
        return replace(self, lengths=lengths, sums=sums, read=None)

    def select(self, images):
        sums = self.sums.view(-1, self.num_rows, WIDTH)[images].flatten(0, 1)
        return replace(self, images=self.images[images], lengths=self.lengths[images], sums=sums, read=None)

    def branch(self, parents):
        sums = self.sums.view(-1, self.num_rows, WIDTH)
        sums = sums.gather(1, parents[..., None].expand(-1, -1, WIDTH)).flatten(0, 1)
        return replace(self, sums=sums, num_rows=parents.shape[1], read=None)


class HistoryModel:
    """Features are a running product of what was read, so that order and place matter; image rows add their own."""

    def __init__(self, num_images, seed=0, end=1.5):
        draw = torch.Generator().manual_seed(seed)
        self.images = torch.randn(num_images, WIDTH, generator=draw)
        self.words = torch.randn(WORDS, WIDTH, generator=draw)
        self.places = torch.randn(LENGTH, WIDTH, generator=draw)
        self.kernel = torch.randn(WIDTH, WORDS, generator=draw)
        self.bias = torch.zeros(WORDS)
        # As in a trained model, padding is hardly ever likely.
        self.bias[0], self.bias[1] = -10.0, end
        self.rows_read = 0

    def start(self, images=None):
        images = torch.arange(len(self.images)) if images is None else torch.tensor(images, dtype=torch.long)
        return HistoryState(images, torch.zeros_like(images), self.images[images], 1)

    def read(self, state, tokens):
        self.rows_read += tokens.numel()
        sums, features = state.sums, []
        for step in range(tokens.shape[1]):
            place = (state.lengths + step).clamp(max=LENGTH - 1).repeat_interleave(state.num_rows)
            sums = torch.tanh(0.7 * sums.roll(1, dims=1) + self.words[tokens[:, step]] + 0.3 * self.places[place])
            features.append(sums)
        read = torch.stack(features, dim=1)
        return read, replace(state, lengths=state.lengths + tokens.shape[1], sums=sums, read=read)

    def logits(self, features):
        return features @ self.kernel + self.bias


@pytest.fixture
def model():
    return HistoryModel(6)


@pytest.fixture(scope="module")
def history_model():
    """One for all examples of a property; nothing in it changes but its count."""
    return HistoryModel(6)
