"""When a task has converged and when it has drifted: what stop-and-go knows of each task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motet.core import CheckpointError, ConfigError


@dataclass(frozen=True, kw_only=True)
class StopAndGo:
    """When a task stops, how seldom it is trained then, and when it goes again.

    A task goes at first. When `patience` + 1 evaluations one after the other have not beaten its best by more than
    `threshold`, it has converged and stops: then it has one batch in every `gap` iterations, so that it is not
    forgotten. When a stopped task falls below its best by more than `continue_threshold`, it goes again. Its best is
    never lowered. After each change, and after each further plateau of a stopped task, `cooldown` evaluations count no
    failure.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", section 3.3 and algorithm 1;
    the exact conditions are those of facebookresearch/vilbert-multi-task `MultiTaskStopOnPlateau`, which reads the
    main score of a task where the paper says its loss.

    Args:
        patience: evaluations without a gain that are borne.
        threshold: the least gain that counts, as a share of the best score.
        continue_threshold: the loss that brings a stopped task back, as a share of the best score.
        cooldown: evaluations after a change that count no failure.
        gap: iterations from one batch of a stopped task to the next.
        reset_after: after so many iterations every task goes again and forgets its best. The official code does so at
            two epochs, a left-over of another schedule; the paper does not.

    Raises:
        ConfigError: a number that is negative, or a gap below 1.
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
    """Where one task stands; higher scores are better.

    Args:
        spec: the conditions.
        best: the best score so far; it need not be positive (a metric that is better when lower comes negated).
        bad: evaluations without a gain, one after the other.
        cooldown: evaluations to come that count no failure.
        stopped: whether it has one batch in `spec.gap` iterations only.
        converged: whether it has ever stopped, which is what a curriculum waits for.

    Examples:
        >>> task = Plateau(StopAndGo())
        >>> [task.observe(score) for score in (50.0, 50.0, 50.0, 50.0, 49.0)]
        [False, False, True, True, False]
    """

    spec: StopAndGo
    best: float = -math.inf
    bad: int = 0
    cooldown: int = 0
    stopped: bool = False
    converged: bool = False

    def observe(self, score: float) -> bool:
        """Takes the score of one evaluation; whether the task stands now."""
        spec = self.spec
        if score > _moved(self.best, spec.threshold):
            self.best, self.bad = score, 0
        else:
            self.bad += 1
        if self.cooldown > 0:
            self.cooldown -= 1
            self.bad = 0
        # A stopped task that stays flat comes here again: then its score is not held against its best this time.
        if self.bad > spec.patience:
            self._turn(stopped=True)
        elif self.stopped and score < _moved(self.best, -spec.continue_threshold):
            self._turn(stopped=False)
        return self.stopped

    def reset(self) -> None:
        """Goes again and forgets its best; that it converged once stays known."""
        self.best, self.bad, self.cooldown, self.stopped = -math.inf, 0, 0, False

    def state_dict(self) -> dict[str, Any]:
        """Plain data for JSON, which knows no infinity."""
        return {
            "best": self.best if math.isfinite(self.best) else None,
            "bad": self.bad,
            "cooldown": self.cooldown,
            "stopped": self.stopped,
            "converged": self.converged,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a saved state. Raises CheckpointError when it is none."""
        try:
            self.best = -math.inf if state["best"] is None else float(state["best"])
            self.bad, self.cooldown = int(state["bad"]), int(state["cooldown"])
            self.stopped, self.converged = bool(state["stopped"]), bool(state["converged"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"schedule: got a checkpoint with {state}; want a task's state ({error})") from error

    def _turn(self, *, stopped: bool) -> None:
        self.stopped, self.converged = stopped, self.converged or stopped
        self.cooldown, self.bad = self.spec.cooldown, 0


def _moved(best: float, share: float) -> float:
    """So much better than `best`, whatever its sign: for a negated metric this is ``value < best * (1 - share)``."""
    return best * (1 + share) if best >= 0 else best * (1 - share)
