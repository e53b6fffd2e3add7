"""Bags of words: the features of a question where no pretrained text encoder is used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_MAX_WORDS = 1_000


@dataclass(frozen=True)
class BagOfWords:
    """The commonest words of some texts, and vectors that say which of them a text has.

    Args:
        words: the words, each with its column; those of a second sentence have columns of their own.

    Examples:
        >>> bag = BagOfWords.of([("Is it a cat?",), ("Is it red?",)])
        >>> sorted(word for _, word in bag.words), bag.vectors([("it, IT, a",)]).tolist()
        (['is', 'it'], [[0.0, 1.0]])
    """

    words: dict[tuple[int, str], int]

    @classmethod
    def of(cls, texts: Sequence[tuple[str, ...]]) -> BagOfWords:
        """Takes the words of at least two texts, the commonest first, up to a fixed number."""
        counts = Counter(word for text in texts for word in sorted(_words(text)))
        common = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))
        return cls({word: column for column, word in enumerate(common[:_MAX_WORDS])})

    def vectors(self, texts: Sequence[tuple[str, ...]]) -> Float[np.ndarray, "n w"]:
        """Returns 1 for each word that a text has, 0 for the others."""
        found = np.zeros((len(texts), len(self.words)))
        for row, text in enumerate(texts):
            found[row, [self.words[word] for word in _words(text) if word in self.words]] = 1.0
        return found


def _words(text: tuple[str, ...]) -> set[tuple[int, str]]:
    return {(place, word) for place, part in enumerate(text) for word in re.findall(r"\w+", part.lower())}
