"""Which rows feed a step: sources and a schedule, with no more memory than how many rows of each source were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from motet.core import CheckpointError, ConfigError, Schedule, nearest, rng_for
from motet.data.image_index import ImageIndex, fingerprint_of, image_index
from motet.data.source import Source


@dataclass(frozen=True)
class RowRequest:
    """One row that a step asks for.

    Args:
        source: the source's name.
        index: the row of its reader.
        taken: how many rows of the source were taken before it; with the seed, the key of all that is drawn for it.
    """

    source: str
    index: int
    taken: int


@dataclass(frozen=True)
class Planned:
    """A step with its rows named.

    Args:
        batches: this rank's share of every batch, in order; () where nothing of one fell to it.
        update: one optimiser update of all batches, or one after each.
        taken: rows taken of each source once the step is done, over all ranks.
    """

    batches: tuple[tuple[RowRequest, ...], ...]
    update: Literal["joint", "each"]
    taken: Mapping[str, int]


class Mixture:
    """Sources and the schedule over them; says which rows every step is made of.

    The order of a source is keyed by (seed, source, epoch); a visit takes the next image and one of its rows, drawn by
    (seed, source, rows taken), or with ``by="row"`` the next row. So which rows a step has depends neither on the
    number of ranks nor on what was read ahead, and the state is one number a source.

    Args:
        sources: those with role "train".
        schedule: bound to them.
        seed: of order and draws.

    Raises:
        ConfigError: no source, one that is not for training, or two of one name.
    """

    def __init__(self, sources: Sequence[Source], schedule: Schedule, seed: int = 0) -> None:
        if not sources:
            raise ConfigError("Mixture: got no sources; want at least one of role 'train'")
        for source in sources:
            if source.role != "train":
                raise ConfigError(f"Mixture: source {source.name!r}: got role {source.role!r}; want 'train'")
        self.sources = {source.name: source for source in sources}
        if len(self.sources) != len(sources):
            raise ConfigError(f"Mixture: got sources {[source.name for source in sources]}; want every name once")
        self.schedule, self.seed = schedule, seed
        self.taken = dict.fromkeys(self.sources, 0)
        self.units: dict[str, ImageIndex] = {name: image_index(source.reader) for name, source in self.sources.items()}
        self._order: dict[str, tuple[int, np.ndarray]] = {}

    def plan(self, index: int, *, rank: int, world: int, taken: Mapping[str, int]) -> Planned:
        """The rows of a step.

        Args:
            index: the step, from 0.
            rank: whose rows.
            world: how many ranks there are.
            taken: rows taken before this step, by source.

        Raises:
            ConfigError: the schedule names a source that is not here, or other ranks than there are.
        """
        step = self.schedule.step(index, world)
        if len(step.batches) != world:
            raise ConfigError(f"schedule, step {index}: got batches for {len(step.batches)} ranks; want {world}")
        after = dict(taken)
        mine: list[tuple[RowRequest, ...]] = []
        # Batch after batch, in each rank after rank: the rows of a batch are the same for any number of ranks.
        for place in range(max(len(batches) for batches in step.batches)):
            rows: list[RowRequest] = []
            for whose, batches in enumerate(step.batches):
                for name, count in batches[place].items() if place < len(batches) else ():
                    if name not in after:
                        raise ConfigError(f"schedule, step {index}: source {name!r}: {nearest(name, self.sources)}")
                    if whose == rank:
                        rows += [self.row(name, after[name] + ahead) for ahead in range(count)]
                    after[name] += count
            mine.append(tuple(rows))
        return Planned(tuple(mine), step.update, after)

    def row(self, name: str, taken: int) -> RowRequest:
        """The row of a source that is taken after `taken` others."""
        source, units = self.sources[name], self.units[name]
        if source.sample_by == "row":
            epoch, place = divmod(taken, len(source.reader))
            return RowRequest(name, int(self._permutation(name, epoch, len(source.reader))[place]), taken)
        epoch, place = divmod(taken, len(units))
        rows = units.rows_of(int(self._permutation(name, epoch, len(units))[place]))
        chosen = 0 if len(rows) == 1 else int(rng_for("visit", self.seed, name, taken).integers(len(rows)))
        return RowRequest(name, int(rows[chosen]), taken)

    def epochs(self, name: str, rows: int) -> float:
        """How often so many rows go through a source."""
        source = self.sources[name]
        return rows / (len(source.reader) if source.sample_by == "row" else len(self.units[name]))

    def fingerprints(self) -> dict[str, dict[str, Any]]:
        """By source what its rows are: how many, of how many images, and a digest of all image ids in order."""
        return {
            name: {"rows": len(source.reader), "by": source.sample_by} | fingerprint_of(self.units[name])
            for name, source in self.sources.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Rows taken of every source, and what the schedule has observed."""
        return {"taken": dict(self.taken), "schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state. Raises CheckpointError when it names other sources."""
        if set(state["taken"]) != set(self.taken):
            raise CheckpointError(f"mixture: got a checkpoint with {sorted(state['taken'])}; want {sorted(self.taken)}")
        self.schedule.load_state_dict(state["schedule"])
        self.taken = {name: int(state["taken"][name]) for name in self.taken}

    def _permutation(self, name: str, epoch: int, count: int) -> np.ndarray:
        kept = self._order.get(name)
        if kept is None or kept[0] != epoch:
            kept = self._order[name] = (epoch, rng_for("order", self.seed, name, epoch).permutation(count))
        return kept[1]
