"""Batches of a single task, drawn from training sources as in training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motet.core import Batch, ConfigError, Report, Step, System, UpdateForm, nearest, rng_for
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.data.source import Source


class TaskBatches:
    """Batches 0, 1, ... of one task, each from one source drawn by size, with the augmentations of training.

    No row is repeated before every row of its source (or image, if a source is sampled by images) was drawn once, so
    batches have different rows as long as a source has enough of them. If a system takes several tasks per row, rows
    are those of training, also partly labelled ones; otherwise they carry this task alone.

    Args:
        system: the system with its processor and number of tasks per row.
        sources: sources of the run; those of role "train" with the task are used.
        task: name of the task.
        batch_size: rows per batch.
        seed: of order, draws and crops.
        workers: number of loader processes.
        on_bad_row: as in `motet.training.config.TrainConfig`.

    Raises:
        ConfigError: no training source has the task.
    """

    def __init__(
        self,
        system: System,
        sources: Sequence[Source],
        task: str,
        *,
        batch_size: int,
        seed: int = 0,
        workers: int = 0,
        on_bad_row: Literal["stop", "skip"] = "stop",
    ) -> None:
        trained = [source for source in sources if source.role == "train"]
        own = [source for source in trained if any(known.name == task for known in source.tasks)]
        if not own:
            known = {known.name for source in trained for known in source.tasks}
            raise ConfigError(
                f"interference: task {task!r}: got no training source with it; want one with the task "
                f"({nearest(task, known)})"
            )
        if system.tasks_per_row == "one":
            own = [dataclasses.replace(s, tasks=tuple(t for t in s.tasks if t.name == task)) for s in own]
        self.task = task
        self._schedule = _OneSource(task, batch_size, seed)
        self._mixture = Mixture(own, self._schedule, seed)
        self._schedule.sizes = {s.name: self._visits(s) * s.weight for s in own}
        self._processor, self._workers, self._on_bad_row = system.processor, workers, on_bad_row

    def take(self, start: int, stop: int) -> Iterator[Batch]:
        """Yields batches `start` up to `stop`, the same whatever was taken before.

        Raises:
            DataError: a row that cannot be read.
        """
        self._mixture.consumed = self._taken(start)
        loader = Loader(self._mixture, self._processor, workers=self._workers, on_bad_row=self._on_bad_row)
        for ready in loader.segment(start, stop):
            yield ready.batches[0][0]

    def epochs(self, stop: int) -> Mapping[str, float]:
        """Returns the number of passes of the first `stop` batches over each source."""
        return {name: self._mixture.epochs(name, rows) for name, rows in self._taken(stop).items()}

    def fingerprints(self) -> Mapping[str, Any]:
        """Returns the fingerprint of each source's rows; see `Mixture.fingerprints`."""
        return self._mixture.fingerprints()

    def _taken(self, stop: int) -> dict[str, int]:
        taken = dict.fromkeys(self._mixture.sources, 0)
        for index in range(stop):
            taken[self._schedule.source(index)] += self._schedule.batch_size
        return taken

    def _visits(self, source: Source) -> int:
        return len(source.reader) if source.sample_by == "row" else len(self._mixture.images[source.name])


class _OneSource:
    """A schedule with one batch of one source per step, drawn by size."""

    def __init__(self, task: str, batch_size: int, seed: int) -> None:
        self.task, self.batch_size, self.seed = task, batch_size, seed
        self.sizes: Mapping[str, float] = {}

    def source(self, index: int) -> str:
        names = list(self.sizes)
        if len(names) == 1:
            return names[0]
        sizes = np.array([self.sizes[name] for name in names])
        return str(rng_for("interference source", self.seed, self.task, index).choice(names, p=sizes / sizes.sum()))

    def update_form(self) -> UpdateForm:
        return UpdateForm(batch_sizes=dict.fromkeys(self.sizes, self.batch_size))

    def step(self, index: int, world: int) -> Step:
        return Step((({self.source(index): self.batch_size},), *(() for _ in range(world - 1))))

    def due(self, index: int) -> tuple[str, ...]:
        del index
        return ()

    def observe(self, report: Report) -> None:
        del report

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        del state
