"""Schedules: configs (`Mixed`) that a run binds to its sources (`MixedSchedule`) and that choose the rows of a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from motet.core import CheckpointError, ConfigError, Report, Step, UpdateForm, rng_for
from motet.data.drawn_batches import DrawnBatches
from motet.data.round_robin import RoundRobin
from motet.data.sampling_rates import ConcatImages, SamplingRates, measure
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Batches of rows drawn from all sources with fixed probabilities.

    Each row of a step has the source s with probability p_s, independently of the others; so the rows of a batch follow
    a multinomial distribution.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.3.

    Args:
        rates: turns the sizes of the sources into the probabilities p_s.
        batch_size: rows per step, over all ranks.
        whole_batches: draw one source per batch, with the same probabilities, instead of one per row.
        round_robin: with `whole_batches`, do not draw: step i takes the source with the largest (i + 1) * p_s - n_s,
            where n_s is the number of its batches so far. With equal rates the sources take turns.

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
            raise ConfigError("Mixed.round_robin: got True with whole_batches=False; want whole_batches=True with it")

    def bind(self, sources: Sequence[Source], *, seed: int) -> MixedSchedule:
        """Returns the schedule over these training sources. Raises ConfigError on a rate for an unknown source."""
        return MixedSchedule(self, self.rates.probabilities(measure(sources)), seed)


class MixedSchedule:
    """The steps of a `Mixed`, which depend on no evaluation.

    Args:
        spec: size and kind of the batches.
        probabilities: by source name, with the sum 1.
        seed: of the draws.
    """

    def __init__(self, spec: Mixed, probabilities: Mapping[str, float], seed: int) -> None:
        self.spec, self.probabilities, self.seed = spec, dict(probabilities), seed
        self._names = [name for name, rate in self.probabilities.items() if rate > 0]
        self._rates = np.array([self.probabilities[name] for name in self._names])
        self._rates /= self._rates.sum()
        self._turns: list[int] = []  # the sequence of round robin so far: a pure function of the rates, cached
        self._deficits = np.zeros(len(self._names))

    def update_form(self) -> UpdateForm:
        """Returns one batch, of one source with `whole_batches`."""
        sizes = dict.fromkeys(self.probabilities, self.spec.batch_size)
        return UpdateForm(batch_sizes=sizes, mixed=not self.spec.whole_batches)

    def step(self, index: int, world: int) -> Step:
        """Returns step `index`. Its rows do not depend on the number of ranks; each rank has its part of them."""
        drawn = self._draw(index)
        ends = [len(drawn) * rank // world for rank in range(world + 1)]
        return Step(tuple(_one_batch(drawn[start:end]) for start, end in pairwise(ends)))

    def due(self, index: int) -> tuple[str, ...]:
        """Returns no tasks: these steps depend on no result. `TrainConfig.evaluate_every` sets the evaluations."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Ignores the report: these steps depend on no result."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the settings that determine the steps, to be compared on resume."""
        spec = self.spec
        return {
            "probabilities": dict(self.probabilities),
            "batch_size": spec.batch_size,
            "whole_batches": spec.whole_batches,
            "round_robin": spec.round_robin,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises CheckpointError when the saved settings differ from these; there is no other state."""
        for name, own in self.state_dict().items():
            if state.get(name) != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {state.get(name)}; want {own}")

    def _draw(self, index: int) -> list[str]:
        """Returns the source of every row of a step, in order."""
        size = self.spec.batch_size
        if self.spec.round_robin:
            return [self._names[self._turn(index)]] * size
        uniform = rng_for("schedule", self.seed, index).random(1 if self.spec.whole_batches else size)
        places = np.searchsorted(np.cumsum(self._rates)[:-1], uniform, side="right")
        names = [self._names[place] for place in places]
        return names * size if self.spec.whole_batches else names

    def _turn(self, index: int) -> int:
        while len(self._turns) <= index:
            self._deficits += self._rates
            # Rounded so that rates which are equal up to float error take turns in a fixed order.
            place = int(np.argmax(np.round(self._deficits, 9)))
            self._deficits[place] -= 1
            self._turns.append(place)
        return self._turns[index]


@dataclass(frozen=True, kw_only=True)
class Exactly:
    """An exact number of rows of each source; the last batch has the remainder.

    A single-task baseline trains with it on as many samples of its task as the joint run it is compared with. All rows
    are in one random order; each row comes once.

    Args:
        rows: number of rows, by source.
        batch_size: rows per batch, over all ranks.
        batch_sizes: rows per batch, by source, with `whole_batches`; `batch_size` for others.
        whole_batches: every batch from one source; the last one of each source has its remainder.
        batches: per step, over all ranks, with `whole_batches`; several of one step make one update.

    Raises:
        ConfigError: no rows, a batch without rows, a step without a batch, or sizes per source of mixed batches.
    """

    rows: Mapping[str, int]
    batch_size: int = 128
    batch_sizes: Mapping[str, int] = field(default_factory=dict)
    whole_batches: bool = False
    batches: int = 1

    def __post_init__(self) -> None:
        for name, size in (("batch_size", self.batch_size), ("batches", self.batches), *self.batch_sizes.items()):
            if size < 1:
                raise ConfigError(f"Exactly.{name}: got {size}; want at least 1")
        if min(self.rows.values(), default=-1) < 0 or not sum(self.rows.values()):
            raise ConfigError(f"Exactly.rows: got {dict(self.rows)}; want at least one row")
        if not self.whole_batches and (self.batch_sizes or self.batches > 1):
            raise ConfigError(
                "Exactly.batch_sizes, batches: got them with whole_batches=False; want whole_batches=True"
            )

    @property
    def steps(self) -> int:
        """Number of steps that take all rows."""
        if not self.whole_batches:
            return -(-sum(self.rows.values()) // self.batch_size)
        return -(-sum(-(-count // self.size_of(name)) for name, count in self.rows.items()) // self.batches)

    def size_of(self, source: str) -> int:
        """Returns the rows per batch of a source."""
        return self.batch_sizes.get(source, self.batch_size)

    def bind(self, sources: Sequence[Source], *, seed: int) -> ExactlySchedule:
        """Returns the schedule over these training sources. Raises ConfigError on the name of an unknown source."""
        names = [source.name for source in sources]
        for field_name, given in (("rows", self.rows), ("batch_sizes", self.batch_sizes)):
            for name in given:
                if name not in names:
                    raise ConfigError(f"Exactly.{field_name}: got {name!r}; want a training source: {', '.join(names)}")
        return ExactlySchedule(self, seed)


class ExactlySchedule:
    """The steps of an `Exactly`: all its rows in one random order, then empty steps."""

    def __init__(self, spec: Exactly, seed: int) -> None:
        self.spec, self._names = spec, list(spec.rows)
        # The order is one of rows, or of whole batches.
        counts = [-(-rows // (spec.size_of(name) if spec.whole_batches else 1)) for name, rows in spec.rows.items()]
        places = np.repeat(np.arange(len(self._names), dtype=np.uint16), counts)
        self._places = places if len(self._names) == 1 else rng_for("schedule", seed).permutation(places)

    def update_form(self) -> UpdateForm:
        """Returns the form of all updates but the last, which may have fewer rows."""
        sizes = {name: self.spec.size_of(name) for name in self._names}
        return UpdateForm(batch_sizes=sizes, batches=self.spec.batches, mixed=not self.spec.whole_batches)

    def step(self, index: int, world: int) -> Step:
        """Returns step `index`; an empty one past the last row.

        The ranks share the rows of a single batch; of several batches each rank has some, as under `DrawnBatches`.
        """
        if self.spec.batches > 1:
            first = index * self.spec.batches
            batches = [_one_batch(self._whole_batch(first + number)) for number in range(self.spec.batches)]
            whole = [batch for (batch,) in filter(None, batches)]
            return Step(tuple(tuple(whole[rank::world]) for rank in range(world)))
        drawn = self._whole_batch(index) if self.spec.whole_batches else self._mixed_batch(index)
        ends = [len(drawn) * rank // world for rank in range(world + 1)]
        return Step(tuple(_one_batch(drawn[start:end]) for start, end in pairwise(ends)))

    def _mixed_batch(self, index: int) -> list[str]:
        size = self.spec.batch_size
        return [self._names[place] for place in self._places[index * size : (index + 1) * size]]

    def _whole_batch(self, number: int) -> list[str]:
        if number >= len(self._places):
            return []
        place = self._places[number]
        name, before = self._names[place], int((self._places[:number] == place).sum())
        size = self.spec.size_of(name)
        return [name] * min(size, self.spec.rows[name] - before * size)

    def due(self, index: int) -> tuple[str, ...]:
        """Returns no tasks: these steps depend on no result."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Ignores the report: these steps depend on no result."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the settings that determine the steps, to be compared on resume."""
        settings: dict[str, Any] = {"rows": dict(self.spec.rows), "batch_size": self.spec.batch_size}
        if self.spec.whole_batches:
            settings |= {
                "batch_sizes": dict(self.spec.batch_sizes),
                "whole_batches": True,
                "batches": self.spec.batches,
            }
        return settings

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises CheckpointError when the saved settings differ from these; there is no other state."""
        if state != self.state_dict():
            raise CheckpointError(f"schedule: got a checkpoint with {state}; want {self.state_dict()}")


def _one_batch(drawn: Sequence[str]) -> tuple[Mapping[str, int], ...]:
    """Returns the rows of a rank as one batch; no batch where it has no row."""
    return (dict(sorted(Counter(drawn).items())),) if drawn else ()


SCHEDULES = {"Mixed": Mixed, "Exactly": Exactly, "RoundRobin": RoundRobin, "DrawnBatches": DrawnBatches}
