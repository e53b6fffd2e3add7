"""Generation of texts: the inputs are encoded once, then words follow one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Batch, Loss, Prediction, Target, Task, Text, TextPrediction
from motet.preprocess.tokenizers import EOS, PAD, Tokenizer
from motet.systems.uni_perceiver.decode import beam_search
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.encoder import Encoded, UnifiedEncoder
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.layers import KeyValueCache
from motet.systems.uni_perceiver.options import GenerationConfig
from motet.systems.uni_perceiver.sequences import Span, TokenSequences
from motet.systems.uni_perceiver.token_kinds import text_kind
from motet.systems.uni_perceiver.vocabulary import Vocabulary


@dataclass(frozen=True)
class GenerationState:
    """Encoded inputs and the words generated so far.

    Args:
        caches: one per layer.
        position: of each row's next word.
    """

    caches: tuple[KeyValueCache, ...]
    position: Int[Tensor, "m"]

    def rows(self, index: Int[Tensor, "r"]) -> GenerationState:
        """Returns some of the rows, in any order, each as often as its index occurs."""
        return GenerationState(tuple(cache.rows(index) for cache in self.caches), self.position[index])


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
        """Returns the most likely texts, cut at the task's number of words."""
        inputs = self.inputs.of_task(task, batch, target)
        generated = beam_search(
            partial(self.step, task),
            self.start(inputs),
            len(inputs.x),
            length=self.max_tokens,
            end=0,
            saying=self.config,
            device=inputs.x.device,
        )
        found: list[Prediction] = []
        for words, log_prob in zip(generated.words, generated.log_probs, strict=True):
            text = self.tokenizer.decode([word + EOS for word in words])
            if isinstance(task.target, Text):
                text = " ".join(text.split()[: task.target.max_words])
            found.append(TextPrediction(text, log_prob))
        return found

    def states(
        self, task: Task, batch: Batch, target: Target
    ) -> tuple[Float[Tensor, "w d"], Encoded, Int[Tensor, "w"]]:
        """Returns the states that predict the words of target texts, all encoded tokens, and the ids of the words."""
        ids = target.value["text_ids"]
        real = ids != PAD
        encoded = self.encoder(self.inputs.with_text(task, self.inputs.of_task(task, batch, target), ids))
        return encoded.states[:, -ids.shape[1] :][real], encoded, ids[real]

    def start(self, inputs: TokenSequences) -> GenerationState:
        """Returns the state before the first word."""
        first = inputs.next_position()
        position = torch.zeros(len(inputs.x), dtype=torch.long, device=inputs.x.device) if first is None else first
        return GenerationState(self.encoder(replace(inputs, prefix_length=inputs.x.shape[1])).caches, position)

    def step(
        self, task: Task, state: GenerationState, last: Int[Tensor, "m"] | None
    ) -> tuple[Float[Tensor, "m v"], GenerationState]:
        """Encodes the last word and a special token behind it, which predicts the next; only the word is cached.

        Args:
            task: whose texts are generated.
            state: before the last word.
            last: indices in the vocabulary of the last words; None at the start.

        Returns:
            Log-probabilities of the next word, and the state after the last one.
        """
        embedding, kind = self._embedding, text_kind(task, causal=True)
        special = torch.full((len(state.position), 1), embedding.special, device=state.position.device)
        x = embedding.text(special, state.position)
        count = 1
        if last is not None:
            x, count = torch.cat([embedding.text((last + EOS)[:, None], state.position - 1), x], 1), 2
        mask = torch.ones(count, count, dtype=torch.bool, device=x.device).tril()
        states, added = self.encoder.extend(x, (Span(count, kind),), mask, state.caches)
        caches = state.caches
        if last is not None:
            caches = tuple(
                cache.append(new.keys[:, :, :1], new.values[:, :, :1]) for cache, new in zip(caches, added, strict=True)
            )
        return self.word_log_probs(task, states[:, -1]), GenerationState(caches, state.position + 1)

    def word_log_probs(self, task: Task, states: Float[Tensor, "m d"]) -> Float[Tensor, "m v"]:
        """Returns log-probabilities of words, from the states of the special tokens that predict them."""
        return self.vocabulary.scores(task, states).log_softmax(-1)

    @property
    def _embedding(self) -> Embedding:
        return self.inputs.embedding
