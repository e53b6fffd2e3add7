"""One sentence or a pair of them as BERT reads them: [CLS] first [SEP] second [SEP], and which token is whose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from motet.core import CheckpointError, ConfigError
from motet.preprocess.tokenizers import Tokenizer, normalise

if TYPE_CHECKING:
    import tokenizers

CLS, SEP, PAD = "[CLS]", "[SEP]", "[PAD]"


class SentenceTokenizer:
    """A tokeniser of sentences and pairs of sentences.

    A text is never cut into special pieces, also not one that spells "[SEP]".

    Args:
        tokenizer: of the `tokenizers` package; adds its own special pieces.
        pad: the id that fills up a batch.

    Examples:
        >>> from motet.preprocess.tokenizers import TrainedTokenizer
        >>> sentences = Sentences.trained(TrainedTokenizer(size=300).build(["a dog", "two dogs"]))
        >>> ids, types = sentences.encode(("a dog", "two"), 12)
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
        """A tokeniser of plain words with BERT's special pieces added behind its own."""
        import tokenizers
        from tokenizers.processors import TemplateProcessing

        tokenizer = tokenizers.Tokenizer.from_str(tokenizer.tokenizer.to_str())
        tokenizer.add_special_tokens([PAD, CLS, SEP])
        ids = {name: int(tokenizer.get_vocab(with_added_tokens=True)[name]) for name in (PAD, CLS, SEP)}
        tokenizer.post_processor = TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(CLS, ids[CLS]), (SEP, ids[SEP])],
        )
        return cls(tokenizer, ids[PAD])

    @property
    def vocab_size(self) -> int:
        """All ids."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    def encode(self, texts: Sequence[str], max_tokens: int) -> tuple[list[int], list[int]]:
        """Ids and, for each, 0 or 1: of which sentence it is. What is too long is cut from the longer sentence's end.

        Args:
            texts: one or two sentences; each may be empty.
            max_tokens: ids at most, special pieces among them.

        Raises:
            ConfigError: other than one or two sentences.
        """
        if len(texts) not in (1, 2):
            raise ConfigError(f"sentences: got {len(texts)}; want one or two")
        if self._limit != max_tokens:
            self.tokenizer.enable_truncation(max_tokens, strategy="longest_first")
            self._limit = max_tokens
        first, *second = (normalise(text) for text in texts)
        found = self.tokenizer.encode(first, second[0] if second else None)
        return list(found.ids), list(found.type_ids)

    def to_bytes(self) -> bytes:
        """All of it as a file; how long texts may be is no part of it."""
        limit, self._limit = self._limit, None
        self.tokenizer.no_truncation()
        described = self.tokenizer.to_str()
        if limit is not None:
            self.tokenizer.enable_truncation(limit, strategy="longest_first")
            self._limit = limit
        return json.dumps({"sentences": described, "pad": self.pad, "digest": _digest(described)}).encode()

    @staticmethod
    def from_bytes(data: bytes) -> SentenceTokenizer:
        """What `to_bytes` was called on.

        Raises:
            CheckpointError: other bytes.
        """
        import tokenizers

        try:
            saved = json.loads(data)
            described, pad, digest = str(saved["sentences"]), int(saved["pad"]), saved["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"saved tokeniser: got {type(error).__name__}: {error}; want a file of motet"
            ) from error
        # The package raises nothing narrower than Exception on a description it cannot read: none of those gets there.
        if _digest(described) != digest:
            raise CheckpointError("saved tokeniser: got a changed description; want the file as motet wrote it")
        return SentenceTokenizer(tokenizers.Tokenizer.from_str(described), pad)

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        other = SentenceTokenizer.from_bytes(state["data"])
        self.tokenizer, self.pad, self._limit = other.tokenizer, other.pad, None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
