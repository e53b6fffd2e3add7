"""Comparison of multi-task runs with single-task baselines, and delta-m."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from motet.core import ConfigError, Result
from motet.evaluation.intervals import Bootstrap
from motet.evaluation.task_evaluation import MIN_IMAGES_FOR_A_CLAIM
from motet.report.budget import BUDGETS, BaselineBudget, Budget
from motet.report.differences import Difference, Draws, ScoreDraws, interval_of, paired_draws
from motet.report.runs import RunRecord

Claim: TypeAlias = Literal["better", "worse", "no difference", "no claim"]
"""The claim that the comparison of a task with its single-task model allows."""


@dataclass(frozen=True)
class SeedValues:
    """One task's main number on one side of the comparison, over seeds.

    Args:
        values: one per seed.
        low: lower end of the first seed's 95 % interval over images; None when there is none.
        high: upper end.
    """

    values: tuple[float, ...]
    low: float | None = None
    high: float | None = None

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None with one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class TaskComparison:
    """The scores of one task, trained with the others and alone.

    Args:
        task: its name.
        metric: its main metric.
        unit: of the values.
        higher_is_better: the metric's direction.
        multi: scores of the multi-task model.
        single: scores of the single-task model.
        difference: of the means over seeds, positive where the multi-task model is better. Its interval holds for all
            tasks and budgets together: at 1 - 0.05 / n for each of n comparisons (Bonferroni).
        count: number of evaluated images, or of rows where they have none.
        budget: of the single-task model.
        single_steps: steps that it was trained for.
    """

    task: str
    metric: str
    unit: str
    higher_is_better: bool
    multi: SeedValues
    single: SeedValues
    difference: Difference
    count: int
    budget: BaselineBudget = field(default_factory=BaselineBudget)
    single_steps: int = 0

    @property
    def claim(self) -> Claim:
        """The claim that the interval allows; none on fewer images than `MIN_IMAGES_FOR_A_CLAIM`."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or self.count < MIN_IMAGES_FOR_A_CLAIM:
            return "no claim"
        return "better" if low > 0 else "worse" if high < 0 else "no difference"

    @property
    def delta(self) -> float | None:
        """The relative change in percent, positive where the multi-task model is better; None for a baseline of 0."""
        return relative_delta(self.multi.mean, self.single.mean, self.higher_is_better)


@dataclass(frozen=True)
class Cost:
    """The total cost of one side of the comparison.

    Args:
        parameters: of its models (one seed); None where a run did not record them.
        trained: parameters that are trained.
        samples_seen: training samples (mean over seeds).
        seconds: of training (mean over seeds).
    """

    parameters: int | None
    trained: int | None
    samples_seen: float
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """A multi-task model against one single-task model per task.

    Args:
        pairs: one per task, in the order of the multi-task run.
        delta_m: mean of the deltas in percent; None where one is not defined.
        delta_m_low: lower end of its 95 % interval, over images and the seeds of both sides; None where there is none.
        delta_m_high: upper end.
        multi: cost of the multi-task model.
        single: cost of all single-task models together.
        seeds: of the multi-task runs.
        fewest_seeds: number of runs of the task, or of the side, that has the fewest.
        budget: of the single-task models.
        others: with single-task models of other budgets, possibly of some tasks.
    """

    pairs: tuple[TaskComparison, ...]
    delta_m: float | None
    delta_m_low: float | None
    delta_m_high: float | None
    multi: Cost
    single: Cost
    seeds: tuple[int, ...]
    fewest_seeds: int
    budget: Budget = "rows"
    others: tuple[Comparison, ...] = ()


def relative_delta(value: float, baseline: float, higher_is_better: bool) -> float | None:
    """Returns by how many percent of the baseline a value is better (negative: worse); None for a baseline of 0.

    Examples:
        >>> relative_delta(66.0, 60.0, True), relative_delta(12.0, 10.0, False), relative_delta(1.0, 0.0, True)
        (10.0, -20.0, None)
    """
    if baseline == 0:
        return None
    return (1 if higher_is_better else -1) * 100.0 * (value - baseline) / abs(baseline)


def delta_m(deltas: Iterable[float | None]) -> float | None:
    """Returns delta-m, the mean delta over tasks in percent; None where a delta is not defined.

        delta_m = 1/T * sum_t (-1)^l_t * (M_t - B_t) / B_t

    with l_t = 1 where lower is better, M the scores of the multi-task model and B those of the single-task models.

    Source: Maninis et al. 2019 (arXiv 1904.08918), section 5; Vandenhende et al. 2021 (arXiv 2004.13379), equation 9.

    Examples:
        >>> delta_m([10.0, -20.0]), delta_m([10.0, None])
        (-5.0, None)
    """
    known = list(deltas)
    if not known or any(delta is None for delta in known):
        return None
    return statistics.fmean(delta for delta in known if delta is not None)


def compare(runs: Sequence[RunRecord]) -> Comparison:
    """Compares multi-task runs (one per seed) with the single-task runs of the same tasks.

    A run of one task is a baseline, a run of several is a multi-task run. Baselines of one budget are compared apart
    from those of another; the first budget that has all tasks comes first. A run that is given twice, or as a copy,
    counts once. Both sides answer the same rows, so their difference is drawn over the same images (`paired_draws`).

    Raises:
        ConfigError: no multi-task run, multi-task runs of different tasks, a task without a baseline, or runs that were
            evaluated on different rows or by different metrics.
    """
    runs = _once(runs)
    multi = [run for run in runs if len(run.tasks) > 1]
    single = [run for run in runs if len(run.tasks) == 1]
    if not multi:
        raise ConfigError(f"compare: got {_names(runs)}, all of one task; want a multi-task run among them")
    tasks = multi[0].tasks
    for run in multi:
        if set(run.tasks) != set(tasks):
            raise ConfigError(
                f"compare: {run.name}: got the tasks {', '.join(run.tasks)}; want those of {multi[0].name}: "
                f"{', '.join(tasks)}"
            )
    alone = {budget: _by_task([run for run in single if run.budget.kind == budget], tasks) for budget in BUDGETS}
    first = next((budget for budget in BUDGETS if len(alone[budget]) == len(tasks)), None)
    if first is None:
        most = max(BUDGETS, key=lambda budget: len(alone[budget]))
        missing = ", ".join(task for task in tasks if task not in alone[most])
        raise ConfigError(
            f"compare: got no single-task run of {missing}; want one run per task (motet baseline trains them)"
        )
    _check_rows([*multi, *(run for groups in alone.values() for group in groups.values() for run in group)])
    level = 1 - 0.05 / sum(map(len, alone.values()))
    found = {budget: _with_budget(budget, multi, groups, level) for budget, groups in alone.items() if groups}
    return replace(found[first], others=tuple(one for budget, one in found.items() if budget != first))


def _by_task(single: Sequence[RunRecord], tasks: Sequence[str]) -> dict[str, list[RunRecord]]:
    """Returns the runs of each task that has some."""
    groups = {task: [run for run in single if run.tasks == (task,)] for task in tasks}
    return {task: group for task, group in groups.items() if group}


def _with_budget(
    budget: Budget, multi: Sequence[RunRecord], alone: Mapping[str, Sequence[RunRecord]], level: float
) -> Comparison:
    """Compares with the single-task runs of one budget."""
    drawn = {task: paired_draws(_scores(multi, task), _scores(group, task)) for task, group in alone.items()}
    pairs = tuple(_pair(task, multi, group, drawn[task], level) for task, group in alone.items())
    low, high = _delta_m_interval(pairs, drawn)
    return Comparison(
        pairs=pairs,
        delta_m=delta_m(pair.delta for pair in pairs),
        delta_m_low=low,
        delta_m_high=high,
        multi=_cost([multi]),
        single=_cost(list(alone.values())),
        seeds=tuple(sorted({run.seed for run in multi})),
        fewest_seeds=min(len(multi), *(len(group) for group in alone.values())),
        budget=budget,
    )


def _once(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Returns the runs without those that are in the list already, by their folder or by seed, budget and numbers."""
    found: dict[Any, RunRecord] = {}
    for run in runs:
        numbers = tuple((one.task, one.source, one.metric, one.value, one.low, one.high) for one in run.report.results)
        found.setdefault((run.tasks, run.seed, run.budget, numbers, run.log.seconds), run)
    folders: dict[Any, RunRecord] = {}
    for run in found.values():
        folders.setdefault(run.folder.resolve(), run)
    return list(folders.values())


def _scores(runs: Sequence[RunRecord], task: str) -> list[tuple[float, Bootstrap | None]]:
    return [(_main(run, task).value, run.bootstraps.get(task)) for run in runs]


def _delta_m_interval(
    pairs: Sequence[TaskComparison], drawn: Mapping[str, ScoreDraws]
) -> tuple[float | None, float | None]:
    """Returns the 95 % interval of delta-m; none where it is not defined or nothing was drawn."""
    if any(pair.delta is None or not drawn[pair.task].over for pair in pairs):
        return None, None
    deltas: list[Draws] = []
    for pair in pairs:
        first, second = drawn[pair.task].first, drawn[pair.task].second
        if not np.all(second):
            return None, None
        deltas.append((1 if pair.higher_is_better else -1) * 100 * (first - second) / np.abs(second))
    shortest = min(map(len, deltas))  # box metrics leave out samples without an annotated box
    return interval_of(np.mean([one[:shortest] for one in deltas], axis=0), 0.95)


def _pair(
    task: str, multi: Sequence[RunRecord], single: Sequence[RunRecord], drawn: ScoreDraws, level: float
) -> TaskComparison:
    first = _main(multi[0], task)
    for run in (*multi, *single):
        other = _main(run, task)
        if (other.metric, other.unit, other.source, run.report.role) != (
            first.metric,
            first.unit,
            first.source,
            multi[0].report.role,
        ):
            raise ConfigError(
                f"compare: {task}: got {other.metric} on {other.source} ({run.report.role}) in {run.name}; want "
                f"{first.metric} on {first.source} ({multi[0].report.role}) as in {multi[0].name}"
            )
        if other.count != first.count:
            raise ConfigError(
                f"compare: {task} on {first.source}: got {other.count} rows in {run.name}; want {first.count} as in "
                f"{multi[0].name}"
            )
    sides = _side(multi, task), _side(single, task)
    gap = (sides[0].mean - sides[1].mean) * (1 if first.higher_is_better else -1)
    return TaskComparison(
        task,
        first.metric,
        first.unit,
        first.higher_is_better,
        *sides,
        drawn.difference(gap, higher_is_better=first.higher_is_better, level=level),
        first.num_images or first.count,
        BaselineBudget(single[0].budget.kind, any(run.budget.still_rises for run in single)),
        max(run.report.step for run in single),
    )


def _side(runs: Sequence[RunRecord], task: str) -> SeedValues:
    results = [_main(run, task) for run in runs]
    return SeedValues(tuple(result.value for result in results), results[0].low, results[0].high)


def _main(run: RunRecord, task: str) -> Result:
    try:
        return run.report.main(task)
    except KeyError as error:
        raise ConfigError(f"compare: {run.name}: {error.args[0]}") from error


def _check_rows(runs: Sequence[RunRecord]) -> None:
    """Raises an error if runs differ in the rows of a source; its tasks may differ."""
    first: dict[str, tuple[RunRecord, dict[str, Any]]] = {}
    for run in runs:
        for source, record in run.data.items():
            rows = {key: value for key, value in record.items() if key != "tasks"}
            other, known = first.setdefault(source, (run, rows))
            if known != rows:
                raise ConfigError(
                    f"compare: source {source!r}: got {_short(rows)} in {run.name}; want the rows of {other.name}: "
                    f"{_short(known)}"
                )


def _short(rows: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in rows.items())


def _cost(groups: Sequence[Sequence[RunRecord]]) -> Cost:
    """Returns the sum over groups; each group is one model with several seeds."""
    return Cost(
        parameters=_parameters(groups, "all"),
        trained=_parameters(groups, "trained"),
        samples_seen=sum(statistics.fmean(sum(run.report.samples_seen.values()) for run in group) for group in groups),
        seconds=sum(statistics.fmean(run.log.seconds for run in group) for group in groups),
    )


def _parameters(groups: Sequence[Sequence[RunRecord]], kind: str) -> int | None:
    counts = [group[0].parameters.get(kind) for group in groups]
    return None if any(count is None for count in counts) else sum(count for count in counts if count is not None)


def _names(runs: Sequence[RunRecord]) -> str:
    return ", ".join(run.name for run in runs) or "no run"
