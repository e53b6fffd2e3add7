"""The text of a row as systems read it, and the tokeniser that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from motet.core import Example, Task
from motet.nn.text_encoders import TextConfig
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """Returns a row's sentence or pair of sentences, the first of them in the task's prompt."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)


def build_sentence_tokenizer(text: TextConfig, texts: Callable[[], Iterable[str]]) -> SentenceTokenizer:
    """Returns the tokeniser of a text encoder.

    Args:
        text: configuration of the encoder.
        texts: returns the texts of the run; only called for an encoder whose tokeniser is trained on them.
    """
    if text.trains_words is None:
        return SentenceTokenizer(*text.tokenizer())
    return SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=text.trains_words).build(texts()))
