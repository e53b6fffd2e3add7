"""Learning-rate schedules as values: a factor from 0 to 1 per step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from motet.core import ConfigError


class LRSchedule(Protocol):
    """The shape of the learning rate over a run."""

    def factor(self, step: int, steps: int) -> float:
        """The factor, 0 to 1, of update `step` (from 0) in a run of `steps`.

        Raises:
            ConfigError: the shape does not fit into so few steps.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """Warm-up and cool-down around a decay; both multiply it, so that step 0 of a warm-up has factor 0.

    Source: Google big_vision `create_learning_rate_schedule`.

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end: a straight line down to 0 that multiplies the decay.

    Raises:
        ConfigError: a negative number of steps, or a share that is not in [0, 1).
    """

    warmup: int | float = 0.03
    cooldown: int | float = 0

    def __post_init__(self) -> None:
        for name in ("warmup", "cooldown"):
            value = getattr(self, name)
            if value < 0 or (isinstance(value, float) and value >= 1):
                raise ConfigError(
                    f"{type(self).__name__}.{name}: got {value}; want a number of steps, or a share in [0, 1)"
                )

    def factor(self, step: int, steps: int) -> float:
        """The factor, 0 to 1, of update `step` (from 0) in a run of `steps`."""
        warmup, cooldown = _in_steps(self.warmup, steps), _in_steps(self.cooldown, steps)
        if warmup + cooldown > steps:
            raise ConfigError(
                f"{type(self).__name__}: got a warm-up of {warmup} and a cool-down of {cooldown} steps in a run of "
                f"{steps}; want them to fit in it"
            )
        factor = self.decay(step, warmup, steps)
        if warmup:
            factor *= min(1.0, step / warmup)
        if cooldown:
            factor *= max(0.0, min(1.0, (steps - step) / cooldown))
        return factor

    def decay(self, step: int, warmup: int, steps: int) -> float:
        """The factor without warm-up and cool-down."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Cosine(_Shape):
    """Half a cosine from 1 at the end of the warm-up to 0 at the end of the run, or to `min_factor` a little before it.

        factor = max(min_factor, (1 + cos(pi * progress)) / 2)

    Source: big_vision. "A Study of Autoregressive Decoders" does not state its decay; this is its neighbours' default.

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end.
        min_factor: lower bound of the cosine; Uni-Perceiver's code has 1e-6 over the peak learning rate.

    Examples:
        >>> [round(Cosine(warmup=2).factor(step, 10), 3) for step in (0, 1, 2, 6, 10)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    min_factor: float = 0.0

    def decay(self, step: int, warmup: int, steps: int) -> float:
        return max(self.min_factor, 0.5 * (1.0 + math.cos(math.pi * _progress(step, warmup, steps))))


@dataclass(frozen=True, kw_only=True)
class LinearDecay(_Shape):
    """A straight line from 1 at the end of the warm-up to `end` at the end of the run.

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end.
        end: the factor it ends with.

    Examples:
        >>> LinearDecay(warmup=0).factor(3, 4)
        0.25
    """

    end: float = 0.0

    def decay(self, step: int, warmup: int, steps: int) -> float:
        return self.end + (1.0 - self.end) * (1.0 - _progress(step, warmup, steps))


@dataclass(frozen=True, kw_only=True)
class Polynomial(_Shape):
    """A power of the straight line from 1 at the end of the warm-up to 0 at the end of the run.

        factor = (1 - progress) ^ power

    Source: Chen et al., "DeepLab", 2017, section 4.2 ("poly"); ADVENT and DenseMTL train discriminators with it.

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end.
        power: 1 for `LinearDecay`.

    Raises:
        ConfigError: a power that is not positive.

    Examples:
        >>> round(Polynomial(warmup=0).factor(5, 10), 3)
        0.536
    """

    power: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.power > 0:
            raise ConfigError(f"Polynomial.power: got {self.power}; want a positive number")

    def decay(self, step: int, warmup: int, steps: int) -> float:
        return float((1.0 - _progress(step, warmup, steps)) ** self.power)


@dataclass(frozen=True, kw_only=True)
class Rsqrt(_Shape):
    """One over a square root of the steps since the warm-up: a run whose end need not be known when it starts.

        factor = 1 / sqrt(1 + (step - warmup) / timescale)

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end.
        timescale: the steps after which the factor is 0.71.

    Raises:
        ConfigError: a time scale that is not positive.

    Examples:
        >>> Rsqrt(warmup=0, timescale=20).factor(60, 100)
        0.5
    """

    timescale: float = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.timescale > 0:
            raise ConfigError(f"Rsqrt.timescale: got {self.timescale}; want a positive number of steps")

    def decay(self, step: int, warmup: int, steps: int) -> float:  # noqa: ARG002  the length of the run plays no part
        return 1.0 / math.sqrt(1.0 + max(0, step - warmup) / self.timescale)


@dataclass(frozen=True, kw_only=True)
class Constant(_Shape):
    """The peak learning rate throughout, after a warm-up if there is one.

    Args:
        warmup: a number of steps (int), or a share of the run (float below 1).
        cooldown: the same, counted from the end.

    Examples:
        >>> Constant().factor(0, 10)
        1.0
    """

    warmup: int | float = 0

    def decay(self, step: int, warmup: int, steps: int) -> float:  # noqa: ARG002  it does not decay
        return 1.0


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Half a cosine from a small factor up to 1, then one down to nearly 0: PyTorch's `OneCycleLR`.

    Source: Smith and Topin 2017 (arXiv 1708.07120) in PyTorch's form, which the adapters' official code uses. PyTorch
    also moves Adam's first momentum from 0.95 to 0.85 and back, unless it is told not to; here it stays.

    Args:
        warmup: the share of the run that rises; `pct_start` of PyTorch.
        start: the factor at step 0 is 1 over this; `div_factor`.
        end: the factor at the end is that at step 0 divided by this; `final_div_factor`.

    Raises:
        ConfigError: a share that is not in (0, 1), or a divisor below 1.

    Examples:
        >>> [round(OneCycle(warmup=0.3).factor(step, 10), 3) for step in (0, 2, 9)]
        [0.04, 1.0, 0.0]
    """

    warmup: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        if not 0 < self.warmup < 1:
            raise ConfigError(f"OneCycle.warmup: got {self.warmup}; want a share of the run, between 0 and 1")
        for name in ("start", "end"):
            if getattr(self, name) < 1:
                raise ConfigError(f"OneCycle.{name}: got {getattr(self, name)}; want a divisor, 1 or more")

    def factor(self, step: int, steps: int) -> float:
        """The factor, 0 to 1, of update `step` (from 0) in a run of `steps`."""
        first, lowest = 1 / self.start, 1 / (self.start * self.end)
        top, last = max(self.warmup * steps - 1, 0.0), max(steps - 1, 1)
        if step <= top:
            return _half_cosine(first, 1.0, step / top if top else 1.0)
        return _half_cosine(1.0, lowest, min((step - top) / max(last - top, 1e-9), 1.0))


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))


def depends_on_length(schedule: LRSchedule) -> bool:
    """Returns whether the factor of a step depends on the number of steps of the run; True for one's own schedules.

    A run whose learning rate does not can be trained further than it was first meant to.

    Examples:
        >>> depends_on_length(Constant(warmup=10)), depends_on_length(Constant(warmup=0.1)), depends_on_length(Cosine())
        (False, True, True)
    """
    match schedule:
        case Constant(warmup=int(), cooldown=0) | Rsqrt(warmup=int(), cooldown=0):
            return False
        case _:
            return True


def constant_after_warmup(schedule: LRSchedule, steps: int) -> Constant:
    """Returns the peak learning rate throughout after the warm-up that a schedule has in a run of `steps`.

    Examples:
        >>> constant_after_warmup(Cosine(warmup=0.1), 200)
        Constant(warmup=20, cooldown=0)
    """
    return Constant(warmup=_in_steps(schedule.warmup, steps) if isinstance(schedule, _Shape | OneCycle) else 0)


def _in_steps(value: int | float, steps: int) -> int:
    # Rounded down, so that two halves fit; the addend keeps 0.29 of 100 at 29.
    return math.floor(value * steps + 1e-9) if isinstance(value, float) else value


def _progress(step: int, warmup: int, steps: int) -> float:
    """Returns the progress of the decay: 0 at the end of the warm-up, 1 at the end of the run."""
    if step <= warmup:
        return 0.0
    return min(1.0, (step - warmup) / (steps - warmup)) if steps > warmup else 1.0
