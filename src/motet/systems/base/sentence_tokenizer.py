"""The tokeniser of a text encoder of the BERT family."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from motet.nn.text_encoders import TextConfig
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer


def build_sentence_tokenizer(text: TextConfig, texts: Callable[[], Iterable[str]]) -> SentenceTokenizer:
    """Returns the tokeniser of a text encoder.

    Args:
        text: configuration of the encoder.
        texts: returns the texts of the run; only called for an encoder whose tokeniser is trained on them.
    """
    if text.trains_words is None:
        return SentenceTokenizer(*text.tokenizer())
    return SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=text.trains_words).build(texts()))
