"""Balancers that make one number of the tasks' losses, each by its formula; torchjd's scalarizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from jaxtyping import Float
from torch import Tensor

from motet.training.balancers.checks import (
    check_not_negative,
    check_positive,
    check_preference,
    of_tasks,
    preferred,
)
from motet.training.balancers.live import BalancerInfo, State, missing_torchjd
from motet.training.balancers.loss_weights import LossWeighting, TaskLosses, slopes


@dataclass(frozen=True)
class GeometricMean(LossWeighting):
    """The geometric mean of the tasks' losses, so that every task's relative progress counts the same.

        (product over t of L_t)^(1/T),    of which task t's gradient has the weight  (the mean itself) / (T L_t)

    Source: Chennupati et al., "MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy for Multi-Task
    Learning", CVPR workshops 2019; torchjd's. Losses have to be positive.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Chennupati et al., CVPRW 2019 (MultiNet++)")

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        try:
            from torchjd.scalarization import GeometricMean as Scalarizer
        except ImportError as error:
            raise missing_torchjd("GeometricMean") from error
        return slopes(Scalarizer(), found.means[found.live].clamp(min=1e-12)), state


@dataclass(frozen=True)
class STCH(LossWeighting):
    """Smooth Tchebycheff scalarisation: a smooth maximum of the tasks' weighted losses, the worst one first.

        mu * log of  sum over t of  exp(preference_t L_t / mu)

    Source: Lin et al., "Smooth Tchebycheff Scalarization for Multi-Objective Optimization", ICML 2024; torchjd's.

    Args:
        mu: smoothing; near 0 only the largest weighted loss counts.
        preference: by task; 1 for those not named. They are divided by their sum.

    Raises:
        ConfigError: a number that is not positive.
    """

    mu: float = 0.1
    preference: Mapping[str, float] = field(default_factory=dict)
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Lin et al., ICML 2024 (STCH)")

    def __post_init__(self) -> None:
        check_positive(self, "mu")
        check_preference(self, self.preference)

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Self:
        """The preferences of some tasks."""
        del sources
        return type(self)(self.mu, of_tasks(self.preference, tasks))

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        try:
            from torchjd.scalarization import STCH as Scalarizer
        except ImportError as error:
            raise missing_torchjd("STCH") from error
        return slopes(
            Scalarizer(self.mu, preferred(found.tasks, found.live, self.preference)), found.means[found.live]
        ), state


@dataclass(frozen=True)
class COSMOS(LossWeighting):
    """A weighted sum of losses, minus a multiple of the cosine between losses and preference.

    Source: Ruchte and Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective Learning", ICDM 2021;
    torchjd's. The paper also gives the preference to the model as an input and draws it anew in each step, which this
    balancer does not.

    Args:
        penalty: factor of the cosine, lambda in the paper.
        preference: by task; 1 for those not named. They are divided by their sum.

    Raises:
        ConfigError: a negative number, or a preference that is not positive.
    """

    penalty: float = 1.0
    preference: Mapping[str, float] = field(default_factory=dict)
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Ruchte and Grabocka, ICDM 2021 (COSMOS)")

    def __post_init__(self) -> None:
        check_not_negative(self, "penalty")
        check_preference(self, self.preference)

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Self:
        """The preferences of some tasks."""
        del sources
        return type(self)(self.penalty, of_tasks(self.preference, tasks))

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        try:
            from torchjd.scalarization import COSMOS as Scalarizer
        except ImportError as error:
            raise missing_torchjd("COSMOS") from error
        return slopes(
            Scalarizer(self.penalty, preferred(found.tasks, found.live, self.preference)), found.means[found.live]
        ), state


@dataclass(frozen=True)
class PBI(LossWeighting):
    """Penalty-based boundary intersection: progress along a preferred direction, and a penalty for leaving it.

        d_1 + theta d_2,    d_1 the length of the losses along the preference, d_2 their distance from that line

    Source: Zhang and Li, "MOEA/D: A Multiobjective Evolutionary Algorithm Based on Decomposition", IEEE TEVC 2007;
    torchjd's. The weight of a loss below the preferred line may be negative.

    Args:
        theta: the penalty; 5 in the paper.
        preference: by task; 1 for those not named.

    Raises:
        ConfigError: a negative number, or a preference that is not positive.
    """

    theta: float = 5.0
    preference: Mapping[str, float] = field(default_factory=dict)
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Zhang and Li, IEEE TEVC 2007 (MOEA/D)")

    def __post_init__(self) -> None:
        check_not_negative(self, "theta")
        check_preference(self, self.preference)

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Self:
        """The preferences of some tasks."""
        del sources
        return type(self)(self.theta, of_tasks(self.preference, tasks))

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        try:
            from torchjd.scalarization import PBI as Scalarizer
        except ImportError as error:
            raise missing_torchjd("PBI") from error
        return slopes(
            Scalarizer(self.theta, preferred(found.tasks, found.live, self.preference)), found.means[found.live]
        ), state
