"""Tokenisers: trained on the run's own texts, or any fast one of the Hugging Face hub; one class, one file of bytes."""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from motet.core import CheckpointError, ConfigError

if TYPE_CHECKING:
    import tokenizers

PAD, EOS = 0, 1


def normalise(text: str) -> str:
    """What any text is before it is cut into pieces: NFC, runs of white space as one space, none at the ends.

    Lone surrogates, which no encoding has, become question marks.

    Examples:
        >>> normalise("  two\\n dogs ")
        'two dogs'
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFC", text).split())


_SHORT, _MOST_KNOWN = 40, 10_000  # characters, texts


class Tokenizer:
    """Texts to ids and back. PAD is 0 and EOS is 1, whatever tokeniser is inside; special pieces stand after all
    others.

    A special piece (a prompt, a separator, a class) is one id, and no text is ever cut into one.

    Args:
        tokenizer: of the `tokenizers` package.
        ids: the id here of each piece of the tokeniser, by its id there.
        specials: names of the special pieces, in order.
        keeps_text: whether decoding gives back the very text; else white space at the ends is dropped.

    Examples:
        >>> words = TrainedTokenizer(size=300).build(["a dog", "two dogs"]).with_specials(["caption"])
        >>> words.decode(words.encode("two dogs"))
        'two dogs'
        >>> words.special("caption") == words.num_pieces - 1
        True
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, ids: Sequence[int], specials: Sequence[str] = ()) -> None:
        self.tokenizer, self.ids, self.specials = tokenizer, tuple(ids), tuple(specials)
        self._there = {here: there for there, here in enumerate(self.ids)}
        self._num_plain = max((*self.ids, EOS)) + 1
        self._special = {name: self._num_plain + i for i, name in enumerate(self.specials)}
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def num_text_ids(self) -> int:
        """Ids that are not special: PAD, EOS and the tokeniser's pieces."""
        return self._num_plain

    @property
    def vocab_size(self) -> int:
        """All ids."""
        return self.num_text_ids + len(self.specials)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without an end. Short ones (names of classes, answers) are kept: they come again."""
        known = self._known.get(text)
        if known is None:
            known = tuple(self.ids[i] for i in self.tokenizer.encode(normalise(text), add_special_tokens=False).ids)
            if len(text) <= _SHORT and len(self._known) < _MOST_KNOWN:
                self._known[text] = known
        return list(known)

    def decode(self, ids: Iterable[int]) -> str:
        """The text up to EOS; special pieces read as their names."""
        texts: list[str] = []
        run: list[int] = []
        for i in _until_eos(ids):
            if i < self.num_text_ids:
                if i in self._there:
                    run.append(self._there[i])
                continue
            texts += [self.tokenizer.decode(run, skip_special_tokens=True), self.specials[i - self.num_text_ids]]
            run = []
        texts.append(self.tokenizer.decode(run, skip_special_tokens=True))
        return " ".join(text for text in (text.strip() for text in texts) if text)

    def special_id(self, name: str) -> int:
        """The id of a special piece.

        Raises:
            ConfigError: there is none of that name.
        """
        if name not in self._special:
            raise ConfigError(f"special piece: got {name!r}; want one of {sorted(self._special)}")
        return self._special[name]

    def with_specials(self, names: Sequence[str]) -> Tokenizer:
        """The same tokeniser with these special pieces.

        Raises:
            ConfigError: a name stands twice.
        """
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if list(names).count(name) > 1})
            raise ConfigError(f"special pieces: got {twice} more than once; want every name once")
        return Tokenizer(self.tokenizer, self.ids, names)

    def to_bytes(self) -> bytes:
        """All but the special pieces, as a file."""
        tokenizer = self.tokenizer.to_str()
        return json.dumps({"tokenizer": tokenizer, "ids": self.ids, "digest": _digest(tokenizer)}).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Tokenizer:
        """What `to_bytes` was called on, without its special pieces.

        Raises:
            CheckpointError: other bytes.
        """
        import tokenizers

        try:
            saved = json.loads(data)
            tokenizer, ids, digest = str(saved["tokenizer"]), [int(i) for i in saved["ids"]], saved["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"saved tokeniser: got {type(error).__name__}: {error}; want a file of motet"
            ) from error
        # The package raises nothing narrower than Exception on a description it cannot read: none of those gets there.
        if _digest(tokenizer) != digest:
            raise CheckpointError("saved tokeniser: got a changed description; want the file as motet wrote it")
        return Tokenizer(tokenizers.Tokenizer.from_str(tokenizer), ids)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def append_eos(ids: Sequence[int], room: int) -> list[int]:
    """The ids with EOS after them, cut to at most `room`; EOS stays ("sticky").

    Source: big_vision `pp/ops_text.py`, eos="sticky".

    Examples:
        >>> end([7, 8, 9], 3)
        [7, 8, 1]
    """
    return [*ids[: max(room - 1, 0)], EOS]


@runtime_checkable
class TokenizerConfig(Protocol):
    """A frozen dataclass of plain values that makes a tokeniser."""

    def build(self, texts: Iterable[str]) -> Tokenizer:
        """The tokeniser; `texts` are the run's, for one that is trained. Raises ConfigError on what cannot be had."""
        ...


@dataclass(frozen=True)
class TrainedTokenizer:
    """A byte-level BPE trained on the run's own texts: nothing is unknown, and any text comes back as `normalise`d.

    Args:
        size: pieces at most, 256 bytes and two more among them; fewer when the texts hold fewer.
        min_count: how often a pair of pieces must occur to become one.

    Raises:
        ConfigError: fewer pieces than there are bytes.
    """

    size: int = 8192
    min_count: int = 2

    def __post_init__(self) -> None:
        if self.size < 258:
            raise ConfigError(f"TrainedTokenizer.size: got {self.size}; want at least 258 (all bytes, PAD and EOS)")
        if self.min_count < 1:
            raise ConfigError(f"TrainedTokenizer.min_count: got {self.min_count}; want at least 1")

    def build(self, texts: Iterable[str]) -> Tokenizer:
        """Trains; the same texts give the same tokeniser, whatever their order."""
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
    """A tokeniser of the Hugging Face hub, or of a folder: mT5's, as in the paper, is ``HfTokenizer("google/mt5-base")``.

    Its padding and end ids become 0 and 1: as they are where they are that already (T5, mT5), else all ids move up by
    two.

    Args:
        name: on the hub, or a folder.
        revision: of the repository on the hub.
    """

    name: str
    revision: str = "main"

    def build(self, texts: Iterable[str]) -> Tokenizer:  # noqa: ARG002  it is trained already
        """Fetches it."""
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
    # A tokeniser that has used its threads warns at every later fork, and the loader forks.
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before
