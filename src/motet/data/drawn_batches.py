"""Steps of several batches, each from one source that is drawn independently, as when every rank samples a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from motet.core import CheckpointError, ConfigError, Report, Step, UpdateForm, nearest, rng_for
from motet.data.sampling_rates import ConcatImages, SamplingRates, measure
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class DrawnBatches:
    """A fixed number of batches per step, each from one source that is drawn independently of the others.

    In step i the source of batch b is s with probability p_s, for b = 1 ... `batches`. With as many batches as ranks,
    each rank draws its own task. With more batches each rank has several of them, one after the other: so the steps of
    a run on many GPUs can be repeated on few, or on one.

    Source: Zhu et al., "Uni-Perceiver-MoE", section 4.1: each GPU samples its task; the official `batch_sampler.py`
    draws them independently.

    Args:
        rates: turns the sizes of the sources into the probabilities p_s.
        batches: per step, over all ranks.
        batch_size: rows per batch of every source that `batch_sizes` does not name.
        batch_sizes: rows per batch, by source.

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
        for name, size in (("batch_size", self.batch_size), *self.batch_sizes.items()):
            if size < 1:
                raise ConfigError(f"DrawnBatches: batch size {name!r}: got {size}; want at least 1")

    def bind(self, sources: Sequence[Source], *, seed: int) -> DrawnBatchesSchedule:
        """Returns the schedule over these training sources. Raises ConfigError on the name of an unknown source."""
        names = [source.name for source in sources]
        for name in self.batch_sizes:
            if name not in names:
                raise ConfigError(f"DrawnBatches.batch_sizes: got {name!r}; {nearest(name, names)}")
        return DrawnBatchesSchedule(self, self.rates.probabilities(measure(sources)), seed)


class DrawnBatchesSchedule:
    """The steps of a `DrawnBatches`, which depend on no evaluation.

    Args:
        spec: number and size of the batches.
        probabilities: by source name, with the sum 1.
        seed: of the draws.
    """

    def __init__(self, spec: DrawnBatches, probabilities: Mapping[str, float], seed: int) -> None:
        self.spec, self.probabilities, self.seed = spec, dict(probabilities), seed
        self._names = [name for name, rate in self.probabilities.items() if rate > 0]
        rates = np.array([self.probabilities[name] for name in self._names])
        self._ends = np.cumsum(rates / rates.sum())[:-1]

    def update_form(self) -> UpdateForm:
        """Returns `batches` batches of one source each."""
        sizes = {name: self.spec.batch_sizes.get(name, self.spec.batch_size) for name in self.probabilities}
        return UpdateForm(batch_sizes=sizes, batches=self.spec.batches)

    def step(self, index: int, world: int) -> Step:
        """Returns step `index`. Its batches do not depend on the number of ranks; each rank has its part of them."""
        uniform = rng_for("schedule", self.seed, index).random(self.spec.batches)
        drawn = [self._names[place] for place in np.searchsorted(self._ends, uniform, side="right")]
        batches = [{name: self.spec.batch_sizes.get(name, self.spec.batch_size)} for name in drawn]
        # Batch b goes to rank b mod world: a mixture takes rows in that order, so a batch has the same rows on any
        # number of ranks.
        return Step(tuple(tuple(batches[rank::world]) for rank in range(world)))

    def due(self, index: int) -> tuple[str, ...]:
        """Returns no tasks: these steps depend on no result. `TrainConfig.evaluate_every` sets the evaluations."""
        del index
        return ()

    def observe(self, report: Report) -> None:
        """Ignores the report: these steps depend on no result."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the settings that determine the steps, to be compared on resume."""
        return {
            "probabilities": dict(self.probabilities),
            "batches": self.spec.batches,
            "batch_size": self.spec.batch_size,
            "batch_sizes": dict(self.spec.batch_sizes),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises CheckpointError when the saved settings differ from these; there is no other state."""
        for name, own in self.state_dict().items():
            if state.get(name) != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {state.get(name)}; want {own}")
