"""Answers of annotators in the form of an answer list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from motet.core import Example, Reader


@dataclass(frozen=True)
class NormalisedAnswers:
    """The rows of a reader with normalised answers, so that "On the table." is the "on table" of an answer list.

    Args:
        reader: rows with "answers", and "answer" where there is one of the majority.
        prepare: normalises an answer, such as `metrics.vqa_words.vocabulary_answer`.
    """

    reader: Reader
    prepare: Callable[[str], str]

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        labels = dict(example.labels)
        if "answers" in labels:
            labels["answers"] = tuple(self.prepare(answer) for answer in labels["answers"])
        if "answer" in labels:
            labels["answer"] = self.prepare(labels["answer"])
        return replace(example, labels=labels)
