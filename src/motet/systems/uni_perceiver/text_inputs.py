"""Texts as pieces: inputs, targets, texts that are said, and texts whose words are hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import Answer as AnswerSpec
from motet.core import ConfigError, Label, Task
from motet.preprocess.tokenizers import EOS, PAD, Tokenizer, append_eos, normalise

SPECIAL = "<|spe|>"
_HIDDEN, _RANDOM = 0.8, 0.9  # of words to be told: hidden, another piece, the piece itself


@dataclass(frozen=True)
class TextInputs:
    """How texts are read.

    Args:
        words: the tokeniser, with the special piece.
        max_tokens: of an input text or a target at most, ends among them.
        max_said: of a text that is said at most, its end among them.
        share: of words that are to be told, see `Hiding`.
    """

    words: Tokenizer
    max_tokens: int
    max_said: int
    share: float = 0.15

    @property
    def special(self) -> int:
        """The id of the special piece."""
        return self.words.special_id(SPECIAL)

    @property
    def num_words(self) -> int:
        """Pieces that a text may be made of, its end among them: the vocabulary that words are told from."""
        return self.words.num_text_ids - 1

    def read(self, texts: Sequence[str], *, ask: bool, room: int | None = None) -> list[int]:
        """One or several sentences, each with its end; what is too long is cut from the longest sentence.

        Args:
            texts: the sentences.
            ask: whether the special piece stands behind them, whose state is the answer.
            room: pieces at most; None for `max_tokens`.
        """
        parts = [self.words.encode(text) for text in texts]
        left = (self.max_tokens if room is None else room) - len(parts) - ask
        while sum(map(len, parts)) > max(left, 0):
            longest = max(parts, key=len)
            del longest[max(len(longest) - (sum(map(len, parts)) - max(left, 0)), _second(parts)) :]
        found = [piece for part in parts for piece in (*part, EOS)]
        return [*found, self.special] if ask else found

    def target(self, text: str) -> list[int]:
        """A text that inputs are compared with, with its end; what is too long is cut."""
        return append_eos(self.words.encode(text), self.max_tokens)

    def said(self, text: str) -> list[int]:
        """A text that is said, with its end; what is too long is cut."""
        return append_eos(self.words.encode(text), self.max_said)

    def hide(self, text: str, rng: np.random.Generator, *, at_least_one: bool) -> tuple[list[int], list[int]]:
        """A text with its end, some of its words hidden, and the pieces to be told: -1 where there is none.

        All pieces of a word are told or none.

        Args:
            text: as it is.
            rng: which words.
            at_least_one: whether one is hidden also where the draw says none.
        """
        cut = self.words.tokenizer.encode(normalise(text), add_special_tokens=False)
        ids = [self.words.ids[i] for i in cut.ids][: self.max_tokens - 1]
        groups = np.array([-1 if word is None else word for word in cut.word_ids][: len(ids)])
        told = [-1] * (len(ids) + 1)
        for word in _drawn(np.unique(groups[groups >= 0]), self.share, rng, at_least_one=at_least_one):
            for place in np.flatnonzero(groups == word).tolist():
                told[place] = ids[place]
        hidden = [*ids, EOS]
        for place, piece in enumerate(told):
            draw, other = rng.random(), int(rng.integers(EOS + 1, max(self.words.num_text_ids, EOS + 2)))
            if piece >= 0 and draw < _RANDOM:
                hidden[place] = self.special if draw < _HIDDEN else other
        return hidden, told

    def names(self, task: Task) -> Tensor:
        """A task's names as pieces, (k, t), each with its end.

        Raises:
            ConfigError: two names that read alike, or one with more pieces than there are positions.
        """
        assert isinstance(task.target, Label | AnswerSpec)  # its caller asked
        found: dict[tuple[int, ...], str] = {}
        for name in task.target.names:
            pieces = (*self.words.encode(name), EOS)
            if len(pieces) > self.max_tokens:
                raise ConfigError(
                    f"task {task.name!r}: name {name!r}: got {len(pieces)} pieces; want at most {self.max_tokens}, "
                    "UniPerceiverConfig.max_tokens"
                )
            if (other := found.setdefault(pieces, name)) != name:
                raise ConfigError(
                    f"task {task.name!r}: names: got {other!r} and {name!r}, which read alike; want others"
                )
        return padded(list(found))


def padded(texts: Sequence[Sequence[int]]) -> Tensor:
    """Texts as one tensor, filled up."""
    length = max((len(text) for text in texts), default=0)
    ids = torch.full((len(texts), max(length, 1)), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text, dtype=torch.long)
    return ids


def stacked_texts(rows: Sequence[Sequence[Sequence[int]]]) -> dict[str, Tensor]:
    """Rows of texts: ``ids`` (r, s, t), filled up; PAD, which is no piece of a text, is what is not real."""
    most = max(1, *(len(row) for row in rows))
    flat = padded([text for row in rows for text in (*row, *([()] * (most - len(row))))])
    return {"ids": flat.view(len(rows), most, -1)}


def told_places(found: Sequence[Mapping[str, np.ndarray]], length: int) -> Tensor:
    """Pieces to be told, (r, t), -1 where there is none."""
    told = torch.full((len(found), length), -1)
    for row, value in enumerate(found):
        told[row, : len(value["told"])] = torch.from_numpy(value["told"])
    return told


def _second(parts: Sequence[Sequence[int]]) -> int:
    """How long the second longest is; the longest is cut down to it before that one is cut too."""
    lengths = sorted(map(len, parts))
    return max(lengths[-2] - 1, 0) if len(lengths) > 1 else 0


def _drawn(words: np.ndarray, share: float, rng: np.random.Generator, *, at_least_one: bool) -> list[int]:
    draws = rng.random(len(words))
    if at_least_one and len(words) and draws.min() >= share:
        draws[draws.argmin()] = 0.0
    chosen: list[int] = words[draws < share].tolist()
    return chosen
