"""Models of published sizes without their weights: vocabularies of the published lengths, parameters on no device."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import tokenizers
import torch
from tokenizers import models, pre_tokenizers
from torch import nn

from motet.core import System, SystemConfig, Task
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import Tokenizer, TrainedTokenizer
from motet.systems import build_system

BERT_BASE: Mapping[str, Any] = {"model_type": "bert", "vocab_size": 30_522}
"""What transformers' defaults do not say of bert-base-uncased."""


def names(count: int) -> tuple[str, ...]:
    """Returns as many different names."""
    return tuple(f"name {number}" for number in range(count))


def bert_assets() -> dict[str, bytes]:
    """Returns the files of a saved model whose texts BERT-base reads; its tokeniser is never used."""
    words = SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=300).build(["two words"]))
    return {"words.json": words.to_bytes(), "text_encoder.json": json.dumps(BERT_BASE).encode()}


def word_assets(pieces: int) -> dict[str, bytes]:
    """Returns the tokeniser of a saved model, with as many pieces."""
    whole = tokenizers.Tokenizer(models.WordLevel({f"w{n}": n for n in range(pieces)}, unk_token="w0"))
    whole.pre_tokenizer = pre_tokenizers.Whitespace()
    return {"words.json": Tokenizer(whole, range(2, pieces + 2)).to_bytes()}


def on_meta(config: SystemConfig, tasks: Sequence[Task], assets: Mapping[str, bytes]) -> System:
    """Builds a system whose parameters have shapes and no values."""
    with torch.device("meta"):
        return build_system(config, tasks, texts=list, assets=assets)


def millions(module: nn.Module) -> float:
    """Returns the number of parameters, in millions."""
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6
