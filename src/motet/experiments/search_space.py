"""The dimensions that `motet tune` searches: those that a recipe has, each as a setting of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from motet.data.sampling_rates import ConcatImages, FixedRates, Temperature
from motet.data.schedules import Mixed
from motet.training.balancers import RowMean, TaskMean, Uncertainty
from motet.training.run import Run

Value: TypeAlias = float | int | str
_BALANCERS: dict[type[object], str] = {kind: f"{kind.__name__}()" for kind in (RowMean, TaskMean, Uncertainty)}
_LR_RANGE, _RATE_RANGE, _MAX_TEMPERATURE = 10.0, 4.0, 10.0


class Suggests(Protocol):
    """Draws values: a trial of optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Returns a number of the range."""
        ...

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Returns a whole number of the range, ends included."""
        ...

    def suggest_categorical(self, name: str, choices: tuple[str, ...]) -> object:
        """Returns one of the choices."""
        ...


class Dimension(Protocol):
    """One quantity that is searched."""

    @property
    def name(self) -> str:
        """The name in the study."""
        ...

    @property
    def base(self) -> Value:
        """The value of the recipe itself."""
        ...

    def suggest(self, trial: Suggests) -> str:
        """Returns a setting, ``field=value``."""
        ...


@dataclass(frozen=True, kw_only=True)
class LogRange:
    """A positive number, drawn on a logarithmic scale.

    Args:
        name: of the field.
        base: its value in the recipe.
        low: the smallest value.
        high: the largest value.
        template: the setting, with ``{}`` for the value.
    """

    name: str
    base: float
    low: float
    high: float
    template: str

    def suggest(self, trial: Suggests) -> str:
        """Returns the setting with three digits of the drawn value: more would be noise."""
        return self.template.replace("{}", f"{trial.suggest_float(self.name, self.low, self.high, log=True):.3g}")


@dataclass(frozen=True, kw_only=True)
class WholeRange:
    """A whole number.

    Args:
        name: of the field.
        base: its value in the recipe.
        low: the smallest value.
        high: the largest value.
    """

    name: str
    base: int
    low: int
    high: int

    def suggest(self, trial: Suggests) -> str:
        """Returns the setting with the drawn value."""
        return f"{self.name}={trial.suggest_int(self.name, self.low, self.high)}"


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """One of some texts.

    Args:
        name: of the field.
        base: its text in the recipe.
        texts: to choose from.
    """

    name: str
    base: str
    texts: tuple[str, ...]

    def suggest(self, trial: Suggests) -> str:
        """Returns the setting with the drawn text."""
        return f"{self.name}={trial.suggest_categorical(self.name, self.texts)}"


def search_space(run: Run) -> tuple[Dimension, ...]:
    """Returns the dimensions that a recipe has.

    These are the learning rate (a tenth to ten times), the sampling temperature or the rate of each source (a quarter
    to four times), the balancer where it is one without settings, and the depth of the system's decoder (half to
    twice) where no weights of another run fix it.

    Args:
        run: of the recipe.
    """
    lr = run.train.lr
    found: list[Dimension] = [
        LogRange(name="train.lr", base=lr, low=lr / _LR_RANGE, high=lr * _LR_RANGE, template="train.lr={}")
    ]
    found += _sampling(run)
    if type(run.balancer) in _BALANCERS and len(run.tasks) > 1:
        texts = tuple(_BALANCERS.values())
        found.append(OneOf(name="balancer", base=_BALANCERS[type(run.balancer)], texts=texts))
    depth = getattr(run.system, "depth", None)
    if isinstance(depth, int) and depth > 0 and run.start is None:
        found.append(WholeRange(name="system.depth", base=depth, low=max(1, depth // 2), high=2 * depth))
    return tuple(found)


def _sampling(run: Run) -> list[Dimension]:
    """Returns the dimensions of a mixed schedule's sampling rates; of other schedules none."""
    if not isinstance(run.schedule, Mixed) or len(run.of_role("train")) < 2:
        return []
    match run.schedule.rates:
        case Temperature(temperature=base):
            pass
        case ConcatImages():
            base = 1.0
        case FixedRates(by_source=rates):
            return [
                LogRange(
                    name=f"rate of {source}",
                    base=rate,
                    low=rate / _RATE_RANGE,
                    high=rate * _RATE_RANGE,
                    template=f"schedule.rates.by_source.{source}={{}}",
                )
                for source, rate in rates.items()
                if rate > 0
            ]
        case _:
            return []
    high = max(_MAX_TEMPERATURE, 2 * base)
    template = "schedule.rates=Temperature(temperature={})"
    return [LogRange(name="temperature", base=base, low=min(1.0, base), high=high, template=template)]
