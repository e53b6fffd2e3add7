"""Tokenisers: trained on the texts of a run, or any fast one of the Hugging Face hub, behind one class."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from motet.core import CheckpointError, ConfigError
from motet.core.errors import repeated
from motet.core.normalised_text import normalise as normalise
from motet.core.plain_json import parse_json

if TYPE_CHECKING:
    import tokenizers

PAD, EOS = 0, 1


_MAX_CACHED_CHARS, _MAX_CACHED_TEXTS = 40, 10_000


class Tokenizer:
    """A tokeniser with fixed ids for padding (0) and end of sequence (1), and special tokens after all others.

    A special token (a prompt, a separator, a class) is one id, and no text is ever encoded as one. Nor is it encoded as
    a special token of the inner tokeniser: the "</s>" of a text is encoded character by character.

    Args:
        tokenizer: of the `tokenizers` package.
        ids: the id here of each token of `tokenizer`, indexed by its id there.
        specials: names of the special tokens, in order.

    Examples:
        >>> tokenizer = TrainedTokenizer(size=300).build(["a dog", "two dogs"]).with_specials(["caption"])
        >>> tokenizer.decode(tokenizer.encode("two dogs"))
        'two dogs'
        >>> tokenizer.special_id("caption") == tokenizer.vocab_size - 1
        True
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, ids: Sequence[int], specials: Sequence[str] = ()) -> None:
        self.tokenizer, self.ids, self.specials = tokenizer, tuple(ids), tuple(specials)
        self._inner_id = {own: inner for inner, own in enumerate(self.ids)}
        self._num_text_ids = max((*self.ids, EOS)) + 1
        self._special = {name: self._num_text_ids + i for i, name in enumerate(self.specials)}
        self._cache: dict[str, tuple[int, ...]] = {}
        self._reserved = _reserved(tokenizer, self._inner_id)
        tokenizer.encode_special_tokens = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.tokenizer.encode_special_tokens = True  # the package does not save it

    @property
    def num_text_ids(self) -> int:
        """Number of ids that are not special: PAD, EOS and the tokens of the inner tokeniser."""
        return self._num_text_ids

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return self.num_text_ids + len(self.specials)

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text, without EOS. Short texts (class names, answers) are cached, since they repeat."""
        ids = self._cache.get(text)
        if ids is None:
            ids = tuple(self.ids[i] for i in self._inner_ids(normalise(text)))
            if len(text) <= _MAX_CACHED_CHARS and len(self._cache) < _MAX_CACHED_TEXTS:
                self._cache[text] = ids
        return list(ids)

    def _inner_ids(self, text: str) -> list[int]:
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        found: list[int] = encoding.ids
        if self._reserved.keys().isdisjoint(found):
            return found
        ids: list[int] = []
        for i, (start, end) in zip(found, encoding.offsets, strict=True):
            # The package may still find one in its vocabulary. The token for "unknown" is reserved too, but its
            # name stands in the text only where someone wrote it.
            if i in self._reserved and text[start:end].strip() == self._reserved[i]:
                pieces = (token.id for letter in self._reserved[i] for token in self.tokenizer.model.tokenize(letter))
                ids += [piece for piece in pieces if piece not in self._reserved]
            else:
                ids.append(i)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text up to EOS; special tokens become their names."""
        texts: list[str] = []
        run: list[int] = []
        for i in _until_eos(ids):
            if i < self.num_text_ids:
                if i in self._inner_id:
                    run.append(self._inner_id[i])
                continue
            texts += [self.tokenizer.decode(run, skip_special_tokens=True), self.specials[i - self.num_text_ids]]
            run = []
        texts.append(self.tokenizer.decode(run, skip_special_tokens=True))
        return " ".join(text for text in (text.strip() for text in texts) if text)

    def special_id(self, name: str) -> int:
        """Returns the id of a special token.

        Raises:
            ConfigError: no special token of that name.
        """
        if name not in self._special:
            raise ConfigError(f"special token: got {name!r}; want one of {sorted(self._special)}")
        return self._special[name]

    def with_specials(self, names: Sequence[str]) -> Tokenizer:
        """Returns the same tokeniser with these special tokens.

        Raises:
            ConfigError: a repeated name.
        """
        if len(set(names)) != len(names):
            twice = repeated(names)
            raise ConfigError(f"special tokens: got {twice} more than once; want every name once")
        return Tokenizer(self.tokenizer, self.ids, names)

    def to_bytes(self) -> bytes:
        """Serialises the tokeniser, without its special tokens."""
        tokenizer = self.tokenizer.to_str()
        return json.dumps({"tokenizer": tokenizer, "ids": self.ids, "digest": _digest(tokenizer)}).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Tokenizer:
        """Restores a tokeniser from `to_bytes`, without special tokens.

        Raises:
            CheckpointError: other bytes.
        """
        import tokenizers

        try:
            saved = parse_json(data)
            tokenizer, ids, digest = str(saved["tokenizer"]), [int(i) for i in saved["ids"]], saved["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"saved tokeniser: got {type(error).__name__}: {error}; want a file of motet"
            ) from error
        # The package raises a bare Exception on a description that it cannot read; the digest catches those before.
        if _digest(tokenizer) != digest:
            raise CheckpointError("saved tokeniser: got a changed description; want the file as motet wrote it")
        return Tokenizer(tokenizers.Tokenizer.from_str(tokenizer), ids)


def _reserved(tokenizer: tokenizers.Tokenizer, inner_id: Mapping[int, int]) -> dict[int, str]:
    """Returns the inner tokeniser's special tokens by id, with those that pad and end sequences here."""
    special = {i: token.content for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    fixed = {inner_id[own]: tokenizer.id_to_token(inner_id[own]) for own in (PAD, EOS) if own in inner_id}
    return special | {i: token for i, token in fixed.items() if token is not None}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def append_eos(ids: Sequence[int], max_tokens: int) -> list[int]:
    """Appends EOS and truncates the ids before it to `max_tokens` in total.

    Source: big_vision `pp/ops_text.py`, eos="sticky".

    Examples:
        >>> append_eos([7, 8, 9], 3)
        [7, 8, 1]
    """
    return [*ids[: max(max_tokens - 1, 0)], EOS]


@runtime_checkable
class TokenizerConfig(Protocol):
    """A frozen dataclass of plain values that builds a tokeniser."""

    def build(self, texts: Iterable[str]) -> Tokenizer:
        """Builds the tokeniser; `texts` are the run's, to train on. Raises ConfigError where it cannot be loaded."""
        ...


@dataclass(frozen=True)
class TrainedTokenizer:
    """A byte-level BPE trained on the run's own texts: no token is unknown, and decoding gives the `normalise`d text.

    Args:
        size: largest vocabulary, with 256 bytes, PAD and EOS; smaller where the texts have fewer pairs.
        min_count: number of times that a pair of tokens must occur to be merged.

    Raises:
        ConfigError: a vocabulary smaller than all bytes, PAD and EOS.
    """

    size: int = 8192
    min_count: int = 2

    def __post_init__(self) -> None:
        if self.size < 258:
            raise ConfigError(f"TrainedTokenizer.size: got {self.size}; want at least 258 (all bytes, PAD and EOS)")
        if self.min_count < 1:
            raise ConfigError(f"TrainedTokenizer.min_count: got {self.min_count}; want at least 1")

    def build(self, texts: Iterable[str]) -> Tokenizer:
        """Trains the tokeniser; the result does not depend on the order of the texts."""
        import tokenizers
        from tokenizers import decoders, models, pre_tokenizers, trainers

        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.size - 2,
            min_frequency=self.min_count,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        with _single_threaded():
            tokenizer.train_from_iterator((normalise(text) for text in texts), trainer)
        return Tokenizer(tokenizer, tuple(i + 2 for i in range(tokenizer.get_vocab_size())))


@dataclass(frozen=True)
class HfTokenizer:
    """A tokeniser of the Hugging Face hub, or of a folder; the LiT decoder's is ``HfTokenizer("google/mt5-base")``.

    PAD is 0 and EOS is 1: ids are unchanged where that holds already (T5, mT5), else all ids are shifted by two.

    Args:
        name: on the hub, or a folder.
        revision: of the repository on the hub.
    """

    name: str
    revision: str = "main"

    def build(self, texts: Iterable[str]) -> Tokenizer:  # noqa: ARG002  it is trained already
        """Loads the tokeniser, from the hub or a folder."""
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(self.name, revision=self.revision)
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise ConfigError(f"HfTokenizer.name: got {self.name!r}; {error}") from error
        tokenizer = getattr(loaded, "backend_tokenizer", None)
        if tokenizer is None:
            raise ConfigError(f"HfTokenizer.name: got {self.name!r}, a slow tokeniser; want one with a tokenizer.json")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        count = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        shift = 0 if (loaded.pad_token_id, loaded.eos_token_id) == (PAD, EOS) else 2
        return Tokenizer(tokenizer, tuple(range(shift, count + shift)))


def _until_eos(ids: Iterable[int]) -> Iterator[int]:
    for i in ids:
        if i == EOS:
            return
        if i != PAD:
            yield i


@contextmanager
def _single_threaded() -> Iterator[None]:
    # A tokeniser that has started threads warns at every later fork, and the loader forks.
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before
