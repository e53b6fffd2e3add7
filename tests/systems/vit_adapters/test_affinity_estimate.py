"""The memory of TROA: what the paper's update is, what averages and several batches change, and what is saved."""

import pytest
import torch
from toy_vit_adapters import batch_of, stirred, system_of

from motet.core import ConfigError
from motet.systems.vit_adapters import Troa
from motet.systems.vit_adapters.affinity_estimate import AffinityEstimate
from motet.systems.vit_adapters.troa import update_affinities

BOTH = torch.tensor([True, True])
COSINES = torch.tensor([[1.0, 0.2], [0.2, 1.0]])


def after(options: Troa, refreshes: int, cosines: torch.Tensor = COSINES) -> torch.Tensor:
    """Returns the affinities after some refreshes of the same cosines."""
    estimate, rows = AffinityEstimate(options, 2), torch.full((2, 2), 0.5)
    for _ in range(refreshes):
        estimate.add(cosines, BOTH)
        rows = estimate.updated(rows)
    return rows


def test_the_default_is_algorithm_1() -> None:
    rows = torch.full((2, 2), 0.5)
    for _ in range(3):
        rows = update_affinities(rows, COSINES, BOTH)
    torch.testing.assert_close(after(Troa(), 3), rows)


def test_the_papers_recursion_ends_one_hot_and_an_average_does_not() -> None:
    assert float(after(Troa(), 40)[0, 0]) == pytest.approx(1.0)
    few, many = (float(after(Troa(update="average"), count)[0, 0]) for count in (1, 40))
    assert few == pytest.approx(many)
    assert many == pytest.approx(float(torch.tensor([1.0, 0.2]).softmax(0)[0]))
    decaying = float(after(Troa(update="decaying"), 40)[0, 0])
    assert 0.9 < decaying < 0.99


def test_an_average_is_over_all_refreshes() -> None:
    estimate, rows = AffinityEstimate(Troa(update="average"), 2), torch.full((2, 2), 0.5)
    for cosine in (0.8, -0.2, 0.6):
        estimate.add(torch.tensor([[1.0, cosine], [cosine, 1.0]]), BOTH)
        rows = estimate.updated(rows)
    torch.testing.assert_close(estimate.average, torch.tensor([[1.0, 0.4], [0.4, 1.0]]))
    torch.testing.assert_close(rows[0], torch.tensor([1.0, 0.4]).softmax(0))


def test_several_batches_are_averaged_and_their_spread_is_kept() -> None:
    estimate = AffinityEstimate(Troa(every=4, batches=2), 2)
    for cosine in (0.5, 0.1):
        estimate.add(torch.tensor([[1.0, cosine], [cosine, 1.0]]), BOTH)
    rows = estimate.updated(torch.full((2, 2), 0.5))
    torch.testing.assert_close(
        rows, update_affinities(torch.full((2, 2), 0.5), torch.tensor([[1, 0.3], [0.3, 1]]), BOTH)
    )
    torch.testing.assert_close(estimate.spread, torch.tensor([[0.0, 0.2], [0.2, 0.0]]))
    assert not estimate.counts.any(), "the next update begins anew"


def test_a_task_that_was_absent_keeps_its_row_and_one_seen_before_counts_in_the_average() -> None:
    estimate, rows = AffinityEstimate(Troa(update="average"), 2), torch.full((2, 2), 0.5)
    estimate.add(COSINES, torch.tensor([True, False]))
    rows = estimate.updated(rows)
    torch.testing.assert_close(rows, torch.full((2, 2), 0.5))
    estimate.add(COSINES, BOTH)
    first = estimate.updated(rows)
    estimate.add(torch.zeros(2, 2), torch.tensor([True, False]))
    assert estimate.updated(first)[1, 1] == first[1, 1]


def test_steps_whose_gradients_count() -> None:
    options = Troa(every=5, batches=2)
    assert [step for step in range(12) if options.reads_gradients(step)] == [4, 5, 9, 10]
    assert [step for step in range(12) if options.is_due(step)] == [5, 10]
    for wrong in ({"batches": 6}, {"batches": 0}, {"floor": 1.5}, {"update": "mean"}):
        with pytest.raises(ConfigError, match=rf"Troa\.{next(iter(wrong))}: got"):
            Troa(every=5, **wrong)  # type: ignore[arg-type]


def test_a_system_reads_the_last_batches_logs_their_spread_and_saves_what_it_has_so_far() -> None:
    options = Troa(every=3, batches=2)
    system = stirred(system_of("segment", "depth", affinities=options))
    one, other = batch_of(system, 2), batch_of(system, 4)
    start = system.affinities.clone()
    system.refresh([one], 1)
    assert not system.affinity_estimate.counts.any()
    system.refresh([one], 2)
    assert torch.equal(system.affinities, start)
    assert system.affinity_estimate.counts.all()
    resumed = system_of("segment", "depth", affinities=options)
    resumed.load_state_dict(system.state_dict())
    for model in (system, resumed):
        model.refresh([other], 3)
    assert not torch.equal(system.affinities, start)
    assert torch.equal(system.affinities, resumed.affinities)
    spread = system.losses(one).aux["affinity_spread/segment/depth"]
    assert float(spread) > 0
