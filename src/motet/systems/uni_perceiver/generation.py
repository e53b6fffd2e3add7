"""Generation of texts: the input of a row is encoded once, then pieces follow one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Prediction, Task, Text, TextPrediction
from motet.nn.generate import BeamSearch, generate
from motet.nn.generate.step import reordered_rows, selected_rows
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver.inputs import first_position
from motet.systems.uni_perceiver.kinds import text_kind
from motet.systems.uni_perceiver.layers import Past
from motet.systems.uni_perceiver.lines import Line, Span

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver


@dataclass(frozen=True)
class TextState:
    """The texts generated so far: m rows (beams) for each of b inputs.

    Args:
        past: keys and values per layer, of the input and of the text so far.
        position: of each row's next piece.
        num_rows: m.
    """

    past: tuple[Past, ...]
    position: Int[Tensor, "r"]
    num_rows: int = 1

    def select(self, items: Int[Tensor, "a"]) -> TextState:
        """Returns the state of some of the inputs, each with all of its rows."""
        return self._rows(selected_rows(items, self.num_rows), self.num_rows)

    def reorder(self, parents: Int[Tensor, "b m"]) -> TextState:
        """Returns a state with m rows per input: row j of input i continues the input's present row `parents[i, j]`."""
        return self._rows(reordered_rows(parents, self.num_rows), parents.shape[1])

    def _rows(self, index: Int[Tensor, "r"], num_rows: int) -> TextState:
        return TextState(tuple(past.rows(index) for past in self.past), self.position[index], num_rows)


def generate_texts(system: UniPerceiver, task: Task, given: Line) -> list[Prediction]:
    """Returns the most likely text of each row, cut at the task's number of words.

    Source: the official code, `caption_beam_searcher_v3.py`: an end counts where it is among the best `beams` next
    pieces, and only the best text is returned.
    """
    first = first_position(given)
    position = torch.zeros(len(given.x), dtype=torch.long, device=given.x.device) if first is None else first
    model = TextStepModel(system, task)
    logits, state = model.start(
        TextState(system.encoder(replace(given, num_open=given.x.shape[1])).past, position),
    )
    options = system.config.generation
    beam = BeamSearch(num_beams=options.beams, alpha=options.alpha, ends="beams", num_answers=1)
    generated = generate(model, state, logits, beam, system.config.max_generated)
    found: list[Prediction] = []
    for pieces, log_prob in zip(generated.best(), generated.log_probs[:, 0].tolist(), strict=True):
        text = system.reader.words.decode(pieces)
        if isinstance(task.target, Text):
            text = " ".join(text.split()[: task.target.max_words])
        found.append(TextPrediction(text, log_prob))
    return found


@dataclass(frozen=True)
class TextStepModel:
    """The system as a model that predicts one piece of a text after the other.

    A special token behind the text so far predicts the next piece; only the pieces are kept in the state.

    Args:
        system: in eval mode.
        task: the one whose texts are generated.
    """

    system: UniPerceiver
    task: Task

    def start(self, state: TextState) -> tuple[Float[Tensor, "r v"], TextState]:
        """Returns the logits of the first piece, and the state behind it."""
        return self._read(state, None)

    def step(self, state: TextState, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r v"], TextState]:
        """Appends a piece to each row; returns the logits of the next one, PAD's at -inf, and the state behind it."""
        return self._read(state, tokens)

    def _read(self, state: TextState, last: Int[Tensor, "r"] | None) -> tuple[Float[Tensor, "r v"], TextState]:
        embedding, kind = self.system.embedding, text_kind(self.task, causal=True)
        special = torch.full((len(state.position), 1), self.system.reader.special, device=state.position.device)
        x = embedding.text(special, state.position)
        count = 1
        if last is not None:
            x, count = torch.cat([embedding.text(last[:, None], state.position - 1), x], 1), 2
        readable = torch.ones(count, count, dtype=torch.bool, device=x.device).tril()
        states, own = self.system.encoder.later(x, (Span(count, kind),), readable, state.past)
        past = state.past
        if last is not None:
            past = tuple(
                before.longer(now.keys[:, :, :1], now.values[:, :, :1]) for before, now in zip(past, own, strict=True)
            )
        # The vocabulary of targets begins at EOS: PAD is put before it, so that places are piece ids.
        logits = F.pad(word_scores(self.system, self.task, states[:, -1]), (EOS, 0), value=-torch.inf)
        return logits, TextState(past, state.position + 1, state.num_rows)


def word_scores(system: UniPerceiver, task: Task, states: Float[Tensor, "m d"]) -> Float[Tensor, "m v"]:
    """Returns the logits of the next piece, from the states of the special tokens that predict it."""
    features = system.similarity.features(states)
    return system.similarity.scores(features, system.targets.words(task), "said")
