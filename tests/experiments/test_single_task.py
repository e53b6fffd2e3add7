"""A twin sees what the multi-task run showed its task, no row more, and no test row chooses anything."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import ToyConfig, label_task, toy_run, toy_sources

from motet.core import CheckpointError, ConfigError, Report, Result
from motet.data.drawn_batches import DrawnBatches
from motet.data.exposure import samples_per_source
from motet.data.mixture import Mixture
from motet.data.round_robin import RoundRobin
from motet.data.schedules import Exactly, Mixed
from motet.experiments.single_task import best_lr, grid, single_task, some_tasks
from motet.training.balancers import Weighted
from motet.training.run import Run, ScheduleSpec
from motet.training.run_training import run_training


def seen(run: Run) -> dict[str, int]:
    sources = run.of_role("train")
    mixture = Mixture(sources, run.schedule.bind(sources, seed=run.train.seed), run.train.seed)
    return samples_per_source(mixture, run.train.steps)


@pytest.mark.parametrize("task", ["task_a", "task_b"])
def test_a_single_run_sees_exactly_as_many_rows_of_its_task(tmp_path: Path, task: str) -> None:
    run = toy_run()
    single_run = single_task(run, task)
    source = task[-1]
    assert {s.name for s in single_run.sources} == {source, f"{source}/val", f"{source}/test"}
    assert seen(single_run) == {source: seen(run)[source]}
    assert single_run.train.steps == -(-seen(run)[source] // 16)
    report = run_training(single_run, tmp_path, device="cpu", show=False, baselines=False)
    assert report.samples_seen == {source: seen(run)[source]}
    assert {result.task for result in report.results} == {task}


def test_a_single_run_may_do_as_many_steps_instead() -> None:
    single_run = single_task(toy_run(), "task_b", steps=toy_run().train.steps)
    assert single_run.train == toy_run().train
    assert seen(single_run) == {"b": 30 * 16}


def test_a_task_of_several_sources_keeps_their_proportions_exactly() -> None:
    run = toy_run()
    both = tuple(dataclasses.replace(source, tasks=(label_task("same"),)) for source in run.sources)
    run = dataclasses.replace(run, sources=both)
    assert seen(single_task(run, "same")) == seen(run)
    many = seen(single_task(run, "same", steps=run.train.steps, samples_seen={"a": 1, "b": 2}))
    assert many == {"a": 160, "b": 320}


def test_evaluations_stand_at_the_same_shares() -> None:
    single_run = single_task(toy_run(), "task_b")
    assert single_run.train.evaluate_every == round(10 * single_run.train.steps / 30)


def test_a_single_run_of_a_run_of_one_update_a_source_has_batches_of_its_own_source() -> None:
    run = toy_run(schedule=RoundRobin(batch_size=4, batch_sizes={"b": 6}), balancer=Weighted({"task_a": 2.0}))
    single_run = single_task(run, "task_b")
    assert single_run.schedule == Exactly(rows={"b": 30 * 6}, batch_size=6)
    assert single_run.train.steps == 30
    assert single_run.balancer == Weighted({})


def batches_of(run: Run) -> list[list[dict[str, int]]]:
    train = run.of_role("train")
    bound = run.schedule.bind(train, seed=run.train.seed)
    return [[dict(batch) for batch in bound.step(index, 1).batches[0]] for index in range(run.train.steps)]


@pytest.mark.parametrize("seed", range(4))
def test_a_task_that_is_drawn_keeps_the_size_of_its_own_batches(seed: int) -> None:
    run = toy_run(schedule=DrawnBatches(batch_sizes={"a": 8, "b": 256}))
    run = dataclasses.replace(run, train=dataclasses.replace(run.train, seed=seed))
    single_run = single_task(run, "task_a")
    drawn = seen(run)["a"] // 8
    assert batches_of(single_run) == [[{"a": 8}]] * drawn
    assert seen(single_task(run, "task_a", steps=run.train.steps)) == {"a": 8 * run.train.steps}


def test_several_batches_of_an_update_stay_several() -> None:
    run = toy_run(schedule=DrawnBatches(batches=3, batch_sizes={"a": 8, "b": 5}))
    single_run = single_task(run, "task_b")
    *steps, last = batches_of(single_run)
    assert steps == [[{"b": 5}] * 3] * len(steps)
    assert 1 <= len(last) <= 3
    same_steps = single_task(run, "task_b", steps=run.train.steps)
    assert batches_of(same_steps) == [[{"b": 5}] * 3] * run.train.steps


SIZES = st.dictionaries(st.sampled_from("ab"), st.integers(1, 9))
SPECS = st.one_of(
    st.builds(Mixed, batch_size=st.integers(1, 20), whole_batches=st.booleans()),
    st.builds(DrawnBatches, batches=st.integers(1, 4), batch_size=st.integers(1, 9), batch_sizes=SIZES),
    st.builds(RoundRobin, batch_size=st.integers(1, 9), batch_sizes=SIZES),
    st.builds(
        Exactly, rows=st.fixed_dictionaries({"a": st.integers(1, 90), "b": st.integers(1, 90)}),
        batch_size=st.integers(1, 9), whole_batches=st.booleans(),
    ),
)  # fmt: skip


@given(spec=SPECS, seed=st.integers(0, 3), steps=st.integers(1, 25), both=st.booleans())
def test_every_baseline_and_group_takes_the_rows_of_the_run_in_batches_of_their_own_size(
    spec: ScheduleSpec, seed: int, steps: int, both: bool
) -> None:
    run = toy_run(schedule=spec)
    run = dataclasses.replace(run, train=dataclasses.replace(run.train, seed=seed, steps=steps))
    expected = seen(run)
    if not all(expected.values()):
        return
    restricted = some_tasks(run, ["task_a", "task_b"]) if both else single_task(run, "task_b")
    assert seen(restricted) == {name: expected[name] for name in seen(restricted)}
    form = spec.bind(run.of_role("train"), seed=seed).update_form()
    odd: Counter[str] = Counter()
    for step in batches_of(restricted):
        assert len(step) <= max(form.batches, 2 if isinstance(spec, RoundRobin) else 1)
        for batch in step:
            if form.mixed:
                odd["mixed"] += sum(batch.values()) != form.batch_sizes["a"]
            else:
                ((name, count),) = batch.items()
                odd[name] += count != form.batch_sizes[name]
    assert max(odd.values()) <= 1  # the remainder


def test_a_run_on_all_its_tasks_is_itself() -> None:
    robin = toy_run(schedule=RoundRobin(batch_size=4, batch_sizes={"b": 6}, periods={"task_a": 3}))
    assert some_tasks(robin, ["task_b", "task_a"]) == robin
    mixed = some_tasks(toy_run(), ["task_a", "task_b"])
    assert seen(mixed) == seen(toy_run())
    assert mixed.train == toy_run().train


def test_some_tasks_alone_are_told_of_no_other(tmp_path: Path) -> None:
    system = ByTask(of={"task_a": 1, "task_b": 2})
    run = toy_run(
        schedule=RoundRobin(batch_size=4, batch_sizes={"a": 3, "b": 6}, first=(("task_a",), ("task_b",))), system=system
    )
    only = some_tasks(run, ["task_b"])
    assert only.schedule == RoundRobin(batch_size=4, batch_sizes={"b": 6}, first=(("task_b",),))
    assert only.system == ByTask(of={"task_b": 2})
    assert only.train == run.train
    assert run_training(only, tmp_path, device="cpu", show=False, baselines=False).samples_seen == {"b": 180}
    with pytest.raises(ConfigError, match="some_tasks: got no task; want at least one of task_a, task_b"):
        some_tasks(run, [])
    empty = Exactly(rows={"a": 16, "b": 0}, batch_size=4)
    with pytest.raises(ConfigError, match="'task_b': got no row of it in the run"):
        some_tasks(toy_run(schedule=empty), ["task_a", "task_b"])


@dataclasses.dataclass(frozen=True)
class ByTask(ToyConfig):
    """A configuration that says something by task."""

    of: dict[str, int] = dataclasses.field(default_factory=dict)

    def restrict(self, tasks, sources):
        return dataclasses.replace(self, of={name: value for name, value in self.of.items() if name in tasks})


def test_exact_rows_in_whole_batches_of_one_source() -> None:
    spec = Exactly(rows={"a": 10, "b": 4, "c": 0}, batch_size=4, whole_batches=True)
    bound = spec.bind(toy_sources(9, 9, 9), seed=1)
    batches = [batch for index in range(spec.steps) for (batch,) in bound.step(index, 1).batches]
    assert spec.steps == 4
    assert sorted((name, rows) for batch in batches for name, rows in batch.items()) == [
        ("a", 2), ("a", 4), ("a", 4), ("b", 4),
    ]  # fmt: skip
    assert [batch["a"] for batch in batches if "a" in batch] == [4, 4, 2]
    assert bound.step(spec.steps, 1).batches == ((),)
    split = [bound.step(index, 3).batches for index in range(spec.steps)]
    assert [sum(rows for batches in ranks for batch in batches for rows in batch.values()) for ranks in split] == [
        sum(batch.values()) for batch in batches
    ]
    assert "whole_batches" not in Exactly(rows={"a": 1}).bind(toy_sources(9), seed=1).state_dict()
    bound.load_state_dict(bound.state_dict())
    mixed = dataclasses.replace(spec, whole_batches=False).bind(toy_sources(9, 9, 9), seed=1)
    with pytest.raises(CheckpointError, match="schedule: got a checkpoint with"):
        bound.load_state_dict(mixed.state_dict())


def test_an_unknown_task_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="got 'task_c', which is no task of the run; did you mean"):
        single_task(toy_run(), "task_c")


def result(value: float, *, better_up: bool = True) -> Result:
    return Result(task="t", source="s", metric="m", value=value, unit="", higher_is_better=better_up, count=1)


def test_a_learning_rate_is_chosen_on_val_and_never_on_test() -> None:
    runs = grid(toy_run(), (0.1, 0.01))
    assert [run.train.lr for run in runs.values()] == [0.1, 0.01]
    assert all(source.role != "test" for run in runs.values() for source in run.sources)
    assert best_lr({0.1: Report(results=(result(3),)), 0.01: Report(results=(result(5),))}, "t") == 0.01
    down = {lr: Report(results=(result(value, better_up=False),)) for lr, value in ((0.1, 3), (0.01, 5))}
    assert best_lr(down, "t") == 0.1
    with pytest.raises(ConfigError, match="got a report of 'test' sources; want 'val'"):
        best_lr({0.1: Report(role="test", results=(result(3),))}, "t")
    without = dataclasses.replace(toy_run(), sources=toy_run().of_role("train"))
    with pytest.raises(ConfigError, match="without sources of role 'val'"):
        grid(without, (0.1,))
