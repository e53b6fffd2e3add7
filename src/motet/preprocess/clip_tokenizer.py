"""CLIP's tokeniser from its published files, without the hub."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from motet.core import ConfigError
from motet.preprocess.tokenizers import Tokenizer

FILES = ("bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt", "merges.txt")
NUM_MERGES = 49_152 - 256 - 2
"""Merges that are used of the published file, which lists more."""
WORD_END = "</w>"
# The official tokeniser lowers a text before it cuts it.
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True)
class ClipTokenizer:
    """The byte-pair tokeniser of CLIP and of Uni-Perceiver; texts are lowered.

    A token's id is that of the published vocabulary plus two (PAD is 0, EOS is 1): 256 bytes, 256 bytes that end a
    word, and the merges in their order. Texts are not repaired as by `ftfy`, which the official code uses: characters
    of a wrong encoding stay as they are.

    Source: openai/CLIP `simple_tokenizer.py`; the official Uni-Perceiver, `tokenization_clip.py`.

    Args:
        path: `bpe_simple_vocab_16e6.txt.gz` of openai/CLIP (and of Uni-Perceiver's repository), `merges.txt` of
            openai/clip-vit-base-patch32, or a folder with one of them.

    Raises:
        ConfigError: when it is built: no such file, or one with other lines.
    """

    path: Path | str

    def build(self, texts: Iterable[str]) -> Tokenizer:  # noqa: ARG002  it is trained already
        """Reads the merges."""
        import tokenizers
        from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers

        merges = self._merges()
        letters = _byte_letters()
        names = [*letters, *(letter + WORD_END for letter in letters), *("".join(pair) for pair in merges)]
        vocabulary = {name: index for index, name in enumerate(names)}
        try:
            model = models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=WORD_END)
        except Exception as error:  # the package raises no other kind
            raise ConfigError(f"{self.path}: got {error}; want merges of letters and earlier merges") from error
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.normalizer = normalizers.Lowercase()
        split = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
        tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace(WORD_END, " ")])
        # Tokens of two merges with the same letters have the later id, as in a dict of the official code.
        return Tokenizer(tokenizer, tuple(range(2, len(names) + 2)))

    def _merges(self) -> list[tuple[str, str]]:
        path = self._file()
        try:
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: got {error}; want a published file of CLIP's merges") from error
        lines = text.split("\n")[1 : NUM_MERGES + 1]  # the first line is a title
        merges = [tuple(line.split()) for line in lines if line.strip()]
        for place, parts in enumerate(merges, 2):
            if len(parts) != 2:
                raise ConfigError(f"{path}, line {place}: got {' '.join(parts)[:60]!r}; want two tokens to merge")
        if len(merges) != NUM_MERGES:
            raise ConfigError(f"{path}: got {len(merges):,} merges; want {NUM_MERGES:,}, as in CLIP's published file")
        return [(parts[0], parts[1]) for parts in merges]

    def _file(self) -> Path:
        path = Path(self.path)
        if not path.is_dir():
            return path
        found = next((path / name for name in FILES if (path / name).is_file()), None)
        if found is None:
            raise ConfigError(f"{path}: got none of {', '.join(FILES)}; want a published file of CLIP's merges")
        return found


def _byte_letters() -> list[str]:
    """Returns the letter that stands for each byte, printable ones first, in the order of the official vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]
