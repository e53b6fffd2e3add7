"""12-in-1's training regime: every source in turn with one batch and one update, stop-and-go and a curriculum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from motet.core import CheckpointError, ConfigError, Report, Step, UpdateForm, nearest
from motet.data.image_index import image_index
from motet.data.source import Source
from motet.data.stop_and_go import Plateau, StopAndGo

GO, STOP, WAIT = "go", "stop", "wait"


@dataclass(frozen=True, kw_only=True)
class RoundRobin:
    """One batch per active source in every iteration, each followed by an optimiser update.

    An iteration is a step: the learning rate advances once in it. Departure: the official code advances it after the
    first update of an iteration, so that its other tasks run one step ahead; here all updates of an iteration have the
    same learning rate.

    With stop-and-go, a source has a batch in iteration i if a task of it goes, or if i mod `stop.gap` = 0. Each task is
    evaluated every n = `periods[task]` iterations, counted as in the official code: after the iterations n, 2n, ...,
    where the first iteration is 0. By default n is the number of batches in an epoch of the task's smallest source, as
    published. These evaluations, and all others of the run (`TrainConfig.evaluate_every`, best 0 here), decide
    stop-and-go.

    With `first`, training begins with the tasks of ``first[0]`` alone. When every active task has converged by the
    criterion of stop-and-go (`StopAndGo`), the next group joins, and after the last group all tasks. A curriculum
    begins with the task group that converges fastest (section 3.3: referring expressions; section 5: entailment), an
    anti-curriculum with the slowest (questions). Departure: the paper does not say how long a group trains alone; the
    criterion is ours.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", sections 3.3 and 8.4,
    algorithm 1.

    Args:
        batch_size: rows per batch, over all ranks, of every source that `batch_sizes` does not name.
        batch_sizes: rows per batch, by source.
        stop: stop-and-go; None trains every source in every iteration.
        periods: iterations between two evaluations, by task; 0 for no evaluations.
        first: groups of tasks of the curriculum, in the order in which they join; () for no curriculum.

    Raises:
        ConfigError: a batch without rows, a negative period, a task in two groups or an empty group.
    """

    batch_size: int = 128
    batch_sizes: Mapping[str, int] = field(default_factory=dict)
    stop: StopAndGo | None = None
    periods: Mapping[str, int] = field(default_factory=dict)
    first: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name, size in (("batch_size", self.batch_size), *self.batch_sizes.items()):
            if size < 1:
                raise ConfigError(f"RoundRobin: batch size {name!r}: got {size}; want at least 1")
        for task, period in self.periods.items():
            if period < 0:
                raise ConfigError(f"RoundRobin.periods: {task}: got {period}; want 0 or more")
        grouped = [task for group in self.first for task in group]
        if len(set(grouped)) != len(grouped) or not all(self.first):
            raise ConfigError(f"RoundRobin.first: got {self.first}; want groups of tasks, each task once")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> RoundRobin:
        """Returns the same config for some tasks and their sources: settings of others are dropped."""
        first = tuple(tuple(name for name in group if name in tasks) for group in self.first)
        return replace(
            self,
            batch_sizes={name: size for name, size in self.batch_sizes.items() if name in sources},
            periods={name: period for name, period in self.periods.items() if name in tasks},
            first=tuple(group for group in first if group),
        )

    def bind(self, sources: Sequence[Source], *, seed: int) -> RoundRobinSchedule:
        """Returns the schedule over these training sources, which draws nothing.

        Raises:
            ConfigError: the name of an unknown source or task.
        """
        del seed
        names = [source.name for source in sources]
        tasks = list(dict.fromkeys(task.name for source in sources for task in source.tasks))
        _check_names("batch_sizes", self.batch_sizes, names)
        _check_names("periods", self.periods, tasks)
        _check_names("first", [task for group in self.first for task in group], tasks)
        return RoundRobinSchedule(self, sources)


class RoundRobinSchedule:
    """The steps of a `RoundRobin`. Its state is the plateau of each task and the number of groups that have joined.

    Args:
        spec: batch sizes, stop-and-go, curriculum.
        sources: of role "train".
    """

    def __init__(self, spec: RoundRobin, sources: Sequence[Source]) -> None:
        self.spec = spec
        self.batch_sizes = {s.name: spec.batch_sizes.get(s.name, spec.batch_size) for s in sources}
        self.tasks_of = {source.name: tuple(task.name for task in source.tasks) for source in sources}
        self.names = tuple(dict.fromkeys(name for tasks in self.tasks_of.values() for name in tasks))
        epochs = {s.name: math.ceil(_epoch_rows(s) / self.batch_sizes[s.name]) for s in sources}
        self.periods = {
            name: spec.periods.get(
                name, min(epochs[source] for source, tasks in self.tasks_of.items() if name in tasks)
            )
            for name in self.names
        }
        self.plateaus = {name: Plateau(spec.stop or StopAndGo()) for name in self.names}
        self.joined = 0
        self.observed_at = 0

    def update_form(self) -> UpdateForm:
        """Returns one batch of one source."""
        return UpdateForm(batch_sizes=self.batch_sizes)

    def step(self, index: int, world: int) -> Step:
        """Returns iteration `index`: one batch per active source, its rows split over the ranks."""
        status = self.task_status(index)
        stopped_run = self.spec.stop is not None and index % self.spec.stop.gap == 0
        ranks: tuple[list[Mapping[str, int]], ...] = tuple([] for _ in range(world))
        dealt = 0
        for name, tasks in self.tasks_of.items():
            if not any(status[task] == GO or (stopped_run and status[task] == STOP) for task in tasks):
                continue
            size = self.batch_sizes[name]
            for place in range(world):
                # The remainder goes to the ranks in turn, over the batches: no rank has more than one row more.
                count = size // world + ((place - dealt) % world < size % world)
                ranks[place].append({name: count} if count else {})
            dealt += size % world
        return Step(tuple(tuple(batches) for batches in ranks), update="each")

    def due(self, index: int) -> tuple[str, ...]:
        """Returns the active tasks whose period ends with the last of the first `index` iterations."""
        last = index - 1
        if last < 1:
            return ()
        active = self._active_tasks()
        return tuple(n for n in self.names if n in active and self.periods[n] and last % self.periods[n] == 0)

    def observe(self, report: Report) -> None:
        """Updates the plateau of each task with its main metric on validation rows, averaged over its sources.

        Raises:
            ConfigError: a report of another role, an unknown task, or a metric that is not finite.
        """
        if report.role != "val":
            raise ConfigError(f"schedule: got a report of role {report.role!r}; want 'val'")
        scores = self._scores(report)
        self._reset_before(report.step)
        active = self._active_tasks()
        for name, score in scores.items():
            if name in active:
                self.plateaus[name].observe(score)
        self.observed_at = max(self.observed_at, report.step)
        if self.joined < len(self.spec.first) and all(self.plateaus[name].converged for name in active):
            self.joined += 1

    def task_status(self, index: int) -> Mapping[str, str]:
        """Returns the status of each task in iteration `index`: "go", "stop", or "wait" for its curriculum group."""
        active = self._active_tasks()
        just_reset = any(self.observed_at <= reset <= index for reset in self._resets)
        status = {}
        for name, plateau in self.plateaus.items():
            stopped = self.spec.stop is not None and plateau.stopped and not just_reset
            status[name] = WAIT if name not in active else STOP if stopped else GO
        return status

    def state_dict(self) -> dict[str, Any]:
        """Returns the observed state, and the settings that determine the steps, to be compared on resume."""
        return {
            "spec": self._settings(),
            "joined": self.joined,
            "observed_at": self.observed_at,
            "tasks": {name: plateau.state_dict() for name, plateau in self.plateaus.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a saved state. Raises CheckpointError when its settings differ or it is damaged."""
        for name, own in self._settings().items():
            saved = state.get("spec", state).get(name)
            if saved != own:
                raise CheckpointError(f"schedule: {name}: got a checkpoint with {saved}; want {own}")
        try:
            tasks = {name: state["tasks"][name] for name in self.names}
            self.joined, self.observed_at = int(state["joined"]), int(state["observed_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"schedule: got a checkpoint with {sorted(state)}; want one of RoundRobin, with {error}"
            ) from error
        for name, plateau in self.plateaus.items():
            plateau.load_state_dict(tasks[name])

    @property
    def _resets(self) -> tuple[int, ...]:
        return self.spec.stop.reset_after if self.spec.stop is not None else ()

    def _active_tasks(self) -> set[str]:
        """Returns the tasks whose curriculum group has joined."""
        if self.joined >= len(self.spec.first):
            return set(self.names)
        return {name for group in self.spec.first[: self.joined + 1] for name in group}

    def _reset_before(self, step: int) -> None:
        """Resets the plateaus after k iterations (`StopAndGo.reset_after`), between their evaluations and the next."""
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
                    f"{result.value}; want a finite number"
                )
            values.setdefault(result.task, []).append(result.value if result.higher_is_better else -result.value)
        return {name: sum(scores) / len(scores) for name, scores in values.items()}

    def _settings(self) -> dict[str, Any]:
        stop = None
        if self.spec.stop is not None:
            stop = asdict(self.spec.stop) | {"reset_after": list(self.spec.stop.reset_after)}
        return {
            "batch_sizes": dict(self.batch_sizes),
            "periods": dict(self.periods),
            "stop": stop,
            "first": [list(group) for group in self.spec.first],
        }


def _epoch_rows(source: Source) -> int:
    """Returns the number of rows per epoch of a source."""
    return len(source.reader) if source.sample_by == "row" else len(image_index(source.reader))


def _check_names(field_name: str, used: Sequence[str] | Mapping[str, int], names: Sequence[str]) -> None:
    for name in used:
        if name not in names:
            raise ConfigError(f"RoundRobin.{field_name}: got {name!r}; {nearest(name, names)}")
