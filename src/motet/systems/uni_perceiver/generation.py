"""Generation of texts: the inputs are encoded once, then words follow one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Batch, Loss, Prediction, Target, Task, Text, TextPrediction, WordScores
from motet.nn.generate import FixedBeams, fixed_beam_search
from motet.nn.generate.step import SpecialIds, StepModel, reordered_rows, selected_rows
from motet.preprocess.tokenizers import EOS, PAD, Tokenizer
from motet.systems.uni_perceiver.answers import word_scores
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.encoder import Encoded, UnifiedEncoder
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.layers import KeyValueCache
from motet.systems.uni_perceiver.options import GenerationConfig
from motet.systems.uni_perceiver.sequences import Span, TokenSequences
from motet.systems.uni_perceiver.token_kinds import text_kind
from motet.systems.uni_perceiver.vocabulary import Vocabulary


@dataclass(frozen=True)
class TextState:
    """The texts generated so far: m rows (beams) for each of b inputs; a `DecodingState`.

    Args:
        caches: keys and values per layer, of the input and of the text so far.
        position: of each row's next token.
        num_rows: m.
    """

    caches: tuple[KeyValueCache, ...]
    position: Int[Tensor, "r"]
    num_rows: int = 1

    def select(self, items: Int[Tensor, "a"]) -> TextState:
        """Returns the state of some of the inputs, each with all of its rows."""
        return self._rows(selected_rows(items, self.num_rows), self.num_rows)

    def reorder(self, parents: Int[Tensor, "b m"]) -> TextState:
        """Returns a state with m rows per input: row j of input i continues the input's present row `parents[i, j]`."""
        return self._rows(reordered_rows(parents, self.num_rows), parents.shape[1])

    def _rows(self, index: Int[Tensor, "r"], num_rows: int) -> TextState:
        return TextState(tuple(cache.rows(index) for cache in self.caches), self.position[index], num_rows)


@dataclass(frozen=True)
class TextStepModel:
    """Predicts the texts of a task token by token; a `StepModel`.

    A special token behind the text so far predicts the next token; only the text itself is kept in the state.

    Args:
        embedding: of the model.
        encoder: of the model, in eval mode.
        vocabulary: of the model.
        task: whose texts are generated.
    """

    embedding: Embedding
    encoder: UnifiedEncoder
    vocabulary: Vocabulary
    task: Task

    def start(self, inputs: TokenSequences) -> tuple[Float[Tensor, "b v"], TextState]:
        """Encodes the inputs; returns the logits of the first token, and the state."""
        first = inputs.next_position()
        position = torch.zeros(len(inputs.x), dtype=torch.long, device=inputs.x.device) if first is None else first
        caches = self.encoder(replace(inputs, prefix_length=inputs.x.shape[1])).caches
        return self._next(TextState(caches, position), None)

    def step(self, state: TextState, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r v"], TextState]:
        """Appends a token to each row; returns the logits of the next one, PAD's at -inf, and the state with it."""
        return self._next(state, tokens)

    def _next(self, state: TextState, last: Int[Tensor, "r"] | None) -> tuple[Float[Tensor, "r v"], TextState]:
        special = torch.full((len(state.position), 1), self.embedding.special, device=state.position.device)
        x = self.embedding.text(special, state.position)
        count = 1
        if last is not None:
            x, count = torch.cat([self.embedding.text(last[:, None], state.position - 1), x], 1), 2
        span = Span(count, text_kind(self.task, causal=True))
        mask = torch.ones(count, count, dtype=torch.bool, device=x.device).tril()
        states, added = self.encoder.extend(x, (span,), mask, state.caches)
        caches = state.caches
        if last is not None:
            caches = tuple(
                cache.append(new.keys[:, :, :1], new.values[:, :, :1]) for cache, new in zip(caches, added, strict=True)
            )
        # The vocabulary begins at EOS: with PAD before it, indices are token ids.
        logits = F.pad(self.vocabulary.scores(self.task, states[:, -1]), (EOS, 0), value=-torch.inf)
        return logits, TextState(caches, state.position + 1, state.num_rows)


@dataclass(frozen=True)
class TextGenerator:
    """Generates texts word by word.

    Args:
        inputs: of the model.
        encoder: of the model.
        vocabulary: of the model.
        tokenizer: of the model.
        max_tokens: of a generated text, with its end.
        config: of the search.
    """

    inputs: InputSequences
    encoder: UnifiedEncoder
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    max_tokens: int
    config: GenerationConfig

    def loss(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, Encoded]:
        """Returns the loss over the words of target texts, and the encoded inputs and texts."""
        states, encoded, ids = self.states(task, batch, target)
        return self.vocabulary.loss(task, states, ids), encoded

    def predict(self, task: Task, batch: Batch, target: Target) -> list[Prediction]:
        """Returns the most likely text of each row, cut at the task's number of words.

        Source: the official code, `caption_beam_searcher_v3.py`.
        """
        model = self.step_model(task)
        logits, state = model.start(self.inputs.of_task(task, batch, target))
        return self.search(task, model, logits, state, self._words_of_annotations(task, batch, target))

    def search(
        self,
        task: Task,
        model: StepModel[TextState],
        logits: Float[Tensor, "b v"],
        state: TextState,
        words: Sequence[WordScores | None] = (),
    ) -> list[Prediction]:
        """Returns the most likely text of each row; reads no weight itself.

        Args:
            task: whose texts are generated.
            model: of the task.
            logits: of each row's first token.
            state: before it.
            words: how the words of each row's annotation are predicted; none by default.
        """
        beam = FixedBeams(num_beams=self.config.num_beams, length_penalty=self.config.length_penalty)
        limits = torch.full((len(logits),), self.max_tokens, device=logits.device)
        generated = fixed_beam_search(model, state, logits, limits, SpecialIds(), beam)
        of_rows = words or [None] * len(logits)
        found: list[Prediction] = []
        for ids, log_prob, of_row in zip(generated.best(), generated.log_probs[:, 0].tolist(), of_rows, strict=True):
            text = self.tokenizer.decode(ids)
            if isinstance(task.target, Text):
                text = " ".join(text.split()[: task.target.max_words])
            found.append(TextPrediction(text, log_prob, of_row))
        return found

    def _words_of_annotations(self, task: Task, batch: Batch, target: Target) -> Sequence[WordScores | None]:
        """Returns how the words of each row's target text are predicted, each from those before it, if it is asked."""
        if "text_ids" not in target.value:
            return [None] * len(target.rows)  # no row of the batch has an annotation
        counts = (target.value["text_ids"] != PAD).sum(-1).tolist()
        if not any(metric().reads_words for metric in task.metrics) or not sum(counts):
            return [None] * len(counts)
        states, _, ids = self.states(task, batch, target)
        scores = word_scores(self.vocabulary.scores(task, states), ids, counts)
        return [found if count else None for found, count in zip(scores, counts, strict=True)]

    def states(
        self, task: Task, batch: Batch, target: Target
    ) -> tuple[Float[Tensor, "w d"], Encoded, Int[Tensor, "w"]]:
        """Returns the states that predict the words of target texts, all encoded tokens, and the ids of the words."""
        ids = target.value["text_ids"]
        real = ids != PAD
        encoded = self.encoder(self.inputs.with_text(task, self.inputs.of_task(task, batch, target), ids))
        return encoded.states[:, -ids.shape[1] :][real], encoded, ids[real]

    def step_model(self, task: Task) -> TextStepModel:
        """Returns the model that generates a task's texts token by token."""
        return TextStepModel(self.inputs.embedding, self.encoder, self.vocabulary, task)
