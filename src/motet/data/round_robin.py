"""Every source in turn, a batch and an update of its own each: 12-in-1's regime, with stop-and-go and a curriculum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from motet.core import CheckpointError, ConfigError, Report, Step, nearest
from motet.data.image_index import image_index
from motet.data.source import Source
from motet.data.stop_and_go import Plateau, StopAndGo

GO, STOP, WAIT = "go", "stop", "wait"


@dataclass(frozen=True, kw_only=True)
class RoundRobin:
    """In every iteration each source that may run has one batch of its own size, with one optimiser update after each.

    An iteration is a step: the learning rate advances once in it. The official code moves it after the first update of
    an iteration, so that its other tasks run one step ahead; here all updates of an iteration have one rate.

    A source is trained if any of its tasks goes, or every `stop.gap` iterations (the first of all is one of them). Each
    task is evaluated after every `periods[task]` iterations, counted as the official code counts: after iterations n,
    2n, ... where the first has number 0. By default n is one epoch of its smallest source, as published. Those
    evaluations, and all others of the run (``run.train.evaluate_every``, best 0 here), are what stop-and-go goes by.

    With `first`, training begins with the tasks of ``first[0]`` alone; each next group joins, and at last all tasks,
    when every task that runs has converged by the test of stop-and-go. A curriculum begins with the task group that
    converges fastest (the paper's section 3.3: referring expressions; its section 5 says entailment), an
    anti-curriculum with the slowest (questions). The paper does not say how long; this test is ours.

    Source: Lu et al., "12-in-1", sections 3.3 and 8.4, algorithm 1.

    Args:
        batch_size: rows of a source's batch, over all ranks, where `batch_sizes` names none.
        batch_sizes: by source.
        stop: stop-and-go; None trains every source in every iteration.
        periods: by task, iterations from one evaluation to the next; 0 for none.
        first: groups of tasks that begin.

    Raises:
        ConfigError: a batch without rows, a negative period, a task in two groups or an empty group.
    """

    batch_size: int = 128
    batch_sizes: Mapping[str, int] = field(default_factory=dict)
    stop: StopAndGo | None = None
    periods: Mapping[str, int] = field(default_factory=dict)
    first: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for what, size in (("batch_size", self.batch_size), *self.batch_sizes.items()):
            if size < 1:
                raise ConfigError(f"RoundRobin: batch size {what!r}: got {size}; want at least 1")
        for task, period in self.periods.items():
            if period < 0:
                raise ConfigError(f"RoundRobin.periods: {task}: got {period}; want 0 or more")
        named = [task for group in self.first for task in group]
        if len(set(named)) != len(named) or not all(self.first):
            raise ConfigError(f"RoundRobin.first: got {self.first}; want groups of tasks, each task once")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> RoundRobin:
        """The same iterations for some tasks and their sources alone."""
        first = tuple(tuple(name for name in group if name in tasks) for group in self.first)
        return replace(
            self,
            batch_sizes={name: size for name, size in self.batch_sizes.items() if name in sources},
            periods={name: period for name, period in self.periods.items() if name in tasks},
            first=tuple(group for group in first if group),
        )

    def bind(self, sources: Sequence[Source], *, seed: int) -> RoundRobinSchedule:
        """The schedule over these training sources; nothing of it is drawn.

        Raises:
            ConfigError: a name that is no source or no task.
        """
        del seed
        names = [source.name for source in sources]
        tasks = list(dict.fromkeys(task.name for source in sources for task in source.tasks))
        _known("batch_sizes", self.batch_sizes, names)
        _known("periods", self.periods, tasks)
        _known("first", [task for group in self.first for task in group], tasks)
        return RoundRobinSchedule(self, sources)


class RoundRobinSchedule:
    """The steps of a `RoundRobin`: what it knows is each task's plateau, and how many groups have joined.

    Args:
        spec: sizes, conditions, groups.
        sources: of role "train".
    """

    def __init__(self, spec: RoundRobin, sources: Sequence[Source]) -> None:
        self.spec = spec
        self.batch_sizes = {s.name: spec.batch_sizes.get(s.name, spec.batch_size) for s in sources}
        self.tasks_of = {source.name: tuple(task.name for task in source.tasks) for source in sources}
        self.names = tuple(dict.fromkeys(name for tasks in self.tasks_of.values() for name in tasks))
        epochs = {s.name: math.ceil(_visits(s) / self.batch_sizes[s.name]) for s in sources}
        self.periods = {
            name: spec.periods.get(
                name, min(epochs[source] for source, tasks in self.tasks_of.items() if name in tasks)
            )
            for name in self.names
        }
        self.plateaus = {name: Plateau(spec.stop or StopAndGo()) for name in self.names}
        self.joined = 0
        self.observed_at = 0

    def step(self, index: int, world: int) -> Step:
        """Iteration `index`: one batch a source, its rows dealt to the ranks; none where nothing may run."""
        going = self.task_status(index)
        beat = self.spec.stop is not None and index % self.spec.stop.gap == 0
        ranks: tuple[list[Mapping[str, int]], ...] = tuple([] for _ in range(world))
        dealt = 0
        for name, tasks in self.tasks_of.items():
            if not any(going[task] == GO or (beat and going[task] == STOP) for task in tasks):
                continue
            size = self.batch_sizes[name]
            for place in range(world):
                # What does not divide goes to the ranks in turn, so that none has more than a row above another.
                count = size // world + ((place - dealt) % world < size % world)
                ranks[place].append({name: count} if count else {})
            dealt += size % world
        return Step(tuple(tuple(batches) for batches in ranks), update="each")

    def due(self, index: int) -> tuple[str, ...]:
        """Tasks that are trained and whose period ended with the last of `index` iterations."""
        last = index - 1
        if last < 1:
            return ()
        running = self._running()
        return tuple(n for n in self.names if n in running and self.periods[n] and last % self.periods[n] == 0)

    def observe(self, report: Report) -> None:
        """Takes each task's main score on validation rows, the mean over its sources.

        Raises:
            ConfigError: a report of another role, a task that is not trained here, or a score that is no number.
        """
        if report.role != "val":
            raise ConfigError(f"schedule: got a report of role {report.role!r}; want 'val'")
        scores = self._scores(report)
        self._reset_before(report.step)
        running = self._running()
        for name, score in scores.items():
            if name in running:
                self.plateaus[name].observe(score)
        self.observed_at = max(self.observed_at, report.step)
        if self.joined < len(self.spec.first) and all(self.plateaus[name].converged for name in running):
            self.joined += 1

    def task_status(self, index: int) -> Mapping[str, str]:
        """What each task does in iteration `index`: "go", "stop", or "wait" for its turn in the curriculum."""
        running = self._running()
        fresh = any(self.observed_at <= reset <= index for reset in self._resets)
        found = {}
        for name, plateau in self.plateaus.items():
            stands = self.spec.stop is not None and plateau.stopped and not fresh
            found[name] = WAIT if name not in running else STOP if stands else GO
        return found

    def state_dict(self) -> dict[str, Any]:
        """What was observed, and what the steps are made from, to be checked on resume."""
        return {
            "spec": self._made_from(),
            "joined": self.joined,
            "observed_at": self.observed_at,
            "tasks": {name: plateau.state_dict() for name, plateau in self.plateaus.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state. Raises CheckpointError when it is of other steps or damaged."""
        for name, own in self._made_from().items():
            saved = state.get("spec", state).get(name)
            if saved != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {saved}; want {own}")
        try:
            tasks = {name: state["tasks"][name] for name in self.names}
            self.joined, self.observed_at = int(state["joined"]), int(state["observed_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"schedule: got a checkpoint with {sorted(state)}; want {error} in it") from error
        for name, plateau in self.plateaus.items():
            plateau.load_state_dict(tasks[name])

    @property
    def _resets(self) -> tuple[int, ...]:
        return self.spec.stop.reset_after if self.spec.stop is not None else ()

    def _running(self) -> set[str]:
        """Tasks that the curriculum lets run."""
        if self.joined >= len(self.spec.first):
            return set(self.names)
        return {name for group in self.spec.first[: self.joined + 1] for name in group}

    def _reset_before(self, step: int) -> None:
        """A reset after k iterations comes after their evaluations and before the next ones'."""
        if any(self.observed_at <= reset < step for reset in self._resets):
            for plateau in self.plateaus.values():
                plateau.reset()

    def _scores(self, report: Report) -> dict[str, float]:
        values: dict[str, list[float]] = {}
        for result in report.results:
            if not result.main:
                continue
            if result.task not in self.plateaus:
                raise ConfigError(f"schedule: got a result of {result.task!r}; {nearest(result.task, self.names)}")
            if not math.isfinite(result.value):
                raise ConfigError(
                    f"schedule: step {report.step}: {result.metric} of {result.task} on {result.source}: got "
                    f"{result.value}; want a number"
                )
            values.setdefault(result.task, []).append(result.value if result.higher_is_better else -result.value)
        return {name: sum(found) / len(found) for name, found in values.items()}

    def _made_from(self) -> dict[str, Any]:
        stop = None
        if self.spec.stop is not None:
            stop = asdict(self.spec.stop) | {"reset_after": list(self.spec.stop.reset_after)}
        return {
            "batch_sizes": dict(self.batch_sizes),
            "periods": dict(self.periods),
            "stop": stop,
            "first": [list(group) for group in self.spec.first],
        }


def _visits(source: Source) -> int:
    """How many visits an epoch has."""
    return len(source.reader) if source.sample_by == "row" else len(image_index(source.reader))


def _known(what: str, named: Sequence[str] | Mapping[str, int], names: Sequence[str]) -> None:
    for name in named:
        if name not in names:
            raise ConfigError(f"RoundRobin.{what}: got {name!r}; {nearest(name, names)}")
