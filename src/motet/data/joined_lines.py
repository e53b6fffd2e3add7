"""Neighbouring lines of a text joined until they are long enough."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from motet.core import ConfigError, DataError, Example, Reader


@dataclass(frozen=True)
class JoinedLines:
    """Rows of neighbouring texts joined until they have enough words, so that no step is spent on padding.

    A word is one token at least, so a row is cut by the tokeniser's limit and not short of it.

    Source: the official Uni-Perceiver, `general_corpus.py`, which joins lines of books up to 128 tokens.

    Args:
        reader: rows with one text each, in their order.
        words: least number of words of a row; the last row may have fewer.
        label: the annotation with the text, a tuple of one.

    Raises:
        ConfigError: fewer than one word.
    """

    reader: Reader
    words: int = 128
    label: str = "text"

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ConfigError(f"JoinedLines.words: got {self.words}; want at least 1")
        starts, count = [0], 0
        for index in range(len(self.reader)):
            if count >= self.words:
                starts.append(index)
                count = 0
            count += self._count(index)
        object.__setattr__(self, "_starts", tuple(starts))

    def _count(self, index: int) -> int:
        try:
            return len(self._text(index).split())
        except DataError:
            return 0  # its error is raised when the row is drawn

    def _text(self, index: int) -> str:
        found = self.reader[index].labels[self.label]
        return found if isinstance(found, str) else found[0]

    def __len__(self) -> int:
        return len(self._starts) if len(self.reader) else 0

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns no ids, since rows have no image. Raises IndexError past the end."""
        self._starts[index]
        return ()

    def __getitem__(self, index: int) -> Example:
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.reader)
        text = " ".join(self._text(row) for row in range(start, end))
        return replace(self.reader[start], text=text, labels={self.label: (text,)})

    _starts: ClassVar[tuple[int, ...]] = ()  # set above; no field, so that it is not compared and not saved
