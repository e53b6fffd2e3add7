"""Which rows feed a step: every image once an epoch, one of its rows by draw, the same whatever is read ahead."""

import json
from collections import Counter
from collections.abc import Mapping

import pytest
from toys import ToyReader, label_task, toy_sources

from motet.core import CheckpointError, ConfigError, Report, Step
from motet.data.exposure import count_samples, samples_per_source
from motet.data.mixture import Mixture, RowRequest
from motet.data.sampling_rates import EqualRates
from motet.data.schedules import Exactly, Mixed
from motet.data.source import Source


def mixture(*sources: Source, batch_size: int = 10, seed: int = 0) -> Mixture:
    return Mixture(sources, Mixed(rates=EqualRates(), batch_size=batch_size).bind(sources, seed=seed), seed)


def visits(mixed: Mixture, name: str, count: int) -> list[RowRequest]:
    return [mixed.row(name, taken) for taken in range(count)]


def test_every_image_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    reader = ToyReader("a", 30, rows_per_image=3)
    source = Source(name="a", reader=reader, tasks=(label_task("t"),))
    rows = [row.index for row in visits(mixture(source), "a", 40)]
    epochs = [[row // 3 for row in rows[start : start + 10]] for start in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    # Which of an image's rows is drawn each time: over epochs, all of them come.
    drawn = Counter(row % 3 for row in (r.index for r in visits(mixture(source), "a", 600)))
    assert all(abs(drawn[place] - 200) < 3 * (600 * 2 / 9) ** 0.5 for place in range(3))


def test_by_row_every_row_comes_once_an_epoch() -> None:
    reader = ToyReader("a", 30, rows_per_image=3)
    source = Source(name="a", reader=reader, tasks=(label_task("t"),), sample_by="row")
    rows = [row.index for row in visits(mixture(source), "a", 60)]
    assert sorted(rows[:30]) == sorted(rows[30:]) == list(range(30))
    assert rows[:30] != rows[30:]


def test_a_row_depends_on_seed_source_and_rows_taken_only() -> None:
    a, b = toy_sources(20, 20)
    alone, both = mixture(a), mixture(a, b)
    assert visits(alone, "a", 50) == visits(both, "a", 50)
    assert [row.index for row in visits(both, "a", 50)] != [row.index for row in visits(both, "b", 50)]
    assert visits(mixture(a, seed=1), "a", 50) != visits(alone, "a", 50)
    assert both.row("a", 47) == visits(alone, "a", 48)[-1]


@pytest.mark.parametrize("world", [2, 3, 7])
def test_ranks_together_get_the_rows_of_one(world: int) -> None:
    sources = toy_sources(20, 20)
    mixed = mixture(*sources)
    taken: Mapping[str, int] = mixed.consumed
    for index in range(30):
        whole = mixed.plan(index, rank=0, world=1, consumed=taken)
        shares = [mixed.plan(index, rank=rank, world=world, consumed=taken) for rank in range(world)]
        rows = [row for share in shares for batch in share.batches for row in batch]
        assert sorted(rows, key=repr) == sorted(whole.batches[0], key=repr)
        assert all(share.consumed == whole.consumed for share in shares)
        taken = whole.consumed
    assert sum(taken.values()) == 300
    assert sum(mixed.consumed.values()) == 0  # planning ahead takes nothing


class TwoBatches:
    """A schedule with two batches on each rank, one of each source."""

    def step(self, index: int, world: int) -> Step:
        return Step((({"a": 4 // world}, {"a": 2 // world, "b": 2 // world}),) * world, update="each")

    def due(self, index: int) -> tuple[str, ...]:
        return ()

    def observe(self, report: Report) -> None: ...

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state: dict[str, object]) -> None: ...


def test_each_batch_of_a_step_is_the_same_for_any_number_of_ranks() -> None:
    mixed = Mixture(toy_sources(20, 20), TwoBatches(), 0)
    one = mixed.plan(0, rank=0, world=1, consumed=mixed.consumed)
    two = [mixed.plan(0, rank=rank, world=2, consumed=mixed.consumed) for rank in (0, 1)]
    for place in (0, 1):
        assert sorted(map(repr, one.batches[place])) == sorted(repr(r) for half in two for r in half.batches[place])
    assert one.update == "each"


def test_the_state_is_a_number_a_source_and_goes_through_json() -> None:
    mixed, other = mixture(*toy_sources(20, 9)), mixture(*toy_sources(20, 9))
    mixed.consumed = {"a": 33, "b": 12}
    state = json.loads(json.dumps(mixed.state_dict()))
    assert state["taken"] == {"a": 33, "b": 12}
    other.load_state_dict(state)
    plans = [m.plan(5, rank=0, world=1, consumed=m.consumed) for m in (mixed, other)]
    assert plans[0] == plans[1]
    with pytest.raises(CheckpointError, match=r"got a checkpoint with \['a', 'b'\]; want \['a'\]"):
        mixture(*toy_sources(20)).load_state_dict(state)


def test_what_each_sees_is_what_is_taken() -> None:
    sources = (
        Source(name="vqa", reader=ToyReader("v", 30, rows_per_image=3), tasks=(label_task("t"),)),
        Source(name="rows", reader=ToyReader("r", 8), tasks=(label_task("u"),), sample_by="row"),
    )
    mixed = Mixture(sources, Exactly(rows={"vqa": 32, "rows": 20}, batch_size=10).bind(sources, seed=0), 0)
    vqa, rows = count_samples(mixed, 6)
    assert (vqa.rows, vqa.images, vqa.samples, vqa.epochs) == (30, 10, 32, 3.2)
    assert vqa.line() == "vqa: 32 rows, 3.2 epochs"
    assert (rows.samples, rows.epochs, rows.tasks) == (20, 2.5, ("u",))
    assert vqa.share == pytest.approx(32 / 52)
    assert sum(samples_per_source(mixed, 3).values()) == 30


def test_fingerprints_tell_other_rows() -> None:
    same = [mixture(*toy_sources(20, 9)).fingerprints() for _ in range(2)]
    assert same[0] == same[1]
    assert mixture(*toy_sources(20, 10)).fingerprints()["a"] == same[0]["a"]
    assert mixture(*toy_sources(20, 10)).fingerprints()["b"] != same[0]["b"]


def test_what_cannot_be_is_said() -> None:
    (a,) = toy_sources(5)
    with pytest.raises(ConfigError, match="got no sources"):
        Mixture((), TwoBatches())
    with pytest.raises(ConfigError, match="got role 'val'; want 'train'"):
        Mixture((Source(name="v", reader=a.reader, tasks=a.tasks, role="val"),), TwoBatches())
    with pytest.raises(ConfigError, match="want every name once"):
        Mixture((a, a), TwoBatches())
    mixed = Mixture((a,), TwoBatches())
    with pytest.raises(ConfigError, match="schedule, step 0: source 'b': known: a"):
        mixed.plan(0, rank=0, world=1, consumed=mixed.consumed)
