"""Gradient methods that give every task the same share of the update, in one sense or another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from motet.training.balancers.checks import check_positive
from motet.training.balancers.gramian_methods import GramianMethod
from motet.training.balancers.live import BalancerInfo, missing_torchjd

_PER_TASK = "one per task"


@dataclass(frozen=True)
class AlignedMTL(GramianMethod):
    """Makes the tasks' gradients orthogonal and of one length, and averages them.

    Source: Senushkin et al., "Independent Component Alignment for Multi-Task Learning", CVPR 2023, algorithm 1;
    torchjd's. Its weights are multiplied with the number of tasks.

    Args:
        scale_mode: the length that all gradients get: the smallest, the median or the root mean square of the
            directions that they span.
    """

    scale_mode: Literal["min", "median", "rmse"] = "min"
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Senushkin et al., CVPR 2023", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import AlignedMTLWeighting
        except ImportError as error:
            raise missing_torchjd("AlignedMTL") from error
        found: Tensor = AlignedMTLWeighting(scale_mode=self.scale_mode)(products)
        return len(products) * found


@dataclass(frozen=True)
class IMTLG(GramianMethod):
    """Impartial learning by gradients (IMTL-G): the update has the same projection on every task's gradient.

    Source: Liu et al., "Towards Impartial Multi-Task Learning", ICLR 2021, section 3.1; torchjd's. Its weights are
    multiplied with the number of tasks; they may be negative.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Liu et al., ICLR 2021 (IMTL-G)", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import IMTLGWeighting
        except ImportError as error:
            raise missing_torchjd("IMTLG") from error
        found: Tensor = IMTLGWeighting()(products)
        return len(products) * found


@dataclass(frozen=True)
class FairGrad(GramianMethod):
    """Fair resource allocation: the tasks' rates of progress maximise an alpha-fair utility.

        w  with  (G w)_i = w_i^(-1 / alpha)

    Source: Ban and Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024, equation 4; torchjd's.

    Args:
        alpha: 1 is proportional fairness, as `NashMTL`; the larger, the more the slowest task counts.

    Raises:
        ConfigError: a number that is not positive.
    """

    alpha: float = 2.0
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Ban and Ji, ICML 2024", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_positive(self, "alpha")

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        try:
            from torchjd.aggregation import FairGradWeighting
        except ImportError as error:
            raise missing_torchjd("FairGrad") from error
        found: Tensor = FairGradWeighting(alpha=self.alpha)(products)
        return found


@dataclass(frozen=True)
class NashMTL(GramianMethod):
    """The tasks bargain for the direction of the update: Nash's solution, by which no gradient dominates by its length.

        w  with  G w = 1 / w,  at the minimum of  w^T G w / 2 - sum over i of log w_i

    The combined gradient has the length sqrt(T) by then, and is cut to `max_norm`, so its length says nothing: choose
    the learning rate for this balancer anew.

    Source: Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022, section 3.2. torchjd and the official
    code approach the solution by a sequence of programs of a solver (cvxpy, ECOS) that motet does not depend on; the
    function is self-concordant, so damped Newton steps find its minimum from anywhere.

    Args:
        max_norm: of the combined gradient; 1 in the official code.

    Raises:
        ConfigError: a number that is not positive.
    """

    max_norm: float = 1.0
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Navon et al., ICML 2022", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_positive(self, "max_norm")

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        size = float(products.diagonal().mean())
        scaled = products / size + 1e-9 * torch.eye(len(products), dtype=products.dtype)
        w = scaled.diagonal().rsqrt()
        for _ in range(100):
            gradient = scaled @ w - 1 / w
            step = torch.linalg.solve(scaled + torch.diag(1 / w**2), gradient)
            decrement = float((gradient @ step).clamp(min=0).sqrt())
            w = w - step / (1 + decrement)
            if decrement < 1e-12:
                break
        w = w / math.sqrt(size)
        norm = float((w @ products @ w).clamp(min=0).sqrt())
        return w * min(1.0, self.max_norm / norm) if norm > 0 else w


@dataclass(frozen=True)
class ConFIG(GramianMethod):
    """The direction with the same cosine to every task's gradient, as long as their projections on it add up to.

        d = U^+ 1,    U the gradients as unit vectors;    the update is  (sum over i of g_i . d / |d|)  d / |d|

    Source: Liu, Chu and Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks", ICLR
    2025, equation 2; torchjd's, from the inner products: U^+ = U^T (U U^T)^+.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Liu et al., ICLR 2025", passes=_PER_TASK)

    def weights(self, products: Float[Tensor, "t t"], seed: int) -> Float[Tensor, "t"]:
        del seed
        lengths = products.diagonal().sqrt()
        cosines = products / torch.outer(lengths, lengths)
        direction = torch.linalg.pinv(cosines, hermitian=True).sum(1) / lengths
        along = products @ direction
        squared = float(direction @ along)
        return direction * float(along.sum()) / squared if squared > 0 else torch.zeros_like(direction)
