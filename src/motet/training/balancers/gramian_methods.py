"""Gradient methods that need the inner products of the tasks' gradients alone, and remember nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from motet.training.balancers.checks import check_not_negative, check_positive
from motet.training.balancers.live import BalancerInfo, State, missing_torchjd
from motet.training.balancers.state import generator
from motet.training.balancers.task_gradients import Combined, GradientMethod, LiveGradients

if TYPE_CHECKING:
    from torchjd.linalg import DualConeProjector

_PER_TASK = "one per task"
_EPS = 1e-4
"""Added to the diagonal of products that were scaled to a mean of one, as torchjd does; after rounding they may not be
quite positive definite."""


class GramianMethod(GradientMethod):
    """The base of a gradient method that remembers nothing and needs the gradients' inner products alone."""

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        """Returns the weights, on the scale of a sum over tasks, so that one learning rate fits all methods.

        Args:
            products: of every two tasks' gradients, in 64 bits on the CPU; no gradient is zero, and there are at least
                two.
            seed: of random draws; the same on every rank.

        Raises:
            ConfigError: a package that is not installed.
        """
        raise NotImplementedError

    def combine(self, found: LiveGradients, state: State) -> Combined:
        """Returns the weighted sum of the gradients."""
        weights = self.weights(found.products, found.seed)
        return Combined(weights.to(found.rows) @ found.rows, weights, state)


@dataclass(frozen=True)
class PCGrad(GramianMethod):
    """Removes from each task's gradient its component against another's, in random order of the others; then adds them.

        g_i <- g_i - min(0, g_i . g_j) / |g_j|^2 g_j    for j in random order

    Source: Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, algorithm 1; torchjd's.

    Examples:
        >>> PCGrad().weights(torch.tensor([[2.0, -1.0], [-1.0, 1.0]], dtype=torch.float64), 0).tolist()
        [1.5, 2.0]
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Yu et al., NeurIPS 2020", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        try:
            from torchjd.aggregation import PCGradWeighting
        except ImportError as error:
            raise missing_torchjd("PCGrad") from error
        # The order is drawn from the global generator, whose state differs between ranks.
        before = torch.get_rng_state()
        torch.default_generator.manual_seed(seed)
        try:
            found: Tensor = PCGradWeighting()(products)
        finally:
            torch.set_rng_state(before)
        return found


@dataclass(frozen=True)
class UPGrad(GramianMethod):
    """Projects each task's gradient to the nearest one that worsens no task; then adds them.

        sum over i of  argmin |d - g_i|  with  d . g_j >= 0 for all j

    Source: Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization", 2024, section 3.1; torchjd's, with its
    quadratic program solved by SciPy's non-negative least squares, since torchjd's solver is one more
    package:  min over v >= u of v^T G v  is  min over z >= 0 of |A z + A u|^2  with  A^T A = G.

    Examples:
        >>> jacobian = torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], dtype=torch.float64)
        >>> [round(weight / 2, 2) for weight in UPGrad().weights(jacobian @ jacobian.T, 0).tolist()]
        [1.11, 0.79]
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Quinton and Rey, 2024 (arXiv 2406.16232)", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import UPGradWeighting
        except ImportError as error:
            raise missing_torchjd("UPGrad") from error
        found: Tensor = UPGradWeighting(projector=_projector())(products)
        return len(products) * found


@dataclass(frozen=True)
class CAGrad(GramianMethod):
    """The gradient near the tasks' mean that helps the worst-off task most.

        argmax over d of  min over i of g_i . d    with  |d - g_0| <= c |g_0|,    g_0 the mean
        d = (g_0 + c |g_0| / |g_w| g_w) / (1 + c^2),    w = argmin over the simplex of  g_w . g_0 + c |g_0| |g_w|

    Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, algorithm 1. The
    division by 1 + c^2 and SciPy's SLSQP are those of the official code (Cranial-XIX/CAGrad). torchjd has it too, with
    a solver (cvxpy) that motet does not depend on.

    Args:
        c: distance from the mean gradient, relative to its length; 0 gives the mean.

    Raises:
        ConfigError: a negative number.

    Examples:
        >>> CAGrad(c=0.0).weights(torch.eye(2, dtype=torch.float64), 0).tolist()
        [1.0, 1.0]
    """

    c: float = 0.4
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Liu et al., NeurIPS 2021", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_not_negative(self, "c")

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        from scipy.optimize import minimize

        del seed
        count, scaled = len(products), _scaled(products.numpy())
        mean = np.full(count, 1 / count)
        radius = self.c * np.sqrt(mean @ scaled @ mean)

        def worst(w: np.ndarray) -> float:
            return float(w @ scaled @ mean + radius * np.sqrt(w @ scaled @ w))

        def slope(w: np.ndarray) -> np.ndarray:
            found: np.ndarray = scaled @ mean + radius * (scaled @ w) / np.sqrt(w @ scaled @ w)
            return found

        one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}
        solved = minimize(worst, mean, jac=slope, bounds=[(0, 1)] * count, constraints=one, method="SLSQP")
        w = solved.x
        weights = (mean + radius / np.sqrt(w @ scaled @ w) * w) / (1 + self.c**2)
        return torch.from_numpy(count * weights)


@dataclass(frozen=True)
class MGDA(GramianMethod):
    """The shortest vector between the tasks' gradients: no task is worsened, and none is helped fast.

        argmin over the simplex of |sum over i of w_i g_i|^2

    Source: Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, algorithm 2;
    torchjd's. Its weights are multiplied with the number of tasks.

    Examples:
        >>> MGDA().weights(torch.diag(torch.tensor([1.0, 3.0], dtype=torch.float64)), 0).tolist()
        [1.5, 0.5]
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Sener and Koltun, NeurIPS 2018", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import MGDAWeighting
        except ImportError as error:
            raise missing_torchjd("MGDA") from error
        found: Tensor = MGDAWeighting()(products)
        return len(products) * found


@dataclass(frozen=True)
class DualProj(GramianMethod):
    """Projects the tasks' mean gradient to the nearest one that worsens no task.

    Source: Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017, section 3;
    torchjd's, with the solver of `UPGrad`. Its weights are multiplied with the number of tasks.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Lopez-Paz and Ranzato, NeurIPS 2017 (GEM)", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import DualProjWeighting
        except ImportError as error:
            raise missing_torchjd("DualProj") from error
        found: Tensor = DualProjWeighting(projector=_projector())(products)
        return len(products) * found


@dataclass(frozen=True)
class Krum(GramianMethod):
    """Keeps the gradients that lie nearest to the others, against tasks that are out of line.

    Source: Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", NeurIPS 2017;
    torchjd's. Its weights are multiplied with the number of tasks. It needs n_byzantine + 3 tasks; an update with fewer
    is a plain sum.

    Args:
        n_byzantine: how many tasks may be out of line.
        n_selected: how many gradients are kept and averaged.

    Raises:
        ConfigError: a number below 0 or no gradient to keep.
    """

    n_byzantine: int = 1
    n_selected: int = 2
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Blanchard et al., NeurIPS 2017", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_not_negative(self, "n_byzantine")
        check_positive(self, "n_selected")

    def min_tasks(self) -> int:
        return max(self.n_byzantine + 3, self.n_selected)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import KrumWeighting
        except ImportError as error:
            raise missing_torchjd("Krum") from error
        found: Tensor = KrumWeighting(self.n_byzantine, self.n_selected)(products)
        return len(products) * found


@dataclass(frozen=True)
class RGW(GramianMethod):
    """Random gradient weighting: as `RLW`, but on the gradients of what is shared; each task's own part is not scaled.

    Source: Lin et al., "Reasonable Effectiveness of Random Weighting", TMLR 2022, algorithm 2; torchjd's `Random`
    aggregator.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Lin et al., TMLR 2022 (RGW)", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        drawn = torch.randn(len(products), dtype=torch.float64, generator=generator(seed))
        return len(products) * drawn.softmax(0)


def _projector() -> DualConeProjector:
    """Returns torchjd's projection with SciPy's non-negative least squares as its solver."""
    from scipy.optimize import nnls  # half a second, which runs with another balancer do without
    from torchjd.linalg import DualConeProjector as Projector
    from torchjd.linalg import PSDMatrix

    class LeastSquares(Projector):
        def __call__(self, U: Tensor, G: PSDMatrix) -> Tensor:
            factor = np.linalg.cholesky(_scaled(G.numpy())).T
            found = [u + nnls(factor, -factor @ u)[0] for u in np.atleast_2d(U.numpy())]
            return torch.from_numpy(np.stack(found).reshape(U.shape))

    return LeastSquares()


def _scaled(products: np.ndarray) -> np.ndarray:
    """Returns the products scaled to a mean diagonal of one, and positive definite."""
    size = np.trace(products) / len(products)
    scaled: np.ndarray = products / size + _EPS * np.eye(len(products))
    return scaled
