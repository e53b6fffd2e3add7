"""The number of steps that fit into a given time, from the measured speed of a run."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from motet.core import ConfigError
from motet.training.estimate import Estimate, estimate
from motet.training.run import Run

_TIMED_STEPS = 5


@dataclass(frozen=True)
class RunTime:
    """The time that a run takes, as measured.

    Args:
        step_seconds: of a training step.
        store_seconds: of encoding all images once.
        fixed_seconds: of everything but the steps, storing included.
        at_most: True where the times are upper bounds, since the run is far shorter than what was asked for.
    """

    step_seconds: float
    store_seconds: float
    fixed_seconds: float
    at_most: bool = False

    def steps_in(self, seconds: float) -> int:
        """Returns the steps that fit into a time; 0 or less where none does."""
        return int((seconds - self.fixed_seconds) / self.step_seconds)


def measure(run: Run, *, within: float = 0.0, device: torch.device | str = "cpu") -> RunTime:
    """Times a few steps of a run; see `steps_within`.

    Args:
        run: not changed, and nothing is written.
        within: seconds; where one step shows that the run takes less than half of them, no more is timed.
        device: of the run.
    """
    found = estimate(run, timed_steps=_TIMED_STEPS, enough=within / 2, device=device)
    return RunTime(found.step_seconds, found.store_seconds, fixed_seconds(found), found.at_most)


def steps_within(run: Run, seconds: float, *, device: torch.device | str = "cpu") -> int:
    """Returns the number of steps that a run can take in a time, with its stored features and its evaluations.

    A few steps and a few evaluated rows are timed; evaluations keep their share of the steps. Trivial baselines and the
    report page are not counted.

    Args:
        run: not changed, and nothing is written.
        seconds: for the whole run.
        device: of the run.

    Raises:
        ConfigError: storing features and evaluating take longer alone, or the run cannot start.
        DataError: a bad row among the first.
    """
    found = measure(run, device=device)
    steps, fixed = found.steps_in(seconds), found.fixed_seconds
    if steps < 1:
        raise ConfigError(
            f"minutes: got {seconds / 60:g}; want at least {(fixed + found.step_seconds) / 60:.1f}: the start, storing "
            f"features and evaluating take {fixed:.0f} s, a step {found.step_seconds:.2f} s"
        )
    return steps


def fixed_seconds(found: Estimate) -> float:
    """Returns the seconds that do not depend on the number of steps: the start, stored features, the evaluations."""
    return found.setup_seconds + found.store_seconds + found.evaluation_seconds
