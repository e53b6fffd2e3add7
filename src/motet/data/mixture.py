"""The rows of each step: sources under a schedule, with the number of consumed rows per source as the only state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from motet.core import CheckpointError, ConfigError, Schedule, nearest, rng_for
from motet.data.image_index import ImageIndex, fingerprint_of, image_index
from motet.data.orders import Order, order_of
from motet.data.source import Source


@dataclass(frozen=True)
class RowRequest:
    """One row of a step.

    Args:
        source: name of the source.
        index: of the row in its reader.
        position: number of rows consumed of the source before it; with the seed, the key of every draw for the row.
    """

    source: str
    index: int
    position: int


@dataclass(frozen=True)
class PlannedStep:
    """The rows of one step.

    Args:
        batches: the rows of this rank in every batch, in order; () where it has none of a batch.
        update: "joint": one optimiser update of all batches; "each": one update after each.
        consumed: rows consumed of each source after the step, over all ranks.
    """

    batches: tuple[tuple[RowRequest, ...], ...]
    update: Literal["joint", "each"]
    consumed: Mapping[str, int]


class Mixture:
    """The training sources and their schedule, which together determine the rows of every step.

    The permutation of a source is keyed by (seed, source, epoch); one in shards is read shard by shard (`ShardOrder`).
    A draw takes the next image and one of its rows, keyed by (seed, source, position), or with ``sample_by="row"`` the
    next row. So the rows of a step depend neither on the number of ranks nor on the rows that were read ahead, and the
    state is one number per source.

    Args:
        sources: of role "train".
        schedule: bound to them.
        seed: of permutations and draws.

    Raises:
        ConfigError: no source, one of another role, or two of one name.
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
        self.consumed = dict.fromkeys(self.sources, 0)
        self.images: dict[str, ImageIndex] = {name: image_index(source.reader) for name, source in self.sources.items()}
        self._orders: dict[str, tuple[int, Order]] = {}

    def plan(self, index: int, *, rank: int, world: int, consumed: Mapping[str, int]) -> PlannedStep:
        """Returns the rows of a step.

        Args:
            index: of the step, from 0.
            rank: the rank whose rows are returned.
            world: number of ranks.
            consumed: rows consumed before this step, by source.

        Raises:
            ConfigError: the schedule names an unknown source, or has another number of ranks.
        """
        step = self.schedule.step(index, world)
        if len(step.batches) != world:
            raise ConfigError(f"schedule, step {index}: got batches for {len(step.batches)} ranks; want {world}")
        after = dict(consumed)
        own_batches: list[tuple[RowRequest, ...]] = []
        # Batch after batch, and rank after rank in each, so that a batch has the same rows on any number of ranks.
        for place in range(max(len(batches) for batches in step.batches)):
            rows: list[RowRequest] = []
            for owner, batches in enumerate(step.batches):
                for name, count in batches[place].items() if place < len(batches) else ():
                    if name not in after:
                        raise ConfigError(f"schedule, step {index}: source {name!r}: {nearest(name, self.sources)}")
                    if owner == rank:
                        rows += [self.row(name, after[name] + ahead) for ahead in range(count)]
                    after[name] += count
            own_batches.append(tuple(rows))
        return PlannedStep(tuple(own_batches), step.update, after)

    def row(self, name: str, position: int) -> RowRequest:
        """Returns the row that a source gives at a position, counted over all epochs."""
        source, images = self.sources[name], self.images[name]
        if source.sample_by == "row":
            epoch, place = divmod(position, len(source.reader))
            return RowRequest(name, self._order(name, epoch, len(source.reader))[place], position)
        epoch, place = divmod(position, len(images))
        rows = images.rows_of(self._order(name, epoch, len(images))[place])
        chosen = 0 if len(rows) == 1 else int(rng_for("visit", self.seed, name, position).integers(len(rows)))
        return RowRequest(name, int(rows[chosen]), position)

    def epochs(self, name: str, rows: int) -> float:
        """Returns the number of epochs of a source that `rows` rows make."""
        source = self.sources[name]
        return rows / (len(source.reader) if source.sample_by == "row" else len(self.images[name]))

    def fingerprints(self) -> dict[str, dict[str, Any]]:
        """Returns per source the number of rows and images, and a digest of all image ids in order."""
        return {
            name: {"rows": len(source.reader), "by": source.sample_by} | fingerprint_of(self.images[name])
            for name, source in self.sources.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns the consumed rows of every source and the state of the schedule."""
        return {"taken": dict(self.consumed), "schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a saved state. Raises CheckpointError when it has other sources."""
        if set(state["taken"]) != set(self.consumed):
            raise CheckpointError(
                f"mixture: got a checkpoint with {sorted(state['taken'])}; want {sorted(self.consumed)}"
            )
        self.schedule.load_state_dict(state["schedule"])
        self.consumed = {name: int(state["taken"][name]) for name in self.consumed}

    def _order(self, name: str, epoch: int, count: int) -> Order:
        cached = self._orders.get(name)
        if cached is None or cached[0] != epoch:
            order = order_of(self.sources[name].reader, count, self.seed, name, epoch)
            cached = self._orders[name] = (epoch, order)
        return cached[1]
