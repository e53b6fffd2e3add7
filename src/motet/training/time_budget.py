"""The number of steps that fit into a given time, from the measured speed of a run."""

from __future__ import annotations

import torch

from motet.core import ConfigError
from motet.training.estimate import Estimate, estimate
from motet.training.run import Run

_TIMED_STEPS = 5


def steps_within(run: Run, seconds: float, *, device: torch.device | str = "cpu") -> int:
    """Returns the number of steps that a run can take in a time, with its stored features and its evaluations.

    A few steps are timed. An evaluated row counts as a trained one: it has no backward pass, but an answer to generate.
    Start-up, trivial baselines and the report page are not counted.

    Args:
        run: not changed, and nothing is written.
        seconds: for the whole run.
        device: of the run.

    Raises:
        ConfigError: storing features and evaluating take longer alone, or the run cannot start.
        DataError: a bad row among the first.
    """
    found = estimate(run, timed_steps=_TIMED_STEPS, device=device)
    fixed = fixed_seconds(run, found)
    steps = int((seconds - fixed) / found.step_seconds)
    if steps < 1:
        raise ConfigError(
            f"minutes: got {seconds / 60:g}; want at least {(fixed + found.step_seconds) / 60:.1f}: storing features "
            f"and evaluating take {fixed:.0f} s, a step {found.step_seconds:.2f} s"
        )
    return steps


def fixed_seconds(run: Run, found: Estimate) -> float:
    """Returns the seconds that do not depend on the number of steps: stored features, and the evaluations."""
    taken = sum(one.samples for one in found.samples)
    row_seconds = found.step_seconds * found.steps / max(1, taken)
    rows = {role: sum(len(source.reader) for source in run.of_role(role)) for role in ("train", "val", "test")}
    config = run.train
    evaluations = config.steps // config.evaluate_every if config.evaluate_every else 0
    evaluated = rows["val"] * (evaluations + 1) + rows["test"]
    stored = found.store_seconds * (1 + (rows["val"] + rows["test"]) / max(1, rows["train"]))
    return stored + row_seconds * evaluated
