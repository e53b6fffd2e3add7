"""The batches of a mixture's steps: the same from workers, never read past a segment, bad rows told in one line."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from toys import ToyProcessor, ToyReader, label_task, toy_sources

from motet.core import Batch, DataError, Example, Reader, Report, Step
from motet.data.loader import LoadedStep, Loader, split_rows
from motet.data.mixture import Mixture, RowRequest
from motet.data.schedules import Mixed
from motet.data.source import Source


def mixture(sources: Sequence[Source], batch_size: int = 6) -> Mixture:
    return Mixture(sources, Mixed(batch_size=batch_size).bind(sources, seed=0), 0)


def steps(loader: Loader, mixed: Mixture, *ends: int) -> list[LoadedStep]:
    ready = []
    start = 0
    for end in ends:
        for step in loader.segment(start, end):
            mixed.consumed = dict(step.planned.consumed)
            ready.append(step)
        start = end
    return ready


def tensors(batches: Sequence[Batch]) -> list[torch.Tensor]:
    return [batch.inputs["pixels"] for batch in batches]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("parts", [1, 4])
def test_workers_give_the_same_batches_over_segments(workers: int, parts: int) -> None:
    sources = toy_sources(9, 5)
    found = []
    for number in (0, workers):
        mixed = mixture(sources)
        found.append(steps(Loader(mixed, ToyProcessor(), workers=number, parts=parts), mixed, 3, 4, 9))
    assert [ready.index for ready in found[0]] == list(range(9))
    for here, there in zip(*found, strict=True):
        assert here.planned == there.planned
        assert [batch.ids for batch in here.batches[0]] == [batch.ids for batch in there.batches[0]]
        for left, right in zip(tensors(here.batches[0]), tensors(there.batches[0]), strict=True):
            assert torch.equal(left, right)
        assert len(here.batches[0]) == parts


def test_a_rows_augmentation_is_keyed_by_rows_taken() -> None:
    (source,) = toy_sources(3)
    mixed = mixture([source], batch_size=3)
    first, second = (ready.batches[0][0] for ready in steps(Loader(mixed, ToyProcessor()), mixed, 2))
    seen = dict(zip(first.ids, first.inputs["pixels"], strict=True))
    again = dict(zip(second.ids, second.inputs["pixels"], strict=True))
    assert seen.keys() == again.keys()
    assert all(not torch.equal(seen[name], again[name]) for name in seen)


class Learning:
    """A schedule that changes its mind when it is told to, as one that observes results would."""

    name = "a"

    def step(self, index: int, world: int) -> Step:
        return Step((({self.name: 2},),) * world)

    def due(self, index: int) -> tuple[str, ...]:
        return ()

    def observe(self, report: Report) -> None:
        self.name = "b"

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state: dict[str, object]) -> None: ...


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_is_planned_past_the_end_of_a_segment(workers: int) -> None:
    mixed = Mixture(toy_sources(9, 5), Learning(), 0)
    loader = Loader(mixed, ToyProcessor(), workers=workers)
    names = []
    for start in (0, 3):
        for ready in loader.segment(start, start + 3):
            mixed.consumed = dict(ready.planned.consumed)
            names.append(ready.planned.batches[0][0].source)
        mixed.schedule.observe(Report())
    assert "".join(names) == "aaabbb"
    assert mixed.consumed == {"a": 6, "b": 6}


class Sparse(Learning):
    """Nothing may run in odd steps, and rank 1 has nothing in step 2."""

    def step(self, index: int, world: int) -> Step:
        if index % 2:
            return Step(((),) * world)
        ranks = tuple(({"a": 1},) if not (index == 2 and rank == 1) else () for rank in range(world))
        return Step(ranks)


@pytest.mark.parametrize("workers", [0, 2])
def test_steps_without_rows_stand_in_their_place(workers: int) -> None:
    mixed = Mixture(toy_sources(9, 5), Sparse(), 0)
    sizes = [
        [len(batch) for batches in ready.batches for batch in batches]
        for ready in steps(Loader(mixed, ToyProcessor(), rank=1, world=2, workers=workers), mixed, 4, 6)
    ]
    assert sizes == [[1], [], [], [], [1], []]
    assert mixed.consumed == {"a": 5, "b": 0}


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_rows_stop_in_one_line_or_are_replaced_the_same_way(workers: int) -> None:
    source = Source(name="a", reader=ToyReader("a", 12, bad=frozenset({4, 5})), tasks=(label_task("t"),))
    mixed = mixture([source])
    with pytest.raises(DataError, match=r"^x: got nothing; want numbers \(a.csv, row [45]\)$") as caught:
        steps(Loader(mixed, ToyProcessor(), workers=workers), mixed, 2)
    assert caught.value.row in (4, 5)
    found = []
    for number in (workers, 0):
        mixed = mixture([source])
        found.append(steps(Loader(mixed, ToyProcessor(), workers=number, on_bad_row="skip"), mixed, 4))
    assert [r.batches[0][0].ids for r in found[0]] == [r.batches[0][0].ids for r in found[1]]
    skipped = [line for ready in found[0] for line in ready.skipped]
    assert len(skipped) >= 4  # two bad rows in each of two epochs, and what is drawn instead may be bad as well
    assert skipped[0].startswith("a: x: got nothing; want numbers (a.csv, row ")
    assert all(len(ready.batches[0][0]) == 6 for ready in found[0])


def test_a_source_of_bad_rows_only_is_not_searched_for_ever() -> None:
    source = Source(name="a", reader=ToyReader("a", 3, bad=frozenset(range(3))), tasks=(label_task("t"),))
    mixed = mixture([source])
    with pytest.raises(DataError, match="source 'a': got 10 bad rows in succession"):
        steps(Loader(mixed, ToyProcessor(), on_bad_row="skip"), mixed, 1)


def compose(reader: Reader, index: int, rng: np.random.Generator) -> Example:
    example = reader[index]
    return Example(id=f"{example.id}/{int(rng.integers(10**6))}", images=example.images, labels=example.labels)


def test_composed_rows_are_made_afresh_each_time_and_the_same_again() -> None:
    source = Source(name="a", reader=ToyReader("a", 4), tasks=(label_task("t"),), compose=compose)
    ids = []
    for _ in range(2):
        mixed = mixture([source], batch_size=4)
        ids.append(
            [name for ready in steps(Loader(mixed, ToyProcessor()), mixed, 3) for name in ready.batches[0][0].ids]
        )
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 12


def test_a_batch_is_cut_nearly_evenly() -> None:
    rows = [RowRequest("a", index, index) for index in range(7)]
    assert [len(part) for part in split_rows(rows, 3)] == [2, 2, 3]
    assert split_rows([], 3) == []
