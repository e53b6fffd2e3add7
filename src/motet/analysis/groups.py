"""Which groups of tasks help each other: changes against training alone, their averages, the grouping they suggest."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

Members: TypeAlias = tuple[str, ...]
"""Groups that are trained together, in the order of all groups."""


@dataclass(frozen=True)
class Change:
    """By how many percent something is better than when trained alone, negative where it is worse.

    Args:
        by_seed: both sides are of the same seed; at least one.

    Examples:
        >>> change = Change({0: 1.0, 1: 3.0})
        >>> change.mean, round(change.spread, 3), change.clear
        (2.0, 1.414, True)
    """

    by_seed: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Over seeds."""
        return statistics.fmean(self.by_seed.values())

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None with one seed."""
        return statistics.stdev(self.by_seed.values()) if len(self.by_seed) > 1 else None

    @property
    def clear(self) -> bool:
        """Whether it is larger than its spread, which one seed cannot show."""
        return self.spread is not None and abs(self.mean) > self.spread


@dataclass(frozen=True, kw_only=True)
class GroupChanges:
    """The changes of every group in every run that was made.

    Args:
        names: of the groups, in order.
        found: (group, those it was trained with) to its change; what has no number (a run that failed, a score of 0
            alone) is not there.
    """

    names: Members
    changes: Mapping[tuple[str, Members], Change]

    def of(self, group: str, others: Iterable[str]) -> Change | None:
        """The change of a group when it is trained with others; None where there is no number."""
        return self.changes.get((group, in_order(self.names, others)))

    def columns(self, size: int) -> tuple[Members, ...]:
        """What groups are trained with in runs of `size` groups, where such runs were made."""
        columns = tuple(combinations(self.names, size - 1))
        return columns if any(len(others) == size - 1 for _, others in self.changes) else ()

    def average_of_group(self, group: str, size: int) -> Change | None:
        """The mean change of a group over all runs of `size` groups: a row's average in the paper's table 3."""
        rest = [name for name in self.names if name != group]
        return average([self.of(group, others) for others in combinations(rest, size - 1)])

    def average_with(self, others: Members) -> Change | None:
        """The mean change of all groups that were trained with these: a column's average in the paper's table 3."""
        return average([self.of(name, others) for name in self.names if name not in others])


@dataclass(frozen=True)
class Suggestion:
    """Which groups to train together.

    Args:
        parts: every group in one of them.
        reasons: a sentence for all, then one for every merger and for every two parts that stay apart.
    """

    parts: tuple[Members, ...]
    reasons: tuple[str, ...]


def in_order(names: Members, some: Iterable[str]) -> Members:
    """Some of the names, in their order."""
    wanted = set(some)
    return tuple(name for name in names if name in wanted)


def trained_together(names: Members, *, triples: bool) -> tuple[Members, ...]:
    """What is trained: every group alone, every two of them and, if asked for, every three.

    Examples:
        >>> trained_together(("a", "b", "c"), triples=True)
        (('a',), ('b',), ('c',), ('a', 'b'), ('a', 'c'), ('b', 'c'), ('a', 'b', 'c'))
    """
    sizes = range(1, min(len(names), 3 if triples else 2) + 1)
    return tuple(members for size in sizes for members in combinations(names, size))


def average(changes: Sequence[Change | None]) -> Change | None:
    """The mean of changes, seed by seed; None where one of them has no number, or no seed has all.

    Examples:
        >>> average([Change({0: 1.0, 1: 2.0}), Change({0: 3.0, 1: 6.0})])
        Change(by_seed={0: 2.0, 1: 4.0})
    """
    whole = total(changes)
    return None if whole is None else Change({seed: v / len(changes) for seed, v in whole.by_seed.items()})


def total(changes: Sequence[Change | None], less: Sequence[Change | None] = ()) -> Change | None:
    """The sum of changes less that of others, seed by seed; None where one of them has no number, or no seed has all.

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


def suggest(changes: GroupChanges) -> Suggestion:
    """A grouping that the changes speak for, with its reasons in words.

    Every group begins by itself. Of all mergers of two parts the one is made that gains most, then the next, as long as
    one gains more than nothing and more than its spread over seeds:

        gain(P, Q) = sum over g in P + Q of change(g in P + Q) - sum over g in P of change(g in P) - the same of Q

    so that of two groups it is the sum of what each does to the other. The change of a group in a part of three is that
    of the triple, where triples were trained; where a part was not trained as a whole, a group's change in it is the
    mean of its changes in its pairs, as Standley et al. estimate it. Without a second seed there is no spread, and
    nothing is merged. A merger is a step that looks one ahead, not the best of all partitions.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 4.3, has the table and draws no grouping from it: this rule is
    ours. Standley et al. 2020 (arXiv 1905.07553): averages of pairs for larger sets, the "higher order approximation".
    """
    parts: list[Members] = [(name,) for name in changes.names]
    merged: list[str] = []
    while True:
        gains = [(pair, gain_of_merging(changes, *pair)) for pair in combinations(parts, 2)]
        worth = [(gain.mean, pair, gain) for pair, gain in gains if gain is not None and gain.clear and gain.mean > 0]
        if not worth:
            break
        # The first of several that gain the same: the order is that of the groups.
        _, pair, gain = max(worth, key=lambda one: one[0])
        merged.append(f"{_and(pair)}: {_said(changes, pair, gain)}: train together")
        parts = sorted(
            [*(part for part in parts if part not in pair), in_order(changes.names, (*pair[0], *pair[1]))],
            key=lambda part: changes.names.index(part[0]),
        )
    apart = [f"{_and(pair)}: {_said(changes, pair, gain)}: {_why_apart(gain)}" for pair, gain in gains]
    return Suggestion(tuple(parts), (_summary(changes, parts), *merged, *apart))


def gain_of_merging(changes: GroupChanges, one: Members, other: Members) -> Change | None:
    """What training two parts together gains over training each by itself, in percent added over their groups."""
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


def _said(changes: GroupChanges, pair: tuple[Members, Members], gain: Change | None) -> str:
    if gain is None:
        return "no number"
    expected = "" if _was_trained(changes, (*pair[0], *pair[1])) else ", expected from pairs"
    spread = "one seed" if gain.spread is None else f"± {gain.spread:.2f} over {len(gain.by_seed)} seeds"
    return f"the changes add up to {gain.mean:+.2f} % ({spread}{expected})"


def _why_apart(gain: Change | None) -> str:
    if gain is None:
        return "apart, for lack of one"
    if gain.spread is None:
        return "apart, for lack of a spread to compare it with"
    return "train apart" if gain.clear else "no more than the spread: apart"
