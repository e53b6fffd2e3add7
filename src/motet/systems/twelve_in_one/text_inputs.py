"""Texts as pieces: how they are cut, which piece hides a word, and texts of a batch filled up to one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from motet.core import ConfigError, Task
from motet.nn.text_encoders import TextConfig, TextEncoder, encoder_from_description
from motet.nn.tower import EncoderMode, FromScratch
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.twelve_in_one.pretrain import hide_words


@dataclass(frozen=True)
class TextRow:
    """A text as pieces.

    Args:
        ids: of the pieces.
        types: of which sentence each is.
        told: the hidden pieces, -1 where none is; empty where nothing is hidden.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    told: tuple[int, ...] = ()


@dataclass(frozen=True)
class TextInputs:
    """How texts are read.

    Args:
        sentences: the tokeniser.
        mask: the id of [MASK].
        max_tokens: of a text at most.
        max_tokens_of: by task, where it is another number.
    """

    sentences: SentenceTokenizer
    mask: int
    max_tokens: int
    max_tokens_of: Mapping[str, int] = field(default_factory=dict)

    def read(self, text: str, task: Task) -> TextRow:
        """A text for a task; what is too long is cut at its end."""
        room = self.max_tokens_of.get(task.name, self.max_tokens)
        ids, types = self.sentences.encode((text,), room)
        return TextRow(tuple(ids), tuple(types))

    def hide(self, text: TextRow, share: float, rng: np.random.Generator, *, at_least_one: bool) -> TextRow:
        """A text with some of its words hidden."""
        tokenizer = self.sentences.tokenizer
        plain = set(tokenizer.encode("", add_special_tokens=True).ids) | {self.sentences.pad}
        special = [piece in plain for piece in text.ids]
        draws, others = rng.random(len(text.ids)), rng.integers(self.sentences.vocab_size, size=len(text.ids))
        free = np.flatnonzero(~np.array(special))
        if at_least_one and len(free) and draws[free].min() >= share:
            draws[free[draws[free].argmin()]] = 0.0
        ids, told = hide_words(text.ids, special, draws, others, self.mask, share)
        return TextRow(tuple(ids), text.types, tuple(told))

    def piece(self, index: int) -> str:
        """One piece as it is called; words that were put together by a tokeniser of bytes keep its marks."""
        return self.sentences.tokenizer.id_to_token(index) or "[MASK]"

    def words(self, ids: Sequence[int]) -> str:
        """The text of pieces, special ones left out."""
        said: str = self.sentences.tokenizer.decode(list(ids), skip_special_tokens=True)
        return said.strip()


def padded(texts: Sequence[Sequence[TextRow]], pad: int) -> dict[str, Tensor]:
    """Rows of texts as tensors: ``ids``, ``types`` and ``read`` (r, s, t), the last True on pieces; ``told`` beside."""
    most = max(1, *(len(row) for row in texts))
    length = max(1, *(len(text.ids) for row in texts for text in row))
    shape = (len(texts), most, length)
    ids, types = torch.full(shape, pad), torch.zeros(shape, dtype=torch.long)
    read, told = torch.zeros(shape, dtype=torch.bool), torch.full(shape, -1)
    for index, row in enumerate(texts):
        for place, text in enumerate(row):
            at = (index, place, slice(len(text.ids)))
            ids[at], types[at] = torch.tensor(text.ids), torch.tensor(text.types)
            read[at] = True
            if text.told:
                told[at] = torch.tensor(text.told)
    # A text that fills up has one piece to read, since attention over nothing has no value.
    read[..., 0] = True
    return {"ids": ids, "types": types, "read": read, "told": told}


def build_reader(
    text: TextConfig,
    mode: EncoderMode,
    saved: tuple[SentenceTokenizer, bytes] | None,
    texts: Sequence[str] | None,
) -> tuple[SentenceTokenizer, int, TextEncoder]:
    """The tokeniser, the id of [MASK], and the encoder that the stream of words is made of.

    A tokeniser without a piece that hides words gets one more id for it.

    Args:
        text: which encoder.
        mode: from scratch, nothing pretrained is loaded.
        saved: tokeniser and description of a saved model; then nothing is fetched.
        texts: of the run, for a tokeniser that is trained on them.

    Raises:
        ConfigError: an encoder whose table of words has no row for [MASK].
    """
    if saved is not None:
        sentences, encoder = saved[0], encoder_from_description(saved[1])
    else:
        size = text.trains_words
        if size is not None:
            sentences = SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=size).build(texts or ()))
        else:
            sentences = SentenceTokenizer(*text.tokenizer())
        mask = mask_of(sentences)
        encoder = text.build(
            pretrained=not isinstance(mode, FromScratch), num_pieces=max(sentences.vocab_size, mask + 1)
        )
    mask = mask_of(sentences)
    rows = encoder.model.embeddings.word_embeddings.num_embeddings
    if mask >= rows:
        raise ConfigError(f"TwelveInOneConfig.text: got a table of {rows} words; want a row for [MASK], {mask}")
    return sentences, mask, encoder


def mask_of(sentences: SentenceTokenizer) -> int:
    """The id of the piece that hides words: the tokeniser's own, or one behind all of its pieces."""
    for name in ("[MASK]", "<mask>"):
        found = sentences.tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    return sentences.vocab_size
