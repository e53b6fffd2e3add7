"""Predictions of a task from the decoder (section 5.8): generated texts, or names that are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import torch
from jaxtyping import Int
from torch import Tensor

from motet.core import Answer, ConfigError, Label, Prediction, Task, Text, TextPrediction
from motet.nn.generate import BeamSearch, GeneratedTokens, Greedy, Sampling, Strategy, generate
from motet.systems.base import class_predictions
from motet.systems.lit_decoder.decoder import DecoderState, TextDecoder
from motet.systems.lit_decoder.scoring import NameTrie, score_names
from motet.systems.lit_decoder.sequence import Sequences


@dataclass(frozen=True)
class Scoring:
    """Scores every name of a `Label` or a closed `Answer` and predicts the most likely one."""


Decoding: TypeAlias = Strategy | Scoring


def default_decoding(task: Task) -> Decoding:
    """Returns beam search with 4 beams for texts and text reading, greedy for names and answers, as in the paper."""
    return BeamSearch() if isinstance(task.target, Text) or task.category == "ocr" else Greedy()


def answer_names(task: Task) -> tuple[str, ...]:
    """Returns the closed list of answers; empty for a task with free text."""
    return task.target.names if isinstance(task.target, Label | Answer) else ()


@dataclass(frozen=True)
class TaskPrompts:
    """The prompts of r rows of one task.

    Args:
        task: of all rows.
        tokens: start with the prompt; what follows it is ignored.
        lengths: tokens of each prompt.
        answer_start: index of the first token of the prompt that belongs to the answer (`SplitCap`).
    """

    task: Task
    tokens: Int[Tensor, "r t"]
    lengths: Int[Tensor, "r"]
    answer_start: Int[Tensor, "r"]


def answer(
    decoder: TextDecoder,
    state: DecoderState,
    sequences: Sequences,
    prompts: TaskPrompts,
    decoding: Decoding,
    seed: int,
    tries: dict[str, NameTrie],
) -> Sequence[Prediction]:
    """Returns the predictions of r rows.

    Args:
        decoder: in eval mode.
        state: of the rows' memories, before any token.
        sequences: turns tokens into text.
        prompts: of the rows.
        decoding: the strategy.
        seed: of strategies that draw.
        tries: cache of the names of each task that is scored; filled here.

    Raises:
        ConfigError: scoring for a task without names.
    """
    tokens = prompts.tokens[:, : max(int(prompts.lengths.max()), 0)] if len(prompts.lengths) else prompts.tokens
    match decoding:
        case Greedy() | Sampling() | BeamSearch():
            room = sequences.max_tokens - prompts.lengths
            generator = torch.Generator(device=tokens.device).manual_seed(seed % 2**63)
            features, state = decoder.prefill(state, tokens, prompts.lengths)
            generated = generate(
                decoder,
                state,
                decoder.logits(features),
                decoding,
                room,
                prompt_lengths=prompts.lengths,
                generator=generator,
            )
            return _texts(generated, sequences, prompts)
        case Scoring():
            task, names = prompts.task, answer_names(prompts.task)
            if not names:
                raise ConfigError(
                    f"task {task.name!r}: Scoring: got {type(task.target).__name__} without names; want a task with "
                    "a closed list of answers, or another decoding"
                )
            if task.name not in tries:
                tries[task.name] = NameTrie.of([sequences.answer(task, name) for name in names])
            return class_predictions(score_names(decoder, state, tokens, prompts.lengths, tries[task.name]), names)
        case other:
            assert_never(other)


def _texts(generated: GeneratedTokens, sequences: Sequences, prompts: TaskPrompts) -> list[Prediction]:
    texts: list[Prediction] = []
    limit = prompts.task.target.max_words if isinstance(prompts.task.target, Text) else None
    rows = zip(prompts.tokens.tolist(), prompts.answer_start.tolist(), prompts.lengths.tolist(), strict=True)
    answers = zip(generated.best(), generated.log_probs[:, 0].tolist(), strict=True)
    for (tokens, start, stop), (new, log_prob) in zip(rows, answers, strict=True):
        text = sequences.text([*tokens[start:stop], *new])
        if limit is not None and len(text.split()) > limit:
            text = " ".join(text.split()[:limit])
        texts.append(TextPrediction(text, log_prob))
    return texts
