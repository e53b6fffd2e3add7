"""Targets: texts encoded by the network that encodes inputs, kept as long as no weight changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import Task
from motet.preprocess.tokenizers import EOS, PAD
from motet.systems.uni_perceiver.kinds import target_kind
from motet.systems.uni_perceiver.lines import Kind, Line, Span
from motet.systems.uni_perceiver.options import Experts

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver

_AT_ONCE = 2048  # targets encoded together where no gradient is asked for


class Targets:
    """Features of names and words, computed once between updates.

    They are kept only where no gradient is asked for and nothing is dropped, and forgotten when a weight was written.

    Args:
        system: whose weights they come from.
        names: the pieces of each task's names, by task.
    """

    def __init__(self, system: UniPerceiver, names: Mapping[str, Int[Tensor, "k t"]]) -> None:
        self.ids = dict(names)
        self._system = system
        self._stamp: tuple[object, ...] = ()
        self._kept: dict[Hashable, Tensor] = {}

    def texts(self, ids: Int[Tensor, "k t"], kind: Kind) -> Float[Tensor, "k d"]:
        """Features of texts, each encoded behind the special token."""
        if len(ids) > _AT_ONCE and not torch.is_grad_enabled():
            return torch.cat([self.texts(part, kind) for part in torch.split(ids, _AT_ONCE)])
        system = self._system
        x = torch.cat([system.embedding.start(len(ids)), system.embedding.text(ids)], 1)
        valid = torch.cat([ids.new_ones(len(ids), 1, dtype=torch.bool), ids != PAD], 1)
        encoded = system.encoder(Line(x, (Span(x.shape[1], kind),), None if bool(valid.all()) else valid))
        return system.similarity.features(encoded.states[:, 0])

    def names(self, task: Task) -> Float[Tensor, "k d"]:
        """Of a task's names, in order."""
        kind = target_kind(task)
        return self._get((task.name, kind), lambda: self.texts(self.ids[task.name].to(self._system.device), kind))

    def words(self, task: Task) -> Float[Tensor, "v d"]:
        """Every piece that a text may be made of, each as a target of its own; piece i stands at i - 1."""
        kind, blocks = target_kind(task), self._system.config.blocks
        shared = blocks is None or (isinstance(blocks, Experts) and blocks.routing != "task")
        key = ("words", kind.attributes) if shared else ("words", kind)
        return self._get(key, lambda: self.texts(self._pieces(), kind))

    def words_with(self, task: Task, wanted: Int[Tensor, "w"]) -> tuple[Float[Tensor, "v d"], Int[Tensor, "w"]]:
        """Targets that words are told from, and the place of each wanted one: all, or in training a sample."""
        system = self._system
        most, every = system.config.loss.sampled_words, system.reader.num_words
        if most is None or not system.training or most >= every:
            return self.words(task), wanted - EOS
        own = torch.unique(wanted)
        others = torch.randperm(every, device=own.device) + EOS
        others = others[~torch.isin(others, own)][: max(0, most - len(own))]
        pieces = torch.cat([own, others])
        return self.texts(pieces[:, None], target_kind(task)), torch.searchsorted(own, wanted)

    def _pieces(self) -> Int[Tensor, "v 1"]:
        return torch.arange(EOS, self._system.reader.num_words + EOS, device=self._system.device)[:, None]

    def _get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """The features under a key, made where they are not there."""
        system = self._system
        if system.training or torch.is_grad_enabled():
            return make()
        if (stamp := _stamp(system)) != self._stamp:
            self._stamp, self._kept = stamp, {}
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> Targets:
        return Targets(memo.get(id(self._system), self._system), self.ids)


def _stamp(system: nn.Module) -> tuple[object, ...]:
    """Changes when a weight does: each write raises its version, and a move gives it another place."""
    parameters = list(system.parameters())
    places = hash(tuple(parameter.data_ptr() for parameter in parameters))
    kinds = {(parameter.device, parameter.dtype) for parameter in parameters}
    return sum(p._version for p in parameters), places, frozenset(kinds), torch.is_autocast_enabled("cuda")
