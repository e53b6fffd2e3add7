"""Stop-and-go of 12-in-1: stops a task that has converged and restarts one whose score has dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motet.core import CheckpointError, ConfigError


@dataclass(frozen=True, kw_only=True)
class StopAndGo:
    """The conditions under which a task stops and goes again.

    A task begins in the state "go". Let b be its best score so far. An evaluation with score s is

        an improvement  where s > b * (1 + threshold); then b = s,
        bad             otherwise.

    After `patience` + 1 bad evaluations in succession the task has converged and stops: it has one batch in every `gap`
    iterations, so that it is not forgotten. A stopped task goes again where s < b * (1 - continue_threshold). The best
    score is never lowered. After each change of state, and after each further plateau of a stopped task, the next
    `cooldown` evaluations do not count as bad. For a negative b (a metric that is better when lower, negated) the
    factors are 1 - threshold and 1 + continue_threshold.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", section 3.3 and algorithm 1;
    the exact conditions are those of facebookresearch/vilbert-multi-task `MultiTaskStopOnPlateau`, which uses the main
    metric of a task where the paper uses its loss.

    Args:
        patience: number of bad evaluations in succession that do not stop a task.
        threshold: the least relative improvement.
        continue_threshold: the relative drop that restarts a stopped task.
        cooldown: evaluations after a change of state that do not count as bad.
        gap: iterations from one batch of a stopped task to the next.
        reset_after: numbers of iterations after which every task goes again and forgets its best score. The official
            code does so at two epochs, a remainder of another schedule; the paper does not.

    Raises:
        ConfigError: a negative number, or a gap below 1.
    """

    patience: int = 1
    threshold: float = 0.001
    continue_threshold: float = 0.005
    cooldown: int = 1
    gap: int = 4
    reset_after: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("patience", "threshold", "continue_threshold", "cooldown"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"StopAndGo.{name}: got {getattr(self, name)}; want 0 or more")
        if self.gap < 1:
            raise ConfigError(f"StopAndGo.gap: got {self.gap}; want at least 1")
        if min(self.reset_after, default=1) < 1:
            raise ConfigError(f"StopAndGo.reset_after: got {self.reset_after}; want numbers of iterations, 1 or more")


@dataclass
class Plateau:
    """The state of one task under stop-and-go; higher scores are better.

    Args:
        config: the conditions.
        best: the best score so far; it may be negative (a metric that is better when lower is negated).
        num_bad: number of bad evaluations in succession.
        cooldown: evaluations to come that do not count as bad.
        stopped: True where the task has one batch in `config.gap` iterations only.
        converged: True once the task has stopped; a curriculum waits for it.

    Examples:
        >>> task = Plateau(StopAndGo())
        >>> [task.observe(score) for score in (50.0, 50.0, 50.0, 50.0, 49.0)]
        [False, False, True, True, False]
    """

    config: StopAndGo
    best: float = -math.inf
    num_bad: int = 0
    cooldown: int = 0
    stopped: bool = False
    converged: bool = False

    def observe(self, score: float) -> bool:
        """Updates the state with the score of one evaluation and returns `stopped`."""
        config = self.config
        if score > _scaled(self.best, config.threshold):
            self.best, self.num_bad = score, 0
        else:
            self.num_bad += 1
        if self.cooldown > 0:
            self.cooldown -= 1
            self.num_bad = 0
        # As in the official code: at a further plateau of a stopped task its score is not compared with its best.
        if self.num_bad > config.patience:
            self._switch(stopped=True)
        elif self.stopped and score < _scaled(self.best, -config.continue_threshold):
            self._switch(stopped=False)
        return self.stopped

    def reset(self) -> None:
        """Restarts the task and forgets its best score, but not that it has converged once."""
        self.best, self.num_bad, self.cooldown, self.stopped = -math.inf, 0, 0, False

    def state_dict(self) -> dict[str, Any]:
        """Returns plain data; None for an infinite best score, which JSON cannot hold."""
        return {
            "best": self.best if math.isfinite(self.best) else None,
            "bad": self.num_bad,
            "cooldown": self.cooldown,
            "stopped": self.stopped,
            "converged": self.converged,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a saved state. Raises CheckpointError on a damaged one."""
        try:
            self.best = -math.inf if state["best"] is None else float(state["best"])
            self.num_bad, self.cooldown = int(state["bad"]), int(state["cooldown"])
            self.stopped, self.converged = bool(state["stopped"]), bool(state["converged"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"schedule: got a checkpoint with {state}; want the state of a task under stop-and-go ({error})"
            ) from error

    def _switch(self, *, stopped: bool) -> None:
        self.stopped, self.converged = stopped, self.converged or stopped
        self.cooldown, self.num_bad = self.config.cooldown, 0


def _scaled(best: float, share: float) -> float:
    """Returns the score that is better than `best` by a share of it, for either sign of `best`."""
    return best * (1 + share) if best >= 0 else best * (1 - share)
