"""The verdict on a multi-task run, in words: per task better, worse or no difference, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from motet.core import Report, Result
from motet.evaluation.task_evaluation import MIN_IMAGES_FOR_A_CLAIM
from motet.report.compare import Claim, Comparison, TaskComparison
from motet.report.runs import Log, RunRecord
from motet.report.tables import bare, is_below_trivial, number

_RISING_POINTS = 4  # evaluations that are needed to see a curve rise
_LAST_PART = 0.75  # of the steps, after which a curve that still rises is not done


@dataclass(frozen=True)
class Verdict:
    """The verdict on one task.

    Args:
        task: its name.
        claim: against its single-task model; "no claim" without one, or where too few images or no interval allow none.
        text: one sentence on each comparison, and the advice that follows.
        below_trivial: whether the score is not above the best trivial baseline.
    """

    task: str
    claim: Claim
    text: str
    below_trivial: bool = False

    def __str__(self) -> str:
        return f"{self.task}: {self.text}"


def verdicts(run: RunRecord, comparison: Comparison | None = None) -> tuple[Verdict, ...]:
    """Returns the verdict on every task of a run.

    Args:
        run: the multi-task run, or a single-task run.
        comparison: with single-task models, where there are any.
    """
    compared = () if comparison is None else (comparison, *comparison.others)
    found = []
    for result in (one for one in run.report.results if one.main):
        pairs = [(pair, one.fewest_seeds) for one in compared for pair in one.pairs if pair.task == result.task]
        pair = pairs[0][0] if pairs else None
        parts = [text for other, seeds in pairs for text in _against_single(other, seeds)]
        parts += _against_trivial(run.report, result)
        parts += [_advice(run.log, result, pair, [other for other, _ in pairs[1:]])]
        claim: Claim = "no claim" if pair is None else pair.claim
        text = "; ".join(filter(None, parts)) + "."
        found.append(Verdict(result.task, claim, text, is_below_trivial(run.report, result)))
    return tuple(found)


def _against_single(pair: TaskComparison, seeds: int) -> Iterator[str]:
    few = f", from {seeds} seed{'' if seeds == 1 else 's'} a side" if seeds < 3 else ""
    single = f"its single-task model {pair.budget.phrase(pair.single_steps)}"
    match pair.claim:
        case "better" | "worse":
            sides = f"{bare(pair.multi.mean, pair.unit)} against {number(pair.single.mean, pair.unit)}"
            yield f"{pair.claim} than {single}: {sides} ({_interval(pair)}{few})"
        case "no difference":
            yield f"no difference from {single} is shown ({_interval(pair)}{few})"
        case "no claim" if pair.difference.low is None:
            yield f"no interval, so no claim against {single}: train more seeds, or evaluate on test rows"
        case "no claim":
            yield (
                f"{pair.count:,} test images are too few for a claim against {single}, "
                f"{MIN_IMAGES_FOR_A_CLAIM} are needed ({_interval(pair)}{few})"
            )


def _interval(pair: TaskComparison) -> str:
    one = pair.difference
    value, low, high = (bare(each, pair.unit, sign=True) for each in (one.value, one.low, one.high))
    return f"difference {value}, {low} to {high}, over {one.over}"


def _against_trivial(report: Report, result: Result) -> Iterator[str]:
    baselines = report.trivial_baselines.get(result.task, {})
    if not baselines:
        return
    if is_below_trivial(report, result):
        pick = max if result.higher_is_better else min
        best = pick(baselines, key=lambda name: baselines[name])
        yield (
            f"not above the trivial baseline {best!r} ({bare(result.value, result.unit)} against "
            f"{number(baselines[best], result.unit)})"
        )
        return
    if result.low is None or result.high is None:
        yield "above every trivial baseline, without an interval"
        return
    unsure = [name for name, value in baselines.items() if result.low <= value <= result.high]
    yield "above every trivial baseline" + (f", but within the interval of {' and '.join(unsure)}" if unsure else "")


def _advice(log: Log, result: Result, pair: TaskComparison | None, others: Sequence[TaskComparison]) -> str:
    if pair is not None and pair.claim == "better" and any(other.claim != "better" for other in others):
        return "its gain is one of training time: trained longer, its single-task model is not behind"
    if pair is not None and pair.claim == "worse":
        return "train it apart, or give it a larger share of the rows"
    if pair is not None and pair.claim in ("no difference", "no claim") and (needed := num_images_needed(pair)):
        return f"about {needed:,} test images would show a difference of this size"
    if rise := rise_of(log.scores.get((result.task, result.metric), ()), higher_is_better=result.higher_is_better):
        return f"its score on val still rose by {bare(rise, result.unit)} in the last quarter of training: train longer"
    return ""


def num_images_needed(pair: TaskComparison) -> int | None:
    """Returns the number of images whose interval would leave out 0 for the same difference; None where unknown.

    The width of an interval over images falls with the root of their number.
    """
    one = pair.difference
    if one.low is None or one.high is None or "images" not in one.over or not one.value:
        return None
    half = (one.high - one.low) / 2
    needed = max(math.ceil(pair.count * (half / abs(one.value)) ** 2), MIN_IMAGES_FOR_A_CLAIM)
    return needed if pair.count < needed <= 1_000 * pair.count else None


def rise_of(points: Sequence[tuple[int, float]], *, higher_is_better: bool) -> float | None:
    """Returns by how much a curve got better in the last quarter of its steps; None where it did not, or is too short.

    Args:
        points: (step, value), in order.
        higher_is_better: the direction of the values.

    Examples:
        >>> rise_of([(25, 10.0), (50, 20.0), (75, 25.0), (100, 31.0)], higher_is_better=True)
        6.0
    """
    if len(points) < _RISING_POINTS:
        return None
    sign = 1 if higher_is_better else -1
    last, end = points[-1]
    before = [sign * value for step, value in points[:-1] if step <= _LAST_PART * last]
    rise = sign * end - max(before) if before else 0.0
    return rise if rise > 0 and sign * end >= max(sign * value for _, value in points) else None
