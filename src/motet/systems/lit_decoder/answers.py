"""From what the decoder read to answers in the task's own space (section 5.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Answer, ClassPrediction, ConfigError, Label, Prediction, Task, Text
from motet.core import TextPrediction as Said
from motet.nn.generate import BeamSearch, GeneratedTokens, Greedy, Sampling, Strategy, generate
from motet.systems.lit_decoder.decoder import DecoderState, TextDecoder
from motet.systems.lit_decoder.scoring import NameTrie, score_names
from motet.systems.lit_decoder.sequence import Sequences


@dataclass(frozen=True)
class Scoring:
    """Every name of a `Label` or a closed `Answer` is scored, and the likeliest one is chosen."""


Decoding: TypeAlias = Strategy | Scoring


def default_decoding(task: Task) -> Decoding:
    """Beam search with 4 beams for texts and text reading, greedy for names and answers, as in the paper."""
    return BeamSearch() if isinstance(task.target, Text) or task.category == "ocr" else Greedy()


def names_of(task: Task) -> tuple[str, ...]:
    """What can be chosen; nothing where any words may be said."""
    return task.target.names if isinstance(task.target, Label | Answer) else ()


@dataclass(frozen=True)
class TaskInputs:
    """What is given of r rows of one task.

    Args:
        task: whose.
        tokens: prefix first; what follows it is not read.
        prefix: how many tokens are given.
        answer_start: from which of them on they are the answer.
    """

    task: Task
    tokens: Int[Tensor, "r t"]
    prefix: Int[Tensor, "r"]
    answer_start: Int[Tensor, "r"]


def answer(
    decoder: TextDecoder,
    state: DecoderState,
    sequences: Sequences,
    asked: TaskInputs,
    decoding: Decoding,
    seed: int,
    tries: dict[str, NameTrie],
) -> Sequence[Prediction]:
    """The answers to r rows.

    Args:
        decoder: in eval mode.
        state: of the rows' memories, before any token.
        sequences: tokens to text.
        asked: the rows.
        decoding: how answers are found.
        seed: of strategies that draw.
        tries: of names that were scored before, by task; filled here.

    Raises:
        ConfigError: scoring where there are no names.
    """
    prefixes = asked.tokens[:, : max(int(asked.prefix.max()), 0)] if len(asked.prefix) else asked.tokens
    match decoding:
        case Greedy() | Sampling() | BeamSearch():
            room = sequences.max_tokens - asked.prefix
            generator = torch.Generator(device=prefixes.device).manual_seed(seed % 2**63)
            features, state = decoder.prefill(state, prefixes, asked.prefix)
            found = generate(
                decoder,
                state,
                decoder.logits(features),
                decoding,
                room,
                prompt_lengths=asked.prefix,
                generator=generator,
            )
            return _said(found, sequences, asked)
        case Scoring():
            names = names_of(asked.task)
            if not names:
                raise ConfigError(f"task {asked.task.name!r}: Scoring: got no names to choose from; want a closed task")
            if asked.task.name not in tries:
                tries[asked.task.name] = NameTrie.of([sequences.answer(asked.task, name) for name in names])
            scores = score_names(decoder, state, prefixes, asked.prefix, tries[asked.task.name])
            return _chosen(scores, names)
        case other:
            assert_never(other)


def _said(found: GeneratedTokens, sequences: Sequences, asked: TaskInputs) -> list[Prediction]:
    said: list[Prediction] = []
    limit = asked.task.target.max_words if isinstance(asked.task.target, Text) else None
    given = zip(asked.tokens.tolist(), asked.answer_start.tolist(), asked.prefix.tolist(), strict=True)
    for (tokens, start, stop), new, log_prob in zip(given, found.best(), found.log_probs[:, 0].tolist(), strict=True):
        text = sequences.text([*tokens[start:stop], *new])
        if limit is not None and len(text.split()) > limit:
            text = " ".join(text.split()[:limit])
        said.append(Said(text, log_prob))
    return said


def _chosen(scores: Float[Tensor, "r k"], names: tuple[str, ...]) -> list[Prediction]:
    best = scores.argmax(dim=1).tolist()
    return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]
