"""Predictions of a task from the decoder (section 5.8): generated texts, or names that are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import torch
from jaxtyping import Int
from torch import Tensor

from motet.core import Prediction, Task, Text, TextPrediction
from motet.nn.generate import BeamSearch, GeneratedTokens, Greedy, Sampling, generate
from motet.systems.base import class_predictions
from motet.systems.lit_decoder.decoder import DecoderState, StateDecoder
from motet.systems.lit_decoder.decoding import Decoding, Scoring, names_to_score
from motet.systems.lit_decoder.scoring import NameTrie, score_names
from motet.systems.lit_decoder.sequence import Sequences


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
    decoder: StateDecoder,
    state: DecoderState,
    sequences: Sequences,
    prompts: TaskPrompts,
    decoding: Decoding,
    seed: int,
    tries: dict[tuple[str, int], NameTrie],
) -> Sequence[Prediction]:
    """Returns the predictions of r rows.

    Args:
        decoder: in eval mode.
        state: of the rows' memories, before any token.
        sequences: turns tokens into text.
        prompts: of the rows.
        decoding: the strategy.
        seed: of strategies that draw.
        tries: cache of the names of each task that is scored, by task and places for a name; filled here.

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
            return _scored(decoder, state, sequences, replace(prompts, tokens=tokens), tries)
        case other:
            assert_never(other)


def _scored(
    decoder: StateDecoder,
    state: DecoderState,
    sequences: Sequences,
    prompts: TaskPrompts,
    tries: dict[tuple[str, int], NameTrie],
) -> Sequence[Prediction]:
    task, names = prompts.task, names_to_score(prompts.task)
    encoded = [sequences.answer(task, name) for name in names]
    longest = max(map(len, encoded))
    # A name that is too long behind a long question was cut in training, so it is scored as it was trained.
    places = (sequences.max_tokens - 1 - prompts.lengths).clamp(max=longest)
    scores = torch.empty(len(places), len(names), device=places.device)
    for most in sorted(set(places.tolist())):
        key = (task.name, most)
        if key not in tries:
            tries[key] = NameTrie.of([ids[:most] for ids in encoded])
        rows = (places == most).nonzero()[:, 0]
        scores[rows] = score_names(decoder, state.select(rows), prompts.tokens[rows], prompts.lengths[rows], tries[key])
    return class_predictions(scores, names)


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
