"""Groups of tasks to train together, from the affinities measured in one run, beside the grid of pairs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from motet.analysis.groups import GroupChanges, Members, Partition
from motet.core import ConfigError

_MOST_GROUPS = 11
"""Groups of which every partition is tried: 678,570 of eleven."""


@dataclass(frozen=True, kw_only=True)
class TaskAffinity:
    """The affinities of groups of tasks, or of single tasks, and the cosines of their gradients.

    A number is NaN where it was never measured.

    Args:
        names: of the groups, in order.
        affinity: [i, j], the mean relative fall of j's loss after a step for i; positive if i helps j.
        affinity_spread: its standard deviation over measurements.
        cosine: [i, j], the mean cosine of the gradients of i and j.
        cosine_spread: its standard deviation over measurements.
        measured: number of measurements.
        passes: forward and backward passes that they took, where a forward pass counts 1 and a backward pass 2.
    """

    names: Members
    affinity: Float[np.ndarray, "n n"]
    affinity_spread: Float[np.ndarray, "n n"]
    cosine: Float[np.ndarray, "n n"]
    cosine_spread: Float[np.ndarray, "n n"]
    measured: int
    passes: int

    @classmethod
    def of_state(cls, tasks: Sequence[str], state: Mapping[str, Tensor]) -> Self:
        """Returns the affinities of single tasks.

        Args:
            tasks: of the run, in order.
            state: what `MeasuredAffinity` remembered at the end of the run.

        Raises:
            ConfigError: nothing was measured.
        """
        if "measured" not in state or not float(state["measured"]):
            raise ConfigError(
                "affinity: got a run without a measurement; want more steps, or --every with a smaller number"
            )
        numbers = {}
        for name in ("affinity", "cosine"):
            total, squared, count = (state[name + part].numpy() for part in ("", "_squared", "_count"))
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers[name] = total / count
                variance = (squared - count * numbers[name] ** 2) / (count - 1)
            numbers[f"{name}_spread"] = np.sqrt(np.maximum(variance, 0))
        return cls(names=tuple(tasks), measured=int(state["measured"]), passes=int(state["passes"]), **numbers)

    def of_groups(self, groups: Mapping[str, Sequence[str]]) -> Self:
        """Returns the affinities of groups: means over their tasks; spreads are means too."""
        places = [[self.names.index(task) for task in tasks] for tasks in groups.values()]

        def mean(values: np.ndarray) -> np.ndarray:
            return np.array([[values[np.ix_(one, other)].mean() for other in places] for one in places])

        return type(self)(
            names=tuple(groups),
            affinity=mean(self.affinity),
            affinity_spread=mean(self.affinity_spread),
            cosine=mean(self.cosine),
            cosine_spread=mean(self.cosine_spread),
            measured=self.measured,
            passes=self.passes,
        )


def best_partition(found: TaskAffinity, models: int) -> Partition:
    """Returns the partition into at most so many groups to train, each by one model, with the largest affinity.

        score = sum over groups of  sum over its members j of  mean over its other members i of  Z[i, j]

    A member of its own counts 0, so it goes with others only if they help it on average. All partitions are tried.

    Source: Fifty et al., NeurIPS 2021, section 3.2. There a task may be trained in several models and is then used from
    the best of them; here each is in one.

    Args:
        found: the affinities.
        models: the budget.

    Raises:
        ConfigError: no model, or too many names to try all partitions.

    Examples:
        >>> affinity = np.array([[0.0, 0.2, -0.1], [0.1, 0.0, -0.1], [-0.1, -0.1, 0.0]])
        >>> zeros = np.zeros((3, 3))
        >>> found = TaskAffinity(names=("a", "b", "c"), affinity=affinity, affinity_spread=zeros, cosine=zeros,
        ...     cosine_spread=zeros, measured=1, passes=0)
        >>> best_partition(found, 3).parts
        (('a', 'b'), ('c',))
    """
    if models < 1:
        raise ConfigError(f"models: got {models}; want 1 or more")
    if len(found.names) > _MOST_GROUPS:
        raise ConfigError(
            f"affinity: got {len(found.names)} groups; want {_MOST_GROUPS} or fewer (--group NAME=TASK,TASK puts tasks "
            "together), since every partition is tried"
        )
    scored = ((_score(found, parts), parts) for parts in _partitions(range(len(found.names)), models))
    score, best = max(scored, key=lambda one: one[0])
    parts = tuple(tuple(found.names[place] for place in part) for part in best)
    lines = [f"{' + '.join(part)}: {_reason(found, part)}" for part in parts]
    joined = "; ".join(" + ".join(part) for part in parts)
    return Partition(parts, (f"at most {models} models: {joined} (affinity {score:+.5f})", *lines))


def rank_correlation(predicted: Sequence[float], measured: Sequence[float]) -> tuple[float, float] | None:
    """Returns Spearman's rank correlation and its p-value; None for fewer than three pairs of numbers.

    Examples:
        >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
        (0.8, 0.2)
        >>> rank_correlation([1, 2], [1, 2])
    """
    if len(predicted) < 3:
        return None
    found = spearmanr(predicted, measured)
    return round(float(found.statistic), 4), round(float(found.pvalue), 4)


@dataclass(frozen=True)
class GridComparison:
    """Affinities and cosines beside the changes that training in pairs has made.

    Args:
        pairs: (trained with, group, affinity, cosine, change in percent of the group's score), one per ordered pair.
        affinity: Spearman's rank correlation of affinities and changes, and its p-value; None for too few pairs.
        cosine: likewise of cosines.
    """

    pairs: tuple[tuple[str, str, float, float, float], ...]
    affinity: tuple[float, float] | None
    cosine: tuple[float, float] | None


def compare_with_grid(found: TaskAffinity, changes: GroupChanges) -> GridComparison:
    """Compares affinities with the exhaustive grid of pairs; a pair that either lacks is left out.

    Raises:
        ConfigError: a grid of other groups.
    """
    if set(changes.names) != set(found.names):
        raise ConfigError(
            f"grid: got the groups {', '.join(changes.names)}; want those that were measured: {', '.join(found.names)}"
        )
    pairs = []
    for i, helper in enumerate(found.names):
        for j, helped in enumerate(found.names):
            change = changes.of(helped, (helper,)) if i != j else None
            numbers = (float(found.affinity[i, j]), float(found.cosine[i, j]))
            if change is not None and np.isfinite(numbers).all():
                pairs.append((helper, helped, *numbers, change.mean))
    changed = [pair[4] for pair in pairs]
    return GridComparison(
        tuple(pairs),
        rank_correlation([pair[2] for pair in pairs], changed),
        rank_correlation([pair[3] for pair in pairs], changed),
    )


def _partitions(members: Sequence[int], models: int) -> Iterator[list[list[int]]]:
    """Yields all partitions of the members into at most so many parts."""
    if not members:
        yield []
        return
    first, rest = members[0], members[1:]
    for parts in _partitions(rest, models):
        for place, part in enumerate(parts):
            yield [*parts[:place], [first, *part], *parts[place + 1 :]]
        if len(parts) < models:
            yield [[first], *parts]


def _score(found: TaskAffinity, parts: Sequence[Sequence[int]]) -> float:
    total = 0.0
    for part in parts:
        if len(part) > 1:
            inside = found.affinity[np.ix_(part, part)]
            total += float(inside.sum() - np.trace(inside)) / (len(part) - 1)
    return total


def _reason(found: TaskAffinity, part: Members) -> str:
    places = [found.names.index(name) for name in part]
    if len(part) == 1:
        others = [float(found.affinity[i, places[0]]) for i in range(len(found.names)) if i != places[0]]
        return (
            f"by itself; a step for another one changes its loss by {-100 * statistics.fmean(others):+.3f} % on average"
        )
    gains = [statistics.fmean(float(found.affinity[i, j]) for i in places if i != j) for j in places]
    each = ", ".join(f"{name} {-100 * gain:+.3f} %" for name, gain in zip(part, gains, strict=True))
    return f"a step for one of the others changes the loss of {each} on average"
