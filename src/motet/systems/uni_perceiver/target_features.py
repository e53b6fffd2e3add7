"""Features of targets: texts encoded by the network that encodes inputs, cached while no weight changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import chain
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Task
from motet.preprocess.tokenizers import EOS, PAD
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.sequences import Span, TokenSequences
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.token_kinds import TokenKind, target_kind

_CHUNK = 2048  # targets encoded together where no gradient is needed


class TargetFeatures:
    """Encodes names and vocabularies, and caches their features between updates of the weights.

    The cache is used only in evaluation and without gradients. It is emptied when a weight has changed, and when the
    model goes back to training, since PyTorch's fused optimisers change weights without raising their versions.

    Args:
        embedding: of the model.
        encoder: of the model.
        similarity: of the model.
        names: ids of each task's names, by task.
        num_words: size of the vocabulary that words are predicted from, see `UniPerceiverTextInputs.num_words`.
        per_task: a target's features depend on its task, not on its attributes alone.
        word_end: a word that is predicted is encoded as its token and the end, as names are; else as its token alone.
        sampled_words: size of a training sample of that vocabulary; None: all of it.
    """

    def __init__(
        self,
        embedding: Embedding,
        encoder: UnifiedEncoder,
        similarity: Similarity,
        *,
        names: Mapping[str, Int[Tensor, "k t"]],
        num_words: int,
        per_task: bool,
        word_end: bool = True,
        sampled_words: int | None = None,
    ) -> None:
        self.ids = dict(names)
        self._embedding, self._encoder, self._similarity = embedding, encoder, similarity
        self._num_words, self._per_task, self._sampled_words = num_words, per_task, sampled_words
        self._word_end = word_end
        self._weights: tuple[object, ...] = ()
        self._cache: dict[Hashable, Tensor] = {}

    def clear(self) -> None:
        """Empties the cache."""
        self._weights, self._cache = (), {}

    def texts(self, ids: Int[Tensor, "k t"], kind: TokenKind) -> Float[Tensor, "k d"]:
        """Returns features of texts, each encoded behind the special token."""
        if len(ids) > _CHUNK and not torch.is_grad_enabled():
            return torch.cat([self.texts(part, kind) for part in torch.split(ids, _CHUNK)])
        real = ids != PAD
        return self.encode(ids, kind, None if bool(real.all()) else real)

    def encode(
        self, ids: Int[Tensor, "k t"], kind: TokenKind, real: Bool[Tensor, "k t"] | None
    ) -> Float[Tensor, "k d"]:
        """Returns what `texts` does, given the tokens that are not padding; None: all."""
        x = torch.cat([self._embedding.special_token(len(ids)), self._embedding.text(ids)], 1)
        valid = None if real is None else torch.cat([torch.ones_like(real[:, :1]), real], 1)
        encoded = self._encoder(TokenSequences(x, (Span(x.shape[1], kind),), valid))
        return self._similarity.features(encoded.states[:, 0])

    def names(self, task: Task) -> Float[Tensor, "k d"]:
        """Returns features of a task's names, in order."""
        kind = target_kind(task)
        return self._cached((task.name, kind), lambda: self.texts(self.ids[task.name].to(self._embedding.device), kind))

    def words(self, task: Task) -> Float[Tensor, "v d"]:
        """Returns features of every token that a text consists of, each as a target of its own; row i is id i + 1."""
        kind = target_kind(task)
        key = ("words", kind if self._per_task else kind.attributes)
        return self._cached(key, lambda: self.texts(self._word_targets(self._word_ids()), kind))

    def words_with(self, task: Task, ids: Int[Tensor, "w"]) -> tuple[Float[Tensor, "v d"], Int[Tensor, "w"]]:
        """Returns features of words to predict from, and the row of each given id: all words, or in training a sample.

        A sample holds the given ids, and random ones up to its size.
        """
        sampled = self._sampled_words
        if sampled is None or not self._encoder.training or sampled >= self._num_words:
            return self.words(task), ids - EOS
        own = torch.unique(ids)
        others = torch.randperm(self._num_words, device=own.device) + EOS
        others = others[~torch.isin(others, own)][: max(0, sampled - len(own))]
        sample = torch.cat([own, others])
        return self.texts(self._word_targets(sample), target_kind(task)), torch.searchsorted(own, ids)

    def _word_ids(self) -> Int[Tensor, "v"]:
        return torch.arange(EOS, self._num_words + EOS, device=self._embedding.device)

    def _word_targets(self, ids: Int[Tensor, "w"]) -> Int[Tensor, "w t"]:
        """Returns words as the texts that are encoded; the end itself is followed by an end, too."""
        return torch.stack([ids, torch.full_like(ids, EOS)], 1) if self._word_end else ids[:, None]

    def _cached(self, key: Hashable, encode: Callable[[], Tensor]) -> Tensor:
        if self._encoder.training or torch.is_grad_enabled():
            return encode()
        if (weights := self._fingerprint()) != self._weights:
            self._weights, self._cache = weights, {}
        if key not in self._cache:
            self._cache[key] = encode()
        return self._cache[key]

    def _fingerprint(self) -> tuple[object, ...]:
        """Returns a value that changes with the weights: a write raises a version, a move changes an address."""
        modules = (self._embedding, self._encoder, self._similarity)
        parameters = list(chain.from_iterable(module.parameters() for module in modules))
        addresses = hash(tuple(parameter.data_ptr() for parameter in parameters))
        places = {(parameter.device, parameter.dtype) for parameter in parameters}
        return sum(p._version for p in parameters), addresses, frozenset(places), torch.is_autocast_enabled("cuda")

    def __getstate__(self) -> dict[str, Any]:
        # A copy has other weights, to which these features do not belong.
        return {**self.__dict__, "_weights": (), "_cache": {}}
