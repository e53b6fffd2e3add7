"""Which sources feed a step, as values: `Mixed` is what a recipe says, `MixedSchedule` what the run asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from motet.core import CheckpointError, ConfigError, Report, Step, rng_for
from motet.data.drawn_batches import DrawnBatches
from motet.data.round_robin import RoundRobin
from motet.data.sampling_rates import ConcatImages, SamplingRates, measure
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Batches drawn from all sources with fixed probabilities.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.3: the
    default draws every row of a batch on its own.

    Args:
        rates: sizes to probabilities.
        batch_size: rows of a step, over all ranks.
        whole_batches: every batch from one source, drawn with the same probabilities.
        round_robin: with `whole_batches`: not drawn; the source that is furthest behind its share comes next, so that
            equal rates take turns.

    Raises:
        ConfigError: a batch without rows, or `round_robin` without `whole_batches`.
    """

    rates: SamplingRates = field(default_factory=ConcatImages)
    batch_size: int = 128
    whole_batches: bool = False
    round_robin: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"Mixed.batch_size: got {self.batch_size}; want at least 1")
        if self.round_robin and not self.whole_batches:
            raise ConfigError("Mixed.round_robin: got it without whole_batches; want whole_batches=True with it")

    def bind(self, sources: Sequence[Source], *, seed: int) -> MixedSchedule:
        """The schedule over these training sources. Raises ConfigError on a rate for a name that is no source."""
        return MixedSchedule(self, self.rates.probabilities(measure(sources)), seed)


class MixedSchedule:
    """The steps of a `Mixed`; nothing that is observed changes them.

    Args:
        spec: batch size and kind.
        probabilities: by source name, adding to 1.
        seed: of the draws.
    """

    def __init__(self, spec: Mixed, probabilities: Mapping[str, float], seed: int) -> None:
        self.spec, self.probabilities, self.seed = spec, dict(probabilities), seed
        self._names = [name for name, rate in self.probabilities.items() if rate > 0]
        self._rates = np.array([self.probabilities[name] for name in self._names])
        self._rates /= self._rates.sum()
        self._turns: list[int] = []  # round robin's sequence so far: a pure function of the rates, kept for speed
        self._behind = np.zeros(len(self._names))

    def step(self, index: int, world: int) -> Step:
        """Step `index`: the same rows in all whatever the number of ranks, each rank with its part of them."""
        drawn = self._draw(index)
        ends = [len(drawn) * rank // world for rank in range(world + 1)]
        return Step(tuple(_one_batch(drawn[start:end]) for start, end in pairwise(ends)))

    def due(self, index: int) -> tuple[str, ...]:
        """Nothing: these steps depend on no result. The plan's `evaluate_every` says when to look."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Nothing to learn from."""

    def state_dict(self) -> dict[str, Any]:
        """What the steps are made from, to be checked on resume."""
        spec = self.spec
        return {
            "probabilities": dict(self.probabilities),
            "batch_size": spec.batch_size,
            "whole_batches": spec.whole_batches,
            "round_robin": spec.round_robin,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from; raises CheckpointError when the saved steps were made from something else."""
        for name, own in self.state_dict().items():
            if state.get(name) != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {state.get(name)}; want {own}")

    def _draw(self, index: int) -> list[str]:
        """The source of every row of a step, in order."""
        size = self.spec.batch_size
        if self.spec.round_robin:
            return [self._names[self._turn(index)]] * size
        uniform = rng_for("schedule", self.seed, index).random(1 if self.spec.whole_batches else size)
        places = np.searchsorted(np.cumsum(self._rates)[:-1], uniform, side="right")
        names = [self._names[place] for place in places]
        return names * size if self.spec.whole_batches else names

    def _turn(self, index: int) -> int:
        while len(self._turns) <= index:
            self._behind += self._rates
            place = int(np.argmax(np.round(self._behind, 9)))
            self._behind[place] -= 1
            self._turns.append(place)
        return self._turns[index]


@dataclass(frozen=True, kw_only=True)
class Exactly:
    """So many rows of each source, each exactly, in batches of one size; the last batch has what is left.

    A single-task twin sees with it as many rows of its task as the run it is compared with.

    Args:
        rows: by source.
        batch_size: rows of a step, over all ranks.
        whole_batches: every batch from one source; the last one of each has what is left of it.

    Raises:
        ConfigError: no rows, or a batch without rows.
    """

    rows: Mapping[str, int]
    batch_size: int = 128
    whole_batches: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"Exactly.batch_size: got {self.batch_size}; want at least 1")
        if min(self.rows.values(), default=-1) < 0 or not sum(self.rows.values()):
            raise ConfigError(f"Exactly.rows: got {dict(self.rows)}; want at least one row")

    @property
    def steps(self) -> int:
        """How many steps take them all."""
        piles = self.rows.values() if self.whole_batches else (sum(self.rows.values()),)
        return sum(-(-pile // self.batch_size) for pile in piles)

    def bind(self, sources: Sequence[Source], *, seed: int) -> ExactlySchedule:
        """The schedule over these training sources. Raises ConfigError on a name that is no source."""
        names = [source.name for source in sources]
        for name in self.rows:
            if name not in names:
                raise ConfigError(f"Exactly.rows: got {name!r}; want a training source: {', '.join(names)}")
        return ExactlySchedule(self, seed)


class ExactlySchedule:
    """The steps of an `Exactly`: all its rows in one order drawn by seed; none are left after the last."""

    def __init__(self, spec: Exactly, seed: int) -> None:
        self.spec, self._names = spec, list(spec.rows)
        # In whole batches it is batches that are put in order.
        size = spec.batch_size if spec.whole_batches else 1
        piles = [-(-rows // size) for rows in spec.rows.values()]
        places = np.repeat(np.arange(len(self._names), dtype=np.uint16), piles)
        self._places = places if len(self._names) == 1 else rng_for("schedule", seed).permutation(places)

    def step(self, index: int, world: int) -> Step:
        """Step `index`; past the last row a step in which nothing may run."""
        drawn = self._whole(index) if self.spec.whole_batches else self._mixed(index)
        ends = [len(drawn) * rank // world for rank in range(world + 1)]
        return Step(tuple(_one_batch(drawn[start:end]) for start, end in pairwise(ends)))

    def _mixed(self, index: int) -> list[str]:
        size = self.spec.batch_size
        return [self._names[place] for place in self._places[index * size : (index + 1) * size]]

    def _whole(self, index: int) -> list[str]:
        if index >= len(self._places):
            return []
        place = self._places[index]
        name, before = self._names[place], int((self._places[:index] == place).sum())
        return [name] * min(self.spec.batch_size, self.spec.rows[name] - before * self.spec.batch_size)

    def due(self, index: int) -> tuple[str, ...]:
        """Nothing."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Nothing to learn from."""

    def state_dict(self) -> dict[str, Any]:
        """What the steps are made from, to be checked on resume."""
        whole = {"whole_batches": True} if self.spec.whole_batches else {}
        return {"rows": dict(self.spec.rows), "batch_size": self.spec.batch_size} | whole

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from; raises CheckpointError when the saved steps were made from something else."""
        if state != self.state_dict():
            raise CheckpointError(f"schedule: got a checkpoint with {state}; want {self.state_dict()}")


def _one_batch(drawn: Sequence[str]) -> tuple[Mapping[str, int], ...]:
    """A rank's rows as one batch; no batch where no row fell to it."""
    return (dict(sorted(Counter(drawn).items())),) if drawn else ()


SCHEDULES = {"Mixed": Mixed, "Exactly": Exactly, "RoundRobin": RoundRobin, "DrawnBatches": DrawnBatches}
