"""Task grouping: relative changes against single training, their averages, and the grouping that they suggest."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

Members: TypeAlias = tuple[str, ...]
"""Names of groups that are trained together, in the order of all groups."""


@dataclass(frozen=True)
class Change:
    """The relative change of a score against training alone, in percent; negative if it is worse.

    Args:
        by_seed: the change per seed, of two runs with the same seed; at least one.

    Examples:
        >>> change = Change({0: 1.0, 1: 3.0})
        >>> change.mean, round(change.spread, 3), change.clear
        (2.0, 1.414, True)
    """

    by_seed: Mapping[int, float]

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return statistics.fmean(self.by_seed.values())

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None for one seed."""
        return statistics.stdev(self.by_seed.values()) if len(self.by_seed) > 1 else None

    @property
    def clear(self) -> bool:
        """True if the mean is larger than the spread; always False for one seed."""
        return self.spread is not None and abs(self.mean) > self.spread


@dataclass(frozen=True, kw_only=True)
class GroupChanges:
    """The changes of every group in every finished run.

    Args:
        names: names of the groups, in order.
        changes: (group, the groups it was trained with) to its change; without an entry if there is no number (a failed
            run, a score of 0 alone).
    """

    names: Members
    changes: Mapping[tuple[str, Members], Change]

    def of(self, group: str, others: Iterable[str]) -> Change | None:
        """Returns the change of a group when it is trained with others; None if there is no number."""
        return self.changes.get((group, in_order(self.names, others)))

    def columns(self, size: int) -> tuple[Members, ...]:
        """Returns all partners that a group can have in runs of `size` groups; empty if there was no such run."""
        columns = tuple(combinations(self.names, size - 1))
        return columns if any(len(others) == size - 1 for _, others in self.changes) else ()

    def average_of_group(self, group: str, size: int) -> Change | None:
        """Returns the mean change of a group over all runs of `size` groups: a row's average in the paper's table 3."""
        rest = [name for name in self.names if name != group]
        return average([self.of(group, others) for others in combinations(rest, size - 1)])

    def average_with(self, others: Members) -> Change | None:
        """Returns the mean change of all groups trained with these: a column's average in the paper's table 3."""
        return average([self.of(name, others) for name in self.names if name not in others])


@dataclass(frozen=True)
class Partition:
    """A partition of the groups into parts to train together.

    Args:
        parts: the partition; every group is in one part.
        reasons: a summary, then a sentence for every merger and for every two parts that stay separate.
    """

    parts: tuple[Members, ...]
    reasons: tuple[str, ...]


def in_order(names: Members, some: Iterable[str]) -> Members:
    """Returns some of the names, in their order."""
    members = set(some)
    return tuple(name for name in names if name in members)


def trained_together(names: Members, *, triples: bool) -> tuple[Members, ...]:
    """Returns the runs to train: every group alone, every pair and optionally every triple.

    Examples:
        >>> trained_together(("a", "b", "c"), triples=True)
        (('a',), ('b',), ('c',), ('a', 'b'), ('a', 'c'), ('b', 'c'), ('a', 'b', 'c'))
    """
    sizes = range(1, min(len(names), 3 if triples else 2) + 1)
    return tuple(members for size in sizes for members in combinations(names, size))


def average(changes: Sequence[Change | None]) -> Change | None:
    """Returns the mean of changes per seed; None if one of them is None, or no seed has all.

    Examples:
        >>> average([Change({0: 1.0, 1: 2.0}), Change({0: 3.0, 1: 6.0})])
        Change(by_seed={0: 2.0, 1: 4.0})
    """
    whole = total(changes)
    return None if whole is None else Change({seed: v / len(changes) for seed, v in whole.by_seed.items()})


def total(changes: Sequence[Change | None], less: Sequence[Change | None] = ()) -> Change | None:
    """Returns the sum of changes minus that of others, per seed; None if one of them is None, or no seed has all.

    Examples:
        >>> total([Change({0: 1.0, 1: 2.0}), Change({0: 3.0})], less=[Change({0: 0.5})])
        Change(by_seed={0: 3.5})
    """
    known = [change for change in (*changes, *less) if change is not None]
    if not changes or len(known) < len(changes) + len(less):
        return None
    signs = [1] * len(changes) + [-1] * len(less)
    seeds = [seed for seed in known[0].by_seed if all(seed in change.by_seed for change in known)]
    sums = {seed: sum(s * c.by_seed[seed] for s, c in zip(signs, known, strict=True)) for seed in seeds}
    return Change(sums) if sums else None


def suggest(changes: GroupChanges) -> Partition:
    """Suggests a grouping by greedy merging, with its reasons in words.

    Every group starts as a part of its own. The merger of two parts with the largest gain is made, then the next, as
    long as the gain is above 0 and above its spread over seeds:

        gain(P, Q) = sum over g in P + Q of change(g in P + Q) - sum over g in P of change(g in P) - the same of Q

    For two single groups it is the sum of their effects on each other. The change of a group in a part of three is that
    of the triple, if triples were trained; if a part was not trained as a whole, it is the mean of the group's changes
    in its pairs, as Standley et al. estimate it. With one seed there is no spread, and nothing is merged. The search is
    greedy, so it need not find the best partition.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 4.3, has the table but derives no grouping from it: this rule is
    ours. Standley et al. 2020 (arXiv 1905.07553): averages of pairs for larger sets, the "higher order approximation".
    """
    parts: list[Members] = [(name,) for name in changes.names]
    merged: list[str] = []
    while True:
        gains = [(pair, gain_of_merging(changes, *pair)) for pair in combinations(parts, 2)]
        worth = [(gain.mean, pair, gain) for pair, gain in gains if gain is not None and gain.clear and gain.mean > 0]
        if not worth:
            break
        # `max` takes the first in a tie, so the order of the groups decides.
        _, pair, gain = max(worth, key=lambda one: one[0])
        merged.append(f"{_and(pair)}: {_describe_gain(changes, pair, gain)}: train together")
        parts = sorted(
            [*(part for part in parts if part not in pair), in_order(changes.names, (*pair[0], *pair[1]))],
            key=lambda part: changes.names.index(part[0]),
        )
    apart = [f"{_and(pair)}: {_describe_gain(changes, pair, gain)}: {_reason_apart(gain)}" for pair, gain in gains]
    return Partition(tuple(parts), (_summary(changes, parts), *merged, *apart))


def gain_of_merging(changes: GroupChanges, one: Members, other: Members) -> Change | None:
    """Returns the gain of training two parts together over training them separately, in percent summed over groups."""
    whole = in_order(changes.names, (*one, *other))
    before = [_change_in(changes, name, part) for part in (one, other) if len(part) > 1 for name in part]
    return total([_change_in(changes, name, whole) for name in whole], less=before)


def _change_in(changes: GroupChanges, group: str, part: Members) -> Change | None:
    others = [name for name in part if name != group]
    measured = changes.of(group, others)
    return measured if measured is not None else average([changes.of(group, (other,)) for other in others])


def _was_trained(changes: GroupChanges, part: Members) -> bool:
    return all(changes.of(name, [other for other in part if other != name]) is not None for name in part)


def _summary(changes: GroupChanges, parts: Sequence[Members]) -> str:
    seeds = {seed for change in changes.changes.values() for seed in change.by_seed}
    if not changes.changes:
        return "there is no number to go by: nothing is suggested, and every group stays by itself"
    if len(seeds) < 2:
        return "one seed tells no change from chance: nothing is suggested, and every group stays by itself"
    if any(len(part) > 1 for part in parts):
        together = "; ".join(" + ".join(part) for part in parts if len(part) > 1)
        alone = ", ".join(part[0] for part in parts if len(part) == 1)
        return f"train together: {together}" + (f"; each by itself: {alone}" if alone else "")
    if not any(change.clear for change in changes.changes.values()):
        return (
            f"nothing differs from training alone by more than its spread over {len(seeds)} seeds: these runs speak "
            "neither for nor against training groups together; every group stays by itself"
        )
    return "no two groups gain together more than the spread over seeds: train each by itself"


def _and(pair: tuple[Members, Members]) -> str:
    return " and ".join(" + ".join(part) for part in pair)


def _describe_gain(changes: GroupChanges, pair: tuple[Members, Members], gain: Change | None) -> str:
    if gain is None:
        return "no number"
    expected = "" if _was_trained(changes, (*pair[0], *pair[1])) else ", expected from pairs"
    spread = "one seed" if gain.spread is None else f"± {gain.spread:.2f} over {len(gain.by_seed)} seeds"
    return f"the changes add up to {gain.mean:+.2f} % ({spread}{expected})"


def _reason_apart(gain: Change | None) -> str:
    if gain is None:
        return "apart, for lack of one"
    if gain.spread is None:
        return "apart, for lack of a spread to compare it with"
    return "train apart" if gain.clear else "no more than the spread: apart"
