"""Text inputs of 12-in-1: tokenisation, masking and padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from motet.core import ConfigError, Task
from motet.nn.text_encoders import TextConfig, TextEncoder, encoder_from_description
from motet.nn.tower import EncoderMode, FromScratch
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base import build_sentence_tokenizer
from motet.systems.twelve_in_one.masking import mask_words


@dataclass(frozen=True)
class TextRow:
    """A tokenised text.

    Args:
        ids: token ids.
        types: 0 for tokens of the first sentence, 1 for those of the second.
        masked_ids: the ids to predict, -1 for the rest; empty for a text without masks.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    masked_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class TwelveInOneTextInputs:
    """Tokenises and masks texts.

    Args:
        sentences: the tokeniser.
        mask_id: the id of [MASK].
        max_tokens: of a text.
        max_tokens_of: by task, if it differs.
    """

    sentences: SentenceTokenizer
    mask_id: int
    max_tokens: int
    max_tokens_of: Mapping[str, int] = field(default_factory=dict)

    def encode(self, text: str, task: Task) -> TextRow:
        """Tokenises a text and truncates it to the number of tokens of its task."""
        max_tokens = self.max_tokens_of.get(task.name, self.max_tokens)
        ids, types = self.sentences.encode((text,), max_tokens)
        return TextRow(tuple(ids), tuple(types))

    def mask_words(self, text: TextRow, probability: float, rng: np.random.Generator, *, at_least_one: bool) -> TextRow:
        """Returns a text with some of its words masked."""
        tokenizer = self.sentences.tokenizer
        special_ids = set(tokenizer.encode("", add_special_tokens=True).ids) | {self.sentences.pad}
        special = [token in special_ids for token in text.ids]
        draws, random_ids = rng.random(len(text.ids)), rng.integers(self.sentences.vocab_size, size=len(text.ids))
        words = np.flatnonzero(~np.array(special))
        if at_least_one and len(words) and draws[words].min() >= probability:
            draws[words[draws[words].argmin()]] = 0.0
        ids, masked_ids = mask_words(text.ids, special, draws, random_ids, self.mask_id, probability)
        return TextRow(tuple(ids), text.types, tuple(masked_ids))

    def piece(self, index: int) -> str:
        """Returns a token as the tokeniser writes it; a byte-level tokeniser's marks of word starts stay."""
        return self.sentences.tokenizer.id_to_token(index) or "[MASK]"

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of token ids, without special tokens."""
        text: str = self.sentences.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text.strip()


def pad_texts(texts: Sequence[Sequence[TextRow]], pad: int) -> dict[str, Tensor]:
    """Pads rows of texts to ``ids``, ``types``, ``attention_mask`` and ``masked_ids`` (r, s, t)."""
    num_texts = max(1, *(len(row) for row in texts))
    length = max(1, *(len(text.ids) for row in texts for text in row))
    shape = (len(texts), num_texts, length)
    ids, types = torch.full(shape, pad), torch.zeros(shape, dtype=torch.long)
    attention_mask, masked_ids = torch.zeros(shape, dtype=torch.bool), torch.full(shape, -1)
    for index, row in enumerate(texts):
        for place, text in enumerate(row):
            at = (index, place, slice(len(text.ids)))
            ids[at], types[at] = torch.tensor(text.ids), torch.tensor(text.types)
            attention_mask[at] = True
            if text.masked_ids:
                masked_ids[at] = torch.tensor(text.masked_ids)
    # A padding text has one valid token, since a softmax over no key is not a number.
    attention_mask[..., 0] = True
    return {"ids": ids, "types": types, "attention_mask": attention_mask, "masked_ids": masked_ids}


def build_text_inputs(
    text: TextConfig,
    mode: EncoderMode,
    saved: tuple[SentenceTokenizer, bytes] | None,
    texts: Callable[[], Iterable[str]],
) -> tuple[SentenceTokenizer, int, TextEncoder]:
    """Returns the tokeniser, the id of [MASK], and the encoder that sets the sizes of the text stream.

    A tokeniser without [MASK] gets one more id for it.

    Args:
        text: configuration of the encoder.
        mode: of its training; from scratch, nothing pretrained is loaded.
        saved: tokeniser and description of a saved model; with them nothing is downloaded.
        texts: returns the texts of the run, to train a tokeniser on.

    Raises:
        ConfigError: an encoder whose word embeddings have no row for [MASK].
    """
    if saved is not None:
        sentences, encoder = saved[0], encoder_from_description(saved[1])
    else:
        sentences = build_sentence_tokenizer(text, texts)
        num_pieces = max(sentences.vocab_size, find_mask_id(sentences) + 1)
        encoder = text.build(pretrained=not isinstance(mode, FromScratch), num_pieces=num_pieces)
    mask_id = find_mask_id(sentences)
    rows = encoder.model.embeddings.word_embeddings.num_embeddings
    if mask_id >= rows:
        raise ConfigError(
            f"TwelveInOneConfig.text: got embeddings of {rows} tokens; want a row for [MASK], whose id is {mask_id}"
        )
    return sentences, mask_id, encoder


def find_mask_id(sentences: SentenceTokenizer) -> int:
    """Returns the id of [MASK]: the tokeniser's own, or the one after all of its tokens."""
    for name in ("[MASK]", "<mask>"):
        token_id = sentences.tokenizer.token_to_id(name)
        if token_id is not None:
            return int(token_id)
    return sentences.vocab_size
