"""BERT's encoding of a sentence or a pair: [CLS] first [SEP] second [SEP], with token type ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from motet.core import CheckpointError, ConfigError
from motet.core.plain_json import parse_json
from motet.preprocess.tokenizers import Tokenizer, normalise

if TYPE_CHECKING:
    import tokenizers

CLS, SEP, PAD = "[CLS]", "[SEP]", "[PAD]"


class SentenceTokenizer:
    """A tokeniser of sentences and pairs of sentences.

    A text never becomes a special token, also not one that contains "[SEP]".

    Args:
        tokenizer: of the `tokenizers` package; adds its own special tokens.
        pad: the id of padding.

    Examples:
        >>> from motet.preprocess.tokenizers import TrainedTokenizer
        >>> tokenizer = SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=300).build(["a dog", "two dogs"]))
        >>> ids, types = tokenizer.encode(("a dog", "two"), 12)
        >>> len(ids) == len(types), types[0], types[-1]
        (True, 0, 1)
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, pad: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        self.tokenizer, self.pad = tokenizer, pad
        self._limit: int | None = None

    @classmethod
    def from_tokenizer(cls, tokenizer: Tokenizer) -> SentenceTokenizer:
        """Adds BERT's special tokens to a tokeniser, after its own ids."""
        import tokenizers
        from tokenizers.processors import TemplateProcessing

        extended = tokenizers.Tokenizer.from_str(tokenizer.tokenizer.to_str())
        extended.add_special_tokens([PAD, CLS, SEP])
        ids = {name: int(extended.get_vocab(with_added_tokens=True)[name]) for name in (PAD, CLS, SEP)}
        extended.post_processor = TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(CLS, ids[CLS]), (SEP, ids[SEP])],
        )
        return cls(extended, ids[PAD])

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    def encode(self, texts: Sequence[str], max_tokens: int) -> tuple[list[int], list[int]]:
        """Returns the ids and the token type ids, 0 for the first sentence and 1 for the second.

        Ids beyond `max_tokens` are cut from the end of the longer sentence.

        Args:
            texts: one or two sentences; each may be empty.
            max_tokens: number of ids at most, special ones included.

        Raises:
            ConfigError: another number of sentences.
        """
        if len(texts) not in (1, 2):
            raise ConfigError(f"sentences: got {len(texts)} texts; want one or two")
        if self._limit != max_tokens:
            self.tokenizer.enable_truncation(max_tokens, strategy="longest_first")
            self._limit = max_tokens
        first, *second = (normalise(text) for text in texts)
        encoding = self.tokenizer.encode(first, second[0] if second else None)
        return list(encoding.ids), list(encoding.type_ids)

    def to_bytes(self) -> bytes:
        """Serialises the tokeniser, without its truncation."""
        limit, self._limit = self._limit, None
        self.tokenizer.no_truncation()
        description = self.tokenizer.to_str()
        if limit is not None:
            self.tokenizer.enable_truncation(limit, strategy="longest_first")
            self._limit = limit
        return json.dumps({"sentences": description, "pad": self.pad, "digest": _digest(description)}).encode()

    @staticmethod
    def from_bytes(data: bytes) -> SentenceTokenizer:
        """Restores a tokeniser from `to_bytes`.

        Raises:
            CheckpointError: other bytes.
        """
        import tokenizers

        try:
            saved = parse_json(data)
            description, pad, digest = str(saved["sentences"]), int(saved["pad"]), saved["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"saved tokeniser: got {type(error).__name__}: {error}; want a file of motet"
            ) from error
        # The package raises a bare Exception on a description that it cannot read; the digest catches those before.
        if _digest(description) != digest:
            raise CheckpointError("saved tokeniser: got a changed description; want the file as motet wrote it")
        return SentenceTokenizer(tokenizers.Tokenizer.from_str(description), pad)

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        other = SentenceTokenizer.from_bytes(state["data"])
        self.tokenizer, self.pad, self._limit = other.tokenizer, other.pad, None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
