"""Every balancer that torchjd has too gives what torchjd gives, over several updates; the others a closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchjd import aggregation, scalarization

from motet.training import balancers
from motet.training.balancers import BALANCERS
from motet.training.balancers.loss_weights import LossWeighting, TaskLosses
from motet.training.balancers.task_gradients import GradientMethod, LiveGradients

TASKS = ("a", "b", "c", "d")
LIVE = torch.arange(4)
UPDATES = 6

# torchjd's name -> motet's. Weightings are the same methods as the aggregators beside them.
AGGREGATORS = {
    "AlignedMTL": "AlignedMTL",
    "CAGrad": "CAGrad",
    "ConFIG": "ConFIG",
    "Constant": "Weighted",
    "CRMOGMWeighting": "CRMOGM",
    "DualProj": "DualProj",
    "ExcessMTL": "ExcessMTL",
    "FairGrad": "FairGrad",
    "GradDrop": "GradDrop",
    "GradVac": "GradVac",
    "IMTLG": "IMTLG",
    "Krum": "Krum",
    "Mean": "MeanOfTasks",
    "MGDA": "MGDA",
    "MoDoWeighting": "MoDo",
    "NashMTL": "NashMTL",
    "PCD": "PCD",
    "PCGrad": "PCGrad",
    "Random": "RGW",
    "SDMGradWeighting": "SDMGrad",
    "Sum": "TaskMean",
    "TrimmedMean": "TrimmedMean",
    "UPGrad": "UPGrad",
}
SCALARIZERS = {
    "Constant": "Weighted",
    "COSMOS": "COSMOS",
    "DWA": "DWA",
    "FAMO": "FAMO",
    "GeometricMean": "GeometricMean",
    "IMTLL": "IMTLL",
    "Mean": "MeanOfTasks",
    "PBI": "PBI",
    "Random": "RLW",
    "STCH": "STCH",
    "Sum": "TaskMean",
    "UW": "UW",
}


def test_all_that_torchjd_has_is_here_under_a_name() -> None:
    bases = {"Aggregator", "GramianWeightedAggregator", "WeightedAggregator", "Weighting", "Scalarizer"}
    methods = {name for name in aggregation.__all__ if name not in bases}
    methods -= {f"{name}Weighting" for name in methods}
    assert methods == set(AGGREGATORS)
    assert set(scalarization.__all__) - bases == set(SCALARIZERS)
    assert {*AGGREGATORS.values(), *SCALARIZERS.values()} <= set(BALANCERS)


def jacobians(count: int = UPDATES) -> list[Tensor]:
    drawn = torch.Generator().manual_seed(3)
    return [torch.randn(4, 9, generator=drawn) * torch.tensor([[1.0], [0.3], [2.0], [0.7]]) for _ in range(count)]


def updates(method: GradientMethod, given: list[Tensor]) -> list[Tensor]:
    state: Any = method.initial_state(4, 9)
    found = []
    for number, rows in enumerate(given):
        wide = rows.double()
        result = method.combine(LiveGradients(TASKS, LIVE, rows, wide @ wide.T, number), state)
        state = result.state
        found.append(result.gradient)
    return found


def seeded(aggregator: Callable[[Tensor], Tensor]) -> Callable[[Tensor, int], Tensor]:
    def aggregate(rows: Tensor, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return aggregator(rows)

    return aggregate


# Each with the factor by which motet multiplies: the number of tasks where torchjd's weights add up to 1.
GRADIENTS: dict[str, tuple[GradientMethod, Any, float]] = {
    "AlignedMTL": (balancers.AlignedMTL(), aggregation.AlignedMTL(), 4),
    "AlignedMTL median": (balancers.AlignedMTL("median"), aggregation.AlignedMTL(scale_mode="median"), 4),
    "ConFIG": (balancers.ConFIG(), aggregation.ConFIG(), 1),
    "ExcessMTL": (balancers.ExcessMTL(0.1), aggregation.ExcessMTL(0.1), 4),
    "ExcessMTL with warm-up": (balancers.ExcessMTL(0.1, 2), aggregation.ExcessMTL(0.1, 2), 4),
    "FairGrad": (balancers.FairGrad(2.0), aggregation.FairGrad(2.0), 1),
    "GradDrop": (balancers.GradDrop(), aggregation.GradDrop(), 1),
    "GradDrop with leak": (balancers.GradDrop(0.3), aggregation.GradDrop(leak=torch.full((4,), 0.3)), 1),
    "GradVac": (balancers.GradVac(), aggregation.GradVac(), 1),
    "IMTLG": (balancers.IMTLG(), aggregation.IMTLG(), 4),
    "Krum": (balancers.Krum(1, 2), aggregation.Krum(1, 2), 4),
    "MGDA": (balancers.MGDA(), aggregation.MGDA(), 4),
    "PCD": (balancers.PCD(tau=0.3, beta=0.9), aggregation.PCD(tau=0.3, beta=0.9), 1),
    "PCGrad": (balancers.PCGrad(), aggregation.PCGrad(), 1),
    "TrimmedMean": (balancers.TrimmedMean(1), aggregation.TrimmedMean(1), 4),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_methods_give_what_torchjds_give(name: str) -> None:
    method, theirs, factor = GRADIENTS[name]
    given = jacobians()
    aggregate = seeded(theirs.double() if hasattr(theirs, "double") else theirs)
    for number, (rows, found) in enumerate(zip(given, updates(method, given), strict=True)):
        # GradDrop draws in the numbers' own precision.
        want = aggregate(rows if name.startswith(("GradDrop", "Excess")) else rows.double(), number).double()
        torch.testing.assert_close(found.double(), factor * want, rtol=2e-4, atol=2e-4)


def test_crmogm_averages_as_torchjds() -> None:
    theirs = aggregation.CRMOGMWeighting(aggregation.IMTLG().gramian_weighting, alpha=0.8)
    given = jacobians()
    for rows, found in zip(given, updates(balancers.CRMOGM(balancers.IMTLG(), alpha=0.8), given), strict=True):
        wide = rows.double()
        torch.testing.assert_close(found.double(), 4 * theirs(wide @ wide.T) @ wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        (balancers.MoDo(0.05, 0.2), aggregation.MoDoWeighting(0.05, 0.2)),
        (balancers.SDMGrad(lr=0.5, steps=5), aggregation.SDMGradWeighting(lr=0.5, n_iter=5)),
    ],
    ids=["MoDo", "SDMGrad"],
)
def test_the_second_batch_of_two_is_that_of_the_update_before(method: GradientMethod, theirs: Any) -> None:
    given = [rows.double() for rows in jacobians()]
    found = updates(method, [rows.float() for rows in given])
    torch.testing.assert_close(found[0].double(), given[0].sum(0), rtol=1e-5, atol=1e-5)
    for before, rows, gradient in zip(given, given[1:], found[1:], strict=False):
        torch.testing.assert_close(gradient.double(), 4 * theirs(rows @ before.T) @ rows, rtol=1e-4, atol=1e-4)


def test_upgrad_and_dualproj_give_the_nearest_gradient_that_worsens_no_task() -> None:
    for rows in jacobians():
        wide = rows.double()
        for method, given in ((balancers.DualProj(), wide.mean(0)[None]), (balancers.UPGrad(), wide)):
            weights = method.weights(wide @ wide.T, 0)
            found = weights @ wide / (4 if len(given) == 1 else 1)
            assert float((wide @ found).min()) > -2e-3 * float(wide.norm())
            # Moreau: the parts that a projection to the cone removes are in its polar, and orthogonal to what is left.
            if len(given) == 1:
                removed = found - given[0]
                assert float(removed @ found) == pytest.approx(0.0, abs=5e-3)


def test_nash_is_the_bargain_in_which_gradients_times_weights_are_one() -> None:
    for rows in jacobians():
        wide = rows.double()
        products = wide @ wide.T
        weights = balancers.NashMTL(max_norm=100.0).weights(products, 0)
        torch.testing.assert_close(products @ weights, 1 / weights, rtol=1e-6, atol=1e-6)
        assert float((weights @ wide).norm()) == pytest.approx(2.0, rel=1e-6)  # the root of the number of tasks
        assert float((balancers.NashMTL().weights(products, 0) @ wide).norm()) == pytest.approx(1.0, rel=1e-6)


def test_nash_is_proportional_fairness() -> None:
    wide = jacobians()[0].double()
    nash = balancers.NashMTL(max_norm=100.0).weights(wide @ wide.T, 0)
    fair = balancers.FairGrad(alpha=1.0).weights(wide @ wide.T, 0)
    torch.testing.assert_close(nash, fair, rtol=1e-3, atol=1e-3)


def losses(count: int = UPDATES) -> list[Tensor]:
    drawn = torch.Generator().manual_seed(4)
    return [0.2 + torch.rand(4, generator=drawn, dtype=torch.float64) * 2 for _ in range(count)]


def weights_of(method: LossWeighting, given: list[Tensor]) -> list[Tensor]:
    state: Any = method.initial_state(4)
    found = []
    for number, means in enumerate(given):
        weights, state = method.weights(TaskLosses(TASKS, means, LIVE, number), state)
        found.append(weights)
    return found


def slope(scalarizer: Any, means: Tensor) -> Tensor:
    given = means.clone().requires_grad_()
    return torch.autograd.grad(scalarizer(given), given)[0]


EVEN = torch.full((4,), 0.25, dtype=torch.float64)
UNEVEN = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
PREFERENCE = {"a": 4.0, "b": 2.0}


def test_losses_become_weights_by_the_formulas_by_hand() -> None:
    for means in losses():
        geometric = weights_of(balancers.GeometricMean(), [means])[0]
        torch.testing.assert_close(geometric, means.log().mean().exp() / (4 * means))
        smooth = weights_of(balancers.STCH(0.5, PREFERENCE), [means])[0]
        torch.testing.assert_close(smooth, UNEVEN * (UNEVEN * means / 0.5).softmax(0))
        unit = UNEVEN / UNEVEN.norm()
        away = means - (means @ unit) * unit
        boundary = weights_of(balancers.PBI(2.0, PREFERENCE), [means])[0]
        torch.testing.assert_close(boundary, unit + 2.0 * away / away.norm(), rtol=1e-4, atol=1e-4)
        cosine = weights_of(balancers.COSMOS(0.7), [means])[0]
        size = means.norm()
        slope_of_cosine = (EVEN / EVEN.norm() - means * (means @ EVEN / EVEN.norm()) / size**2) / size
        torch.testing.assert_close(cosine, EVEN - 0.7 * slope_of_cosine)
        torch.testing.assert_close(weights_of(balancers.Uncertainty(), [means])[0], 1 / (2 * means))
        torch.testing.assert_close(weights_of(balancers.MeanOfTasks(), [means])[0], EVEN)


def test_random_weights_are_torchjds_times_the_number_of_tasks() -> None:
    for number, (means, found) in enumerate(zip(losses(), weights_of(balancers.RLW(), losses()), strict=True)):
        torch.manual_seed(number)
        torch.testing.assert_close(found, 4 * slope(scalarization.Random(), means))
    for number, (rows, gradient) in enumerate(zip(jacobians(), updates(balancers.RGW(), jacobians()), strict=True)):
        torch.manual_seed(number)
        torch.testing.assert_close(gradient, 4 * aggregation.Random()(rows.double()).float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "theirs"),
    [(balancers.UW(0.1), scalarization.UW(4)), (balancers.IMTLL(0.1), scalarization.IMTLL(4))],
    ids=["UW", "IMTLL"],
)
def test_learned_weights_are_torchjds_with_adam(method: LossWeighting, theirs: Any) -> None:
    theirs = theirs.double()
    adam = torch.optim.Adam(theirs.parameters(), lr=0.1)
    for means, found in zip(losses(), weights_of(method, losses()), strict=True):
        torch.testing.assert_close(found, slope(theirs, means))
        adam.zero_grad()
        theirs(means).backward()
        adam.step()


def test_dwa_compares_windows_as_torchjd_epochs() -> None:
    theirs, given = scalarization.DWA(1.5), losses(9)
    for number, (means, found) in enumerate(zip(given, weights_of(balancers.DWA(1.5, window=2), given), strict=True)):
        torch.testing.assert_close(found, slope(theirs, means))
        if number % 2:
            theirs.step()
    assert float((found - 1).abs().max()) > 0.05


def test_famo_learns_from_the_losses_after_the_step_as_torchjds() -> None:
    theirs, method = scalarization.FAMO(4).double(), balancers.FAMO()
    state: Any = method.initial_state(4)
    for number, (before, after) in enumerate(zip(losses(), losses(UPDATES + 1)[1:], strict=True)):
        weights, state = method.weights(TaskLosses(TASKS, before, LIVE, number), state)
        torch.testing.assert_close(weights, 4 * slope(theirs, before), rtol=1e-6, atol=1e-6)
        theirs.update(after)
        state = method.after(TaskLosses(TASKS, after, LIVE, number), state)
    assert float(state["logits"].abs().max()) > 0.01


def test_gradnorm_moves_the_weights_down_the_slope_of_its_loss() -> None:
    method = balancers.GradNorm(alpha=1.5, lr=0.1)
    lengths = torch.tensor([3.0, 1.0, 0.5, 2.0], dtype=torch.float64)
    first, means = losses(2)
    names = ("adam_mean", "adam_square", "adam_steps")
    state: Any = {name: torch.zeros(4, dtype=torch.float64) for name in names}
    state |= {"weights": torch.ones(4, dtype=torch.float64), "first": first}
    weights = torch.ones(4, dtype=torch.float64, requires_grad=True)
    relative = means / first
    want = ((weights * lengths).mean() * (relative / relative.mean()) ** 1.5).detach()
    (weights * lengths - want).abs().sum().backward()
    adam = torch.optim.Adam([weights], lr=0.1)
    adam.step()
    moved = method.moved(lengths, means, LIVE, state)
    torch.testing.assert_close(moved["weights"], 4 * weights.detach() / weights.detach().sum())
    assert torch.equal(state["weights"], torch.ones(4, dtype=torch.float64))
