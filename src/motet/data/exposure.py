"""What each task will see, told before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.data.mixture import Mixture
from motet.data.sampling_rates import SourceSize, measure


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """One source's part in a run.

    Args:
        source: its name.
        tasks: the names of its tasks.
        rows: rows it has.
        images: different images it has.
        unique: its images, each divided by the number of sources that have it.
        seen: rows that are taken of it in the run.
        share: of all rows taken.
        epochs: how often that goes through it.
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
        """One line for a person: ``vqa: 14,200 rows, 3.2 epochs``."""
        return f"{self.source}: {self.samples:,} rows, {self.epochs:.1f} epochs"


def count_samples(mixture: Mixture, steps: int) -> tuple[SampleCounts, ...]:
    """Counts the rows of every source over a run by asking the schedule for each of its steps.

    Exact for a schedule that observes nothing; for one that does, what it would do if it saw no result.

    Args:
        mixture: sources and schedule; it is not changed.
        steps: of the run.
    """
    seen = samples_seen(mixture, steps)
    total = max(1, sum(seen.values()))
    return tuple(
        SampleCounts(
            source=name,
            tasks=tuple(task.name for task in source.tasks),
            rows=len(source.reader),
            images=len(mixture.units[name]),
            unique=size.unique,
            samples=seen[name],
            share=seen[name] / total,
            epochs=mixture.epochs(name, seen[name]),
        )
        for (name, source), size in zip(mixture.sources.items(), _sizes(mixture), strict=True)
    )


def samples_seen(mixture: Mixture, steps: int) -> dict[str, int]:
    """Rows taken of every source after so many steps."""
    seen = dict.fromkeys(mixture.sources, 0)
    for index in range(steps):
        for batches in mixture.schedule.step(index, 1).batches:
            for batch in batches:
                for name, count in batch.items():
                    seen[name] += count
    return seen


def _sizes(mixture: Mixture) -> Sequence[SourceSize]:
    return measure(tuple(mixture.sources.values()))
