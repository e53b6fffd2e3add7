"""Batches for prediction: order, kept parts, errors of rows, shares of ranks."""

import multiprocessing
import sys

import pytest
import torch

from motet.core import DataError
from motet.evaluation import batches as module
from motet.evaluation.batches import EvaluationRow, batches, own_rows
from motet.tasks import classification

PETS = classification("pets", ("cat", "dog"))


def rows_of(toy, count):
    return toy["reader"](tuple(toy["row"](number, "cat", text=f"text {number}", pets=0) for number in range(count)))


def test_rows_come_in_the_given_order_with_what_is_kept_of_them(toy) -> None:
    found = list(batches(rows_of(toy, 5), toy["processor"](), [PETS], [4, 0, 2], size=2, workers=0))
    assert [batch.ids for batch, _ in found] == [("toy/4", "toy/0"), ("toy/2",)]
    assert found[1][1] == (EvaluationRow("toy/2", ("image2",), "text 2"),)


def test_the_error_of_a_row_is_raised_as_it_is(toy) -> None:
    broken = toy["replace"](rows_of(toy, 3), broken=1)
    with pytest.raises(DataError, match=r"^image: got nothing; want an image \(toy.txt, row 1\)$"):
        list(batches(broken, toy["processor"](), [PETS], range(3), size=2, workers=0))


def test_reading_rows_leaves_the_global_random_state(toy) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    list(batches(rows_of(toy, 3), toy["processor"](), [PETS], range(3), size=2, workers=0))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked")
def test_workers_are_forked_whatever_the_default_is(toy, monkeypatch) -> None:
    monkeypatch.setattr(
        multiprocessing.context._default_context, "_actual_context", multiprocessing.get_context("spawn")
    )
    reader = rows_of(toy, 3)

    class OfThisTest(type(reader)):  # a spawned worker could not unpickle it
        pass

    ids = [
        batch.ids
        for batch, _ in batches(OfThisTest(reader.rows), toy["processor"](), [PETS], range(3), size=2, workers=1)
    ]
    assert ids == [("toy/0", "toy/1"), ("toy/2",)]


@pytest.mark.parametrize(("count", "world"), [(7, 3), (6, 3), (1, 4), (0, 2), (5, 1)])
def test_ranks_get_equally_many_rows_that_cover_all(monkeypatch, count, world) -> None:
    monkeypatch.setattr(module, "world", lambda: world)
    shares = []
    for number in range(world):
        monkeypatch.setattr(module, "rank", lambda number=number: number)
        shares.append(own_rows(range(count)))
    assert {len(share) for share in shares} == {-(-count // world)}
    assert {row for share in shares for row in share} == set(range(count))
