"""Vectors of texts from a pretrained encoder of the BERT family, for the linear probe of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import TextStore
from motet.nn.text_encoders import TextConfig, TextEncoder
from motet.nn.tower import EncoderMode, FromScratch
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base.padding import pad_ids


@dataclass(frozen=True)
class TextVectors:
    """The mean over tokens of a text encoder's states.

    Args:
        encoder: in eval mode.
        sentences: its tokeniser.
        max_tokens: of a text; further ones are cut.
        store: stored states of the same encoder, read where a text has some; None without a store.
    """

    encoder: TextEncoder
    sentences: SentenceTokenizer
    max_tokens: int
    store: TextStore | None = None

    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Returns one vector per text; those that are not stored are encoded as one batch."""
        ids = [self.sentences.encode((text,), self.max_tokens)[0] for text in texts]
        known = {place: states for place, one in enumerate(ids) if (states := self._stored(one)) is not None}
        missing = [place for place in range(len(ids)) if place not in known]
        device = next(self.encoder.parameters()).device
        vectors = torch.zeros(len(ids), self.encoder.width, device=device)
        for place, states in known.items():
            vectors[place] = torch.from_numpy(states.mean(axis=0, dtype=np.float32))
        if missing:
            vectors[missing] = self._encoded([ids[place] for place in missing], device).float()
        return vectors

    def _stored(self, ids: Sequence[int]) -> np.ndarray | None:
        return None if self.store is None else self.store.read(ids)

    def _encoded(self, ids: Sequence[Sequence[int]], device: torch.device) -> Float[Tensor, "n d"]:
        padded = pad_ids(ids, self.sentences.pad).to(device)
        counts = torch.tensor([len(one) for one in ids], device=device)[:, None]
        valid = torch.arange(padded.shape[1], device=device) < counts
        with torch.no_grad():
            states: Tensor = self.encoder(padded, torch.zeros_like(padded), valid)
        return (states * valid[:, :, None]).sum(dim=1) / counts


def pretrained_text_vectors(
    config: TextConfig, mode: EncoderMode, sentences: SentenceTokenizer, max_tokens: int, device: torch.device
) -> TextVectors | None:
    """Builds a text encoder again with its pretrained weights; None from scratch, or if it has none.

    Raises:
        ConfigError: its weights cannot be fetched.
    """
    if isinstance(mode, FromScratch) or config.trains_words is not None:
        return None
    encoder = config.build(pretrained=True, num_pieces=sentences.vocab_size).requires_grad_(False).eval().to(device)
    return TextVectors(encoder, sentences, min(max_tokens, encoder.max_tokens))
