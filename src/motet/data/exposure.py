"""Counts of the samples that each source contributes to a run, before the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.data.mixture import Mixture
from motet.data.sampling_rates import SourceSize, measure


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """The samples that one source contributes to a run.

    Args:
        source: its name.
        tasks: the names of its tasks.
        rows: number of its rows.
        images: number of its different images.
        unique: the sum over its images of 1 / the number of sources that have the image.
        samples: rows of it that the run takes, repeated ones counted again.
        share: `samples` as a share of the rows that the run takes of all sources.
        epochs: number of passes over the source.
    """

    source: str
    tasks: tuple[str, ...]
    rows: int
    images: int
    unique: float
    samples: int
    share: float
    epochs: float

    def line(self) -> str:
        """Formats the count as one line of a log: ``vqa: 14,200 rows, 3.2 epochs``."""
        return f"{self.source}: {self.samples:,} rows, {self.epochs:.1f} epochs"


def count_samples(mixture: Mixture, steps: int) -> tuple[SampleCounts, ...]:
    """Counts the samples of every source over a run by reading each step of the schedule.

    The counts are exact for a schedule that depends on no evaluation. For one that does (stop-and-go) they hold for a
    run in which every task goes on.

    Args:
        mixture: sources and schedule; it is not changed.
        steps: number of steps of the run.
    """
    samples = samples_per_source(mixture, steps)
    total = max(1, sum(samples.values()))
    return tuple(
        SampleCounts(
            source=name,
            tasks=tuple(task.name for task in source.tasks),
            rows=len(source.reader),
            images=len(mixture.images[name]),
            unique=size.unique,
            samples=samples[name],
            share=samples[name] / total,
            epochs=mixture.epochs(name, samples[name]),
        )
        for (name, source), size in zip(mixture.sources.items(), _sizes(mixture), strict=True)
    )


def samples_per_source(mixture: Mixture, steps: int) -> dict[str, int]:
    """Returns the number of rows that the first `steps` steps take of every source."""
    samples = dict.fromkeys(mixture.sources, 0)
    for index in range(steps):
        for batches in mixture.schedule.step(index, 1).batches:
            for batch in batches:
                for name, count in batch.items():
                    samples[name] += count
    return samples


def _sizes(mixture: Mixture) -> Sequence[SourceSize]:
    return measure(tuple(mixture.sources.values()))
