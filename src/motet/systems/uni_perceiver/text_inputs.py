"""Texts as token ids: inputs, targets, generated texts, and texts with masked words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Int
from torch import Tensor

from motet.core import Answer as AnswerSpec
from motet.core import ConfigError, Label, Task
from motet.preprocess.tokenizers import EOS, PAD, Tokenizer, append_eos, normalise
from motet.systems.base import stack_padded

SPECIAL = "<|spe|>"
_MASKED, _REPLACED = 0.8, 0.9  # of selected tokens 80 % become the special one, 10 % a random one, 10 % stay


@dataclass(frozen=True)
class UniPerceiverTextInputs:
    """Encodes texts as token ids.

    Args:
        tokenizer: with the special token.
        max_tokens: of an input text or a target, with its ends.
        max_generated: of a generated text, with its end.
        mask_probability: that a word is selected, see `MaskingConfig`.
        max_tokens_of: of a text by task, where it is less.
    """

    tokenizer: Tokenizer
    max_tokens: int
    max_generated: int
    mask_probability: float = 0.15
    max_tokens_of: Mapping[str, int] = field(default_factory=dict)

    def for_task(self, task: str) -> UniPerceiverTextInputs:
        """Returns the text inputs of a task, with its own limits."""
        if (most := self.max_tokens_of.get(task)) is None:
            return self
        most_generated = min(self.max_generated, most)
        return replace(self, max_tokens=min(self.max_tokens, most), max_generated=most_generated, max_tokens_of={})

    @property
    def special(self) -> int:
        """The id of the special token."""
        return self.tokenizer.special_id(SPECIAL)

    @property
    def num_words(self) -> int:
        """The size of the vocabulary that words are predicted from: all plain tokens and the end, without padding."""
        return self.tokenizer.num_text_ids - 1

    def encode_inputs(self, texts: Sequence[str], *, answer_token: bool, max_tokens: int | None = None) -> list[int]:
        """Returns the ids of one or several sentences, each with its end; the longest is cut until all fit.

        Args:
            texts: the sentences.
            answer_token: the special token follows, whose state predicts the answer.
            max_tokens: of all together; None: those of this object.
        """
        parts = [self.tokenizer.encode(text) for text in texts]
        left = (self.max_tokens if max_tokens is None else max_tokens) - len(parts) - answer_token
        while sum(map(len, parts)) > max(left, 0):
            longest = max(parts, key=len)
            del longest[max(len(longest) - (sum(map(len, parts)) - max(left, 0)), _second_length(parts)) :]
        ids = [i for part in parts for i in (*part, EOS)]
        return [*ids, self.special] if answer_token else ids

    def encode_target(self, text: str) -> list[int]:
        """Returns the ids of a text that inputs are compared with, cut where it is too long, with its end."""
        return append_eos(self.tokenizer.encode(text), self.max_tokens)

    def encode_generated(self, text: str) -> list[int]:
        """Returns the ids of a text to generate, cut where it is too long, with its end."""
        return append_eos(self.tokenizer.encode(text), self.max_generated)

    def mask(self, text: str, rng: np.random.Generator, *, at_least_one: bool) -> tuple[list[int], list[int]]:
        """Returns the ids of a text with its end, some of its words masked, and the original ids of those, else -1.

        All tokens of a word are selected, or none.

        Args:
            text: before masking.
            rng: selects words and draws their replacements.
            at_least_one: selects a word also where the draw selects none.
        """
        cut = self.tokenizer.tokenizer.encode(normalise(text), add_special_tokens=False)
        ids = [self.tokenizer.ids[i] for i in cut.ids][: self.max_tokens - 1]
        groups = np.array([-1 if word is None else word for word in cut.word_ids][: len(ids)])
        masked_ids = [-1] * (len(ids) + 1)
        words = np.unique(groups[groups >= 0])
        for word in _selected(words, self.mask_probability, rng, at_least_one=at_least_one):
            for place in np.flatnonzero(groups == word).tolist():
                masked_ids[place] = ids[place]
        found = [*ids, EOS]
        for place, original in enumerate(masked_ids):
            draw, other = rng.random(), int(rng.integers(EOS + 1, max(self.tokenizer.num_text_ids, EOS + 2)))
            if original >= 0 and draw < _REPLACED:
                found[place] = self.special if draw < _MASKED else other
        return found, masked_ids

    def encode_names(self, task: Task) -> Tensor:
        """Returns the ids of a task's names, (k, t), each with its end.

        Raises:
            ConfigError: two names with the same tokens, or one with more tokens than there are positions.
        """
        assert isinstance(task.target, Label | AnswerSpec)  # a task with names
        found: dict[tuple[int, ...], str] = {}
        for name in task.target.names:
            ids = (*self.tokenizer.encode(name), EOS)
            if len(ids) > self.max_tokens:
                raise ConfigError(
                    f"task {task.name!r}: name {name!r}: got {len(ids)} tokens; want at most {self.max_tokens}, "
                    "UniPerceiverConfig.max_tokens"
                )
            if (other := found.setdefault(ids, name)) != name:
                raise ConfigError(
                    f"task {task.name!r}: names: got {other!r} and {name!r}, which have the same tokens; want names "
                    "that differ"
                )
        return padded(list(found))


def padded(texts: Sequence[Sequence[int]]) -> Int[Tensor, "k t"]:
    """Returns texts as one tensor, with PAD behind shorter ones."""
    return stack_padded([np.array(text, dtype=np.int64) for text in texts], fill=PAD)


def _second_length(parts: Sequence[Sequence[int]]) -> int:
    """Returns the length that the longest part is cut to before the second longest is cut, too."""
    lengths = sorted(map(len, parts))
    return max(lengths[-2] - 1, 0) if len(lengths) > 1 else 0


def _selected(words: np.ndarray, probability: float, rng: np.random.Generator, *, at_least_one: bool) -> list[int]:
    draws = rng.random(len(words))
    if at_least_one and len(words) and draws.min() >= probability:
        draws[draws.argmin()] = 0.0
    chosen: list[int] = words[draws < probability].tolist()
    return chosen
