"""The weights of a run that scored best on its val sources, kept on the disk until the run ends."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from motet.core import CheckpointError, Report, System
from motet.core.model_folder import fill, read_weights
from motet.core.ranks import broadcast, rank
from motet.core.regular_files import read_json
from motet.training.checkpoint import on_rank_0, save_system
from motet.training.json_files import write_json

FOLDER = "best"
_REPORT = "report.json"
_BY_CHANCE = 2  # rows: on 14 of them, one more that is right kept weights that were worse on others (docs/LOG.md)


class BestWeights:
    """Keeps the weights of the best evaluation so far, beside the checkpoints.

    A stopped run finds them again. An evaluation that is repeated then scores the same, so it changes nothing.

    Args:
        run_folder: gets a folder ``best``, a saved model with its report, which is removed when the run ends.

    Attributes:
        report: the evaluation of the weights that are kept; None before the first.

    Raises:
        CheckpointError: a report of an earlier start that cannot be read.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder / FOLDER
        self.report, failure = broadcast(_report_in(self._folder) if rank() == 0 else (None, ""))
        if failure:
            raise CheckpointError(failure)

    def consider(self, report: Report, system: System) -> None:
        """Keeps a system's weights if its evaluation is better than the one kept; of equal ones the earlier stays."""
        if self.report is not None and (report.step <= self.report.step or not is_better(report, self.report)):
            return
        self.report = report
        on_rank_0(lambda: save_system(system, self._folder))
        write_json(self._folder / _REPORT, report.to_dict())

    def restore(self, system: System) -> None:
        """Sets the weights to those kept.

        Raises:
            CheckpointError: weights that cannot be read.
        """
        fill(system, read_weights(self._folder), strict=True, where=str(self._folder))

    def remove(self) -> None:
        """Removes the folder: the last checkpoint has these weights now."""
        if rank() == 0:
            shutil.rmtree(self._folder, ignore_errors=True)


def is_better(new: Report, old: Report) -> bool:
    """Returns whether an evaluation is better than another one: the mean relative difference of the main metrics.

        (new - old) / max(|new|, |old|), with its sign turned where lower is better

    A score of 0 before training is no special case, as it would be in a ratio to it. A metric without a finite value
    is worse than any other. A difference as small as two rows of the source bring by chance is none.

    Examples:
        >>> from motet.core import Result
        >>> def at(first, second):
        ...     values = {"a": first, "b": second}
        ...     return Report(results=tuple(Result(task=task, source="s", metric="accuracy", value=value, unit="%",
        ...         higher_is_better=True, count=99) for task, value in values.items()))
        >>> is_better(at(50.0, 9.0), at(60.0, 3.0)), is_better(at(60.0, 3.0), at(60.0, 3.0))
        (True, False)
    """
    before = {(one.task, one.source): one.value for one in old.results if one.main}
    gains, chance = list[float](), 0.0
    for one in new.results:
        if one.main and (one.task, one.source) in before:
            sign = 1.0 if one.higher_is_better else -1.0
            gains.append(sign * _relative(one.value, before[one.task, one.source], worst=-sign))
            chance += _BY_CHANCE / max(1, one.count)
    return sum(gains) > chance


def _relative(new: float, old: float, worst: float) -> float:
    if not math.isfinite(new) or not math.isfinite(old):
        return worst * (math.isfinite(old) - math.isfinite(new))
    return (new - old) / max(abs(new), abs(old)) if new != old else 0.0


def _report_in(folder: Path) -> tuple[Report | None, str]:
    """Returns the report of the weights that an earlier start of the run kept, and what keeps it from being read."""
    path = folder / _REPORT
    if not path.is_file():
        return None, ""
    try:
        return Report.from_dict(read_json(path)), ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"{path}: got {error}; want the report that the run wrote"
