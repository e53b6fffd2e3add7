"""Affinities by hand; measuring changes nothing about the run; the sums come back after a resume."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from balancer_courses import SOURCES, batch
from toys import ToySystem, toy_sources, toy_system

from motet.core import ConfigError
from motet.core.model_folder import read_weights
from motet.data.mixture import Mixture
from motet.data.schedules import Mixed
from motet.training.balancers import DWA, Balancer, TaskMean
from motet.training.balancers.measured import MeasuredAffinity
from motet.training.checkpoint import balancer_state, tensors_equal
from motet.training.config import TrainConfig
from motet.training.fit import fit
from motet.training.step_losses import StepLosses

ROWS = {"a": range(4), "b": range(2), "c": range(3)}


def losses_of(system: ToySystem, *parts: dict[str, range]) -> StepLosses:
    return StepLosses(system.losses, [batch(rows) for rows in parts], (0, 0, 0), torch.device("cpu"), nullcontext)


def by_hand(lr: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The relative fall of every loss after a step for every task on the trunk, and the cosines of the gradients."""
    system = toy_system(SOURCES, dropout=0.0)
    shared = list(system.trunk.parameters())

    def means() -> torch.Tensor:
        found = system.losses(batch(ROWS)).tasks
        return torch.stack([found[f"task_{letter}"].total / found[f"task_{letter}"].weight for letter in "abc"])

    before = means()
    gradients = [torch.autograd.grad(one, shared, retain_graph=True) for one in before]
    rows = []
    for gradient in gradients:
        with torch.no_grad():
            for parameter, slope in zip(shared, gradient, strict=True):
                parameter -= lr * slope
            rows.append(1 - means() / before)
            for parameter, slope in zip(shared, gradient, strict=True):
                parameter += lr * slope
    flat = torch.stack([torch.cat([part.flatten() for part in gradient]) for gradient in gradients])
    unit = flat / flat.norm(dim=1, keepdim=True)
    return torch.stack(rows).detach().double(), (unit @ unit.T).double()


@pytest.mark.parametrize("parts", [(ROWS,), ({"a": range(2), "b": range(2)}, {"a": range(2, 4), "c": range(3)})])
def test_affinities_and_cosines_by_hand(parts: tuple[dict[str, range], ...]) -> None:
    system = toy_system(SOURCES, dropout=0.0)
    weights = {name: value.clone() for name, value in system.state_dict().items()}
    live = MeasuredAffinity(TaskMean(), every=1, lr=0.1).start(system)
    live.backward(losses_of(system, *parts), system)
    affinity, cosine = by_hand(0.1)
    torch.testing.assert_close(live.sums["affinity"][:3, :3], affinity, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(live.sums["cosine"][:3, :3], cosine, rtol=1e-4, atol=1e-5)
    assert bool((affinity.diagonal() > 0).all())
    assert not live.sums["affinity_count"][3].any()  # task_d has no rows
    assert tensors_equal(weights, dict(system.state_dict()))
    assert float(live.counts["passes"]) == 1 * (2 + 3) + 2 * 3


def test_tasks_that_never_meet_in_an_update_are_measured_on_their_last_rows() -> None:
    system = toy_system(SOURCES, dropout=0.0)
    live = MeasuredAffinity(TaskMean(), every=3, lr=0.1).start(system)
    for rows in ({"a": range(4)}, {"b": range(2)}, {"c": range(3)}, {"a": range(4)}):
        live.backward(losses_of(system, rows), system)
    affinity, _ = by_hand(0.1)
    torch.testing.assert_close(live.sums["affinity"][:3, :3], affinity, rtol=1e-3, atol=1e-5)
    assert float(live.counts["measured"]) == 1


def trained(balancer: Balancer, folder: Path, steps: int = 12, *, resume: bool = False) -> None:
    sources = toy_sources(12, 12)
    system = toy_system(sources, dropout=0.3)
    mixture = Mixture(sources, Mixed(batch_size=8).bind(sources, seed=0), 0)
    config = TrainConfig(steps=steps, lr=0.03, save_every=6, keep_checkpoints=3)
    fit(system, mixture, config, balancer=balancer, folder=folder, resume=resume, show=False)


def test_a_measured_run_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    trained(DWA(window=2), tmp_path / "plain")
    trained(MeasuredAffinity(DWA(window=2), every=3), tmp_path / "measured")
    assert tensors_equal(read_weights(tmp_path / "plain"), read_weights(tmp_path / "measured"))
    state = balancer_state(tmp_path / "measured/step-000012")
    assert float(state["measured"]) == 4
    assert float(state["affinity_count"].min()) == 4
    plain = balancer_state(tmp_path / "plain/step-000012")
    assert tensors_equal(plain, {n.removeprefix("inner."): v for n, v in state.items() if n.startswith("inner.")})


def test_sums_go_on_after_a_resume(tmp_path: Path) -> None:
    for name in ("whole", "stopped"):
        trained(MeasuredAffinity(TaskMean(), every=3), tmp_path / name)
    (tmp_path / "stopped/step-000012").rename(tmp_path / "stopped/lost")
    trained(MeasuredAffinity(TaskMean(), every=3), tmp_path / "stopped", resume=True)
    states = [balancer_state(tmp_path / name / "step-000012") for name in ("whole", "stopped")]
    assert tensors_equal(*states)


def test_what_cannot_be_measured_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"MeasuredAffinity.every: got 0; want a positive number"):
        MeasuredAffinity(TaskMean(), every=0)
    with pytest.raises(ConfigError, match="got 1 tasks and 2 shared trained parameters; want two or more tasks"):
        MeasuredAffinity(TaskMean()).start(toy_system(toy_sources(5)))
