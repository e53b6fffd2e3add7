"""Affinities: one update by hand, what is absent, and the same on every rank."""

import json
from pathlib import Path

import pytest
import torch
from toy_runs import finish, start
from toy_vit_adapters import RefreshedApart, refreshed

from motet.systems.vit_adapters.troa import gradient_cosines, random_order, update_affinities


def test_an_update_by_hand() -> None:
    cosines = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    new = update_affinities(torch.full((2, 2), 0.5), cosines, torch.tensor([True, True]), kappa=2.0)
    grown = torch.tensor([2.0, 1.0]).exp()
    assert torch.allclose(new[0], grown / grown.sum())
    literal = update_affinities(torch.full((2, 2), 0.5), cosines, torch.tensor([True, True]), kappa=2.0, sign=-1)
    shrunk = torch.tensor([-2.0, -1.0]).exp()
    assert torch.allclose(literal[0], shrunk / shrunk.sum())


def test_what_has_no_gradient_keeps_its_row_and_its_share() -> None:
    start_rows = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]])
    new = update_affinities(start_rows, torch.eye(3), torch.tensor([True, True, False]))
    assert torch.equal(new[2], start_rows[2])
    assert torch.equal(new[:, 2], start_rows[:, 2])
    assert torch.allclose(new.sum(1), torch.ones(3))
    assert new[0, 0] > 0.2


def test_without_the_diagonal_a_tasks_own_share_stays() -> None:
    cosines = torch.tensor([[1.0, 0.9, -0.9], [0.9, 1.0, 0.0], [-0.9, 0.0, 1.0]])
    rows = torch.full((3, 3), 1 / 3)
    for _ in range(50):
        rows = update_affinities(rows, cosines, torch.ones(3, dtype=torch.bool), diagonal=False)
    assert torch.allclose(rows.diagonal(), torch.full((3,), 1 / 3))
    assert torch.allclose(rows.sum(1), torch.ones(3))
    assert rows[0, 1] > 0.66
    assert rows[0, 2] < 0.01


def test_with_a_floor_a_share_returns_and_without_it_never() -> None:
    """One direction for fifty updates, then the opposite for as many."""
    ends = []
    for floor in (0.0, 0.2):
        rows = torch.full((2, 2), 0.5)
        for cosine in [1.0] * 150 + [-1.0] * 10:
            cosines = torch.tensor([[0.0, -cosine], [-cosine, 0.0]])
            rows = update_affinities(rows, cosines, torch.ones(2, dtype=torch.bool), floor=floor)
            assert torch.allclose(rows.sum(1), torch.ones(2))
            assert rows.min() >= floor / 2 - 1e-6
        ends.append(float(rows[0, 1]))
    assert ends[0] == 0.0
    assert ends[1] > 0.85


def test_cosines_are_of_directions() -> None:
    gradients = torch.tensor([[3.0, 0.0], [0.0, 0.1], [0.0, -5.0], [0.0, 0.0]])
    cosines, present = gradient_cosines(gradients @ gradients.T)
    assert present.tolist() == [True, True, True, False]
    assert torch.allclose(cosines[:3, :3], torch.tensor([[1.0, 0, 0], [0, 1, -1], [0, -1, 1]]))


def test_orders_are_permutations_drawn_by_the_step() -> None:
    order = random_order(5, 7)
    assert torch.equal(order.sort(1).values, torch.arange(5).repeat(5, 1))
    assert torch.equal(order, random_order(5, 7))
    assert not torch.equal(order, random_order(5, 8))


def test_two_ranks_find_what_one_process_finds(tmp_path: Path) -> None:
    assert finish(start(RefreshedApart(tmp_path), world=2), 200) == [0, 0]
    first, second = (json.loads((tmp_path / f"2-{rank}.json").read_text()) for rank in range(2))
    assert first == second
    alone = refreshed(lambda rows: [rows, rows])
    for here, there in zip(alone, first, strict=True):
        for one, other in zip(here, there, strict=True):
            assert other == pytest.approx(one, abs=1e-5)
