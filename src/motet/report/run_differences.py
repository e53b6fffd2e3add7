"""The scores of several runs of the same tasks, each run against the first, over the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motet.core import Result
from motet.evaluation.task_evaluation import MIN_IMAGES_FOR_A_CLAIM
from motet.report.compare import Claim
from motet.report.differences import Difference, paired_draws
from motet.report.runs import RunRecord


@dataclass(frozen=True)
class RunDifference:
    """The score of one task in one run against that in the first run.

    Args:
        task: its name.
        run: name of the run.
        first: name of the run that it is compared with.
        result: of the run.
        reference: of the first run.
        difference: positive where the run is better; its interval holds for all comparisons of a page together.
        count: evaluated images, or rows where they have none.
    """

    task: str
    run: str
    first: str
    result: Result
    reference: Result
    difference: Difference
    count: int

    @property
    def claim(self) -> Claim:
        """The claim that the interval allows; none on fewer images than `MIN_IMAGES_FOR_A_CLAIM`."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or self.count < MIN_IMAGES_FOR_A_CLAIM:
            return "no claim"
        return "better" if low > 0 else "worse" if high < 0 else "no difference"


def run_differences(runs: Mapping[str, RunRecord]) -> tuple[tuple[RunDifference, ...], tuple[str, ...]]:
    """Returns each run's tasks against those of the first run that has them, and a line for each that cannot be.

    Runs that were evaluated on other rows, or by another metric, are not compared: their scores say nothing about each
    other.

    Args:
        runs: by name; the first is the reference.
    """
    pairs: list[tuple[str, str, str, Result, Result]] = []
    refused: list[str] = []
    first: dict[str, str] = {}
    for name, run in runs.items():
        for result in (one for one in run.report.results if one.main):
            reference = first.setdefault(result.task, name)
            if reference == name:
                continue
            other = runs[reference].report.main(result.task)
            if (reason := _unlike(run, result, runs[reference], other)) is not None:
                refused.append(f"{result.task}: {name} is not compared with {reference}: {reason}")
            else:
                pairs.append((result.task, name, reference, result, other))
    level = 1 - 0.05 / max(1, len(pairs))
    return tuple(_difference(runs, *pair, level) for pair in pairs), tuple(refused)


def _unlike(run: RunRecord, result: Result, reference: RunRecord, other: Result) -> str | None:
    """Returns why two results say nothing about each other; None if they do."""
    if (result.metric, result.unit) != (other.metric, other.unit):
        return f"its metric is {result.metric}, not {other.metric}"
    if (result.source, run.report.role, result.count) != (other.source, reference.report.role, other.count):
        return (
            f"it was evaluated on {result.count:,} {run.report.role} rows of {result.source}, not on {other.count:,} "
            f"{reference.report.role} rows of {other.source}"
        )
    own, theirs = (one.data.get(result.source, {}).get("fingerprint") for one in (run, reference))
    if own != theirs:
        return f"the rows of {result.source} are others"
    return None


def _difference(
    runs: Mapping[str, RunRecord], task: str, name: str, first: str, result: Result, other: Result, level: float
) -> RunDifference:
    draws = paired_draws(
        [(result.value, runs[name].bootstraps.get(task))], [(other.value, runs[first].bootstraps.get(task))]
    )
    gap = (result.value - other.value) * (1 if result.higher_is_better else -1)
    difference = draws.difference(gap, higher_is_better=result.higher_is_better, level=level)
    return RunDifference(task, name, first, result, other, difference, result.num_images or result.count)
