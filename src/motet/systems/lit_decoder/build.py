"""Builds the system from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.preprocess.tokenizers import Tokenizer
from motet.systems.lit_decoder.config import TOKENIZER_FILE, LiTDecoderConfig
from motet.systems.lit_decoder.model import LiTDecoder


def build_lit_decoder(
    config: LiTDecoderConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> LiTDecoder:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    tokenizer = config.tokenizer.build(texts()) if assets is None else Tokenizer.from_bytes(assets[TOKENIZER_FILE])
    return LiTDecoder(config, tasks, tokenizer, fetch=assets is None)
