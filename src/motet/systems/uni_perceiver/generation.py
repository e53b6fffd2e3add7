"""Texts said about rows: what is given is encoded once, then words follow one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Prediction, Task, Text, TextPrediction
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver.decode import beam_search
from motet.systems.uni_perceiver.inputs import first_position
from motet.systems.uni_perceiver.kinds import text_kind
from motet.systems.uni_perceiver.layers import Past
from motet.systems.uni_perceiver.lines import Line, Span

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver


@dataclass(frozen=True)
class TextStart:
    """Beginnings of texts.

    Args:
        past: of each layer, what is given and the words so far.
        position: of each row's next word.
    """

    past: tuple[Past, ...]
    position: Int[Tensor, "m"]

    def rows(self, index: Int[Tensor, "r"]) -> TextStart:
        """Some of them, in any order, each as often as it is named."""
        return TextStart(tuple(past.rows(index) for past in self.past), self.position[index])


def generate(system: UniPerceiver, task: Task, given: Line) -> list[Prediction]:
    """The likeliest texts, cut at the task's number of words."""
    rows, device = len(given.x), given.x.device
    first = first_position(given)
    position = torch.zeros(rows, dtype=torch.long, device=device) if first is None else first
    speaker = _Speaker(system, task)
    said = beam_search(
        speaker.step,
        TextStart(system.encoder(replace(given, num_open=given.x.shape[1])).past, position),
        rows,
        length=system.config.max_generated,
        end=0,
        saying=system.config.generation,
        device=device,
    )
    found: list[Prediction] = []
    for words, log_prob in zip(said.words, said.log_probs, strict=True):
        text = system.reader.words.decode([word + EOS for word in words])
        if isinstance(task.target, Text):
            text = " ".join(text.split()[: task.target.max_words])
        found.append(TextPrediction(text, log_prob))
    return found


@dataclass(frozen=True)
class _Speaker:
    system: UniPerceiver
    task: Task

    def step(self, begun: TextStart, last: Int[Tensor, "m"] | None) -> tuple[Float[Tensor, "m v"], TextStart]:
        """Reads the last word and a special token behind it, which says the next; only the word is kept."""
        embedding, kind = self.system.embedding, text_kind(self.task, causal=True)
        special = torch.full((len(begun.position), 1), self.system.reader.special, device=begun.position.device)
        x = embedding.text(special, begun.position)
        count = 1
        if last is not None:
            x, count = torch.cat([embedding.text((last + EOS)[:, None], begun.position - 1), x], 1), 2
        readable = torch.ones(count, count, dtype=torch.bool, device=x.device).tril()
        states, own = self.system.encoder.later(x, (Span(count, kind),), readable, begun.past)
        past = begun.past
        if last is not None:
            past = tuple(
                before.longer(now.keys[:, :, :1], now.values[:, :, :1]) for before, now in zip(past, own, strict=True)
            )
        return word_log_probs(self.system, self.task, states[:, -1]), TextStart(past, begun.position + 1)


def word_log_probs(system: UniPerceiver, task: Task, states: Float[Tensor, "m d"]) -> Float[Tensor, "m v"]:
    """Of the next word, from the states of the special tokens that predict it."""
    features = system.similarity.features(states)
    return system.similarity.scores(features, system.targets.words(task), "said").log_softmax(-1)
