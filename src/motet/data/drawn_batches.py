"""Several batches a step, each of a source drawn by itself: how ranks sample their tasks apart from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from motet.core import CheckpointError, ConfigError, Report, Step, nearest, rng_for
from motet.data.sampling_rates import ConcatImages, FixedRates, SamplingRates, measure
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class DrawnBatches:
    """Every step has so many batches, each of one source that is drawn for it alone.

    With as many batches as there are ranks, each rank samples its own task. With more, each has several of them, one
    after the other; so the steps of a run on many ranks can be taken on few, and on one.

    Source: Zhu et al., "Uni-Perceiver-MoE", section 4.1: each GPU samples its task; the official `batch_sampler.py`
    draws them apart from each other.

    Args:
        rates: sizes to probabilities.
        batches: of a step, over all ranks.
        batch_size: rows of a batch, where `batch_sizes` names none.
        batch_sizes: by source.

    Raises:
        ConfigError: a batch without rows, or a step without a batch.
    """

    rates: SamplingRates = field(default_factory=ConcatImages)
    batches: int = 1
    batch_size: int = 128
    batch_sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.batches < 1:
            raise ConfigError(f"DrawnBatches.batches: got {self.batches}; want at least 1")
        for what, size in (("batch_size", self.batch_size), *self.batch_sizes.items()):
            if size < 1:
                raise ConfigError(f"DrawnBatches: batch size {what!r}: got {size}; want at least 1")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> DrawnBatches:
        """The same for some training sources; rates that name sources name these alone."""
        del tasks
        rates = self.rates
        if isinstance(rates, FixedRates):
            rates = FixedRates({name: rate for name, rate in rates.by_source.items() if name in sources})
        return replace(self, rates=rates, batch_sizes={n: s for n, s in self.batch_sizes.items() if n in sources})

    def bind(self, sources: Sequence[Source], *, seed: int) -> DrawnBatchesSchedule:
        """The schedule over these training sources. Raises ConfigError on a name that is no source."""
        names = [source.name for source in sources]
        for name in self.batch_sizes:
            if name not in names:
                raise ConfigError(f"DrawnBatches.batch_sizes: got {name!r}; {nearest(name, names)}")
        return DrawnBatchesSchedule(self, self.rates.probabilities(measure(sources)), seed)


class DrawnBatchesSchedule:
    """The steps of a `DrawnBatches`; nothing that is observed changes them.

    Args:
        spec: how many batches, of what size.
        probabilities: by source name, adding to 1.
        seed: of the draws.
    """

    def __init__(self, spec: DrawnBatches, probabilities: Mapping[str, float], seed: int) -> None:
        self.spec, self.probabilities, self.seed = spec, dict(probabilities), seed
        self._names = [name for name, rate in self.probabilities.items() if rate > 0]
        rates = np.array([self.probabilities[name] for name in self._names])
        self._ends = np.cumsum(rates / rates.sum())[:-1]

    def step(self, index: int, world: int) -> Step:
        """Step `index`: the same batches in all whatever the number of ranks, each rank with its part of them."""
        uniform = rng_for("schedule", self.seed, index).random(self.spec.batches)
        drawn = [self._names[place] for place in np.searchsorted(self._ends, uniform, side="right")]
        batches = [{name: self.spec.batch_sizes.get(name, self.spec.batch_size)} for name in drawn]
        # Dealt out in turns: a mixture takes rows in that order, so a batch has the same rows on any number of ranks.
        return Step(tuple(tuple(batches[rank::world]) for rank in range(world)))

    def due(self, index: int) -> tuple[str, ...]:
        """Nothing: these steps depend on no result. The plan's `evaluate_every` says when to look."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Nothing to learn from."""

    def state_dict(self) -> dict[str, Any]:
        """What the steps are made from, to be checked on resume."""
        return {
            "probabilities": dict(self.probabilities),
            "batches": self.spec.batches,
            "batch_size": self.spec.batch_size,
            "batch_sizes": dict(self.spec.batch_sizes),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from; raises CheckpointError when the saved steps were made from something else."""
        for name, own in self.state_dict().items():
            if state.get(name) != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {state.get(name)}; want {own}")
