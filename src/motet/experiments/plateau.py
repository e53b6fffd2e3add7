"""The length at which a task trained alone stops rising on its val rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import CheckpointError, ConfigError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.experiments.lr_search import TrainRun, train_candidate
from motet.experiments.single_task import single_task
from motet.training.lr_schedules import constant_after_warmup
from motet.training.run import Run

_PROBE, _NOTE = "length", "length.json"


@dataclass(frozen=True, kw_only=True)
class PlateauRule:
    """The rule by which a score has stopped rising.

    A score is measured at lengths that grow by `growth`. It has stopped rising once `patience` measurements in a row
    are not above the best before them by more than `tolerance`. With the defaults: no rise of more than 1 % of the
    score in a training that is 2.25 times as long. The rule has no unit of steps, so it fits a task of 50 and one of
    50,000.

    Args:
        growth: of one length to the next.
        patience: measurements without a rise.
        tolerance: the smallest rise that counts, as a share of the best score.
        longest: the most steps, as a multiple of the multi-task run's.

    Raises:
        ConfigError: a growth of 1 or less, no patience, or a number below 0.
    """

    growth: float = 1.5
    patience: int = 2
    tolerance: float = 0.01
    longest: float = 4.0

    def __post_init__(self) -> None:
        if not self.growth > 1:
            raise ConfigError(f"PlateauRule.growth: got {self.growth}; want more than 1")
        if self.patience < 1:
            raise ConfigError(f"PlateauRule.patience: got {self.patience}; want at least 1")
        if not self.tolerance >= 0 or not self.longest > 0:
            raise ConfigError(
                f"PlateauRule: got tolerance {self.tolerance}, longest {self.longest}; want 0 or more, and more than 0"
            )

    def lengths(self, first: int, steps: int) -> tuple[int, ...]:
        """Returns the lengths to measure at, in steps.

        Args:
            first: the shortest: that of equal rows.
            steps: of the multi-task run.

        Examples:
            >>> PlateauRule().lengths(100, 60)
            (100, 150, 225, 240)
        """
        found, last = [first], max(first, round(self.longest * steps))
        while found[-1] < last:
            found.append(min(last, max(found[-1] + 1, round(self.growth * found[-1]))))
        return tuple(found)

    def best(self, values: Sequence[float], *, higher_is_better: bool) -> tuple[int, bool]:
        """Returns the place of the last score that rose, and whether the scores have stopped rising after it.

        Examples:
            >>> PlateauRule().best([10.0, 20.0, 20.1, 19.0], higher_is_better=True)
            (1, True)
            >>> PlateauRule().best([10.0, 20.0, 20.1], higher_is_better=True)
            (1, False)
        """
        sign, best = (1 if higher_is_better else -1), 0
        for place, value in enumerate(values):
            if sign * (value - values[best]) > self.tolerance * abs(values[best]):
                best = place
        return best, len(values) - 1 - best >= self.patience


@dataclass(frozen=True)
class BaselineLength:
    """The length of a baseline that is trained until it stops rising.

    Args:
        steps: the shortest training whose score no longer one exceeds; or the longest that was tried.
        still_rises: whether the score still rose there.
    """

    steps: int
    still_rises: bool


def find_length(
    run: Run,
    task: str,
    folder: Path,
    *,
    train_run: TrainRun,
    plateau: PlateauRule,
    samples_seen: Mapping[str, int] | None = None,
    log: Callable[[str], None],
) -> BaselineLength:
    """Trains a task alone, period by period, until its score on val stops rising; an earlier call is continued.

    This run only finds the length. Its learning rate stays at its peak after the warm-up, since a decay needs the
    length (Hägele et al. 2024, arXiv 2405.18392, train so and decay at the end). The baseline itself is then trained
    at this length from the start with the run's own learning-rate schedule, so that both sides of the comparison
    decay alike.

    Args:
        run: the multi-task run.
        task: the task.
        folder: gets the run and a note of its scores; a second call reads the note.
        train_run: trains and evaluates a run.
        plateau: the rule.
        samples_seen: samples by source that the run took, if known.
        log: called with one line per period.

    Raises:
        ConfigError: no val rows of the task.
        CheckpointError: a note of another run, or a run that was stopped; the same call goes on.
    """
    check_has_val(run, task)
    first = single_task(run, task, samples_seen=samples_seen).train.steps
    lengths = plateau.lengths(first, run.train.steps)
    longest = single_task(run, task, steps=lengths[-1], samples_seen=samples_seen)
    train = dataclasses.replace(
        longest.train,
        lr_schedule=constant_after_warmup(run.train.lr_schedule, first),
        evaluate_every=0,
        save_every=run.train.save_every,
    )
    sources = tuple(source for source in longest.sources if source.role != "test")
    values, higher_is_better = _read(folder / _NOTE, lengths)
    while not values or (not plateau.best(values, higher_is_better=higher_is_better)[1] and len(values) < len(lengths)):
        steps = lengths[len(values)]
        period = dataclasses.replace(longest, sources=sources, train=dataclasses.replace(train, steps=steps), expect={})
        result = train_candidate(period, folder / _PROBE, train_run).main(task)
        values, higher_is_better = [*values, result.value], result.higher_is_better
        _write(folder / _NOTE, lengths, values, higher_is_better)
        log(f"{task} alone, {steps:,} steps: {result.metric} {result.value:.1f} {result.unit} on val".rstrip())
    best, stopped = plateau.best(values, higher_is_better=higher_is_better)
    found = BaselineLength(lengths[best] if stopped else lengths[-1], still_rises=not stopped)
    end = "stops rising" if stopped else "still rises at the most that is tried,"
    log(f"{task} alone: {end} after {found.steps:,} steps; its baseline is trained as long")
    return found


def check_has_val(run: Run, task: str) -> None:
    """Raises ConfigError where a task has no val rows."""
    if not any(one.name == task for source in run.of_role("val") for one in source.tasks):
        raise ConfigError(
            f"baseline: task {task!r}: got no source of role 'val'; want one, to see when its score stops rising"
        )


def _write(path: Path, lengths: Sequence[int], values: Sequence[float], higher_is_better: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"lengths": lengths, "values": values, "higher_is_better": higher_is_better}) + "\n")


def _read(path: Path, lengths: Sequence[int]) -> tuple[list[float], bool]:
    """Returns the scores so far, and their direction."""
    try:
        data = read_json(path)
        known, values, higher_is_better = (
            data["lengths"],
            [float(value) for value in data["values"]],
            data["higher_is_better"],
        )
    except FileNotFoundError:
        return [], True
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the scores of a baseline") from error
    if known != list(lengths):
        raise CheckpointError(
            f"{path}: got scores at {str(known)[:60]} steps; want {str(list(lengths))[:60]}: it is of another run "
            "(--folder names a new folder)"
        )
    return values, bool(higher_is_better)
