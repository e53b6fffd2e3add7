"""A small decoder whose every answer depends on the image and on the whole history, so that mixed-up rows show."""

from dataclasses import dataclass, replace

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

    def truncate(self, lengths):
        sums = self.read[torch.arange(len(lengths)), lengths - 1]
        return replace(self, lengths=lengths, sums=sums, read=None)

    def select(self, images):
        sums = self.sums.view(-1, self.num_rows, WIDTH)[images].flatten(0, 1)
        return replace(self, images=self.images[images], lengths=self.lengths[images], sums=sums, read=None)

    def reorder(self, parents):
        sums = self.sums.view(-1, self.num_rows, WIDTH)
        sums = sums.gather(1, parents[..., None].expand(-1, -1, WIDTH)).flatten(0, 1)
        return replace(self, sums=sums, num_rows=parents.shape[1], read=None)


class HistoryModel:
    """Features are a running product of the tokens, so that order and place matter; each image adds its own."""

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

    def prefill(self, state, prompts, lengths):
        features, state = self.read(state, F.pad(prompts, (1, 0)))
        return features[torch.arange(len(lengths)), lengths], state.truncate(lengths + 1)

    def step(self, state, tokens):
        features, state = self.read(state, tokens[:, None])
        return self.logits(features[:, -1]), state

    def logits(self, features):
        return features @ self.kernel + self.bias


def generated(model, state, prompts, lengths, strategy, limit, generator=None, ids=None):
    """Reads the prompts, then generates."""
    features, state = model.prefill(state, prompts, lengths)
    logits = model.logits(features)
    return generate(model, state, logits, strategy, limit, prompt_lengths=lengths, generator=generator, ids=ids)


def unprompted(model, strategy, limit, generator=None, images=None):
    """Generates for all images of the model, or for some, without prompts."""
    state = model.start(images)
    b = len(state.images)
    nothing, lengths = torch.zeros(b, 0, dtype=torch.long), torch.zeros(b, dtype=torch.long)
    return generated(model, state, nothing, lengths, strategy, limit, generator)
