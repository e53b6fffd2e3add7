"""A twin sees what the multi-task run showed its task, no row more, and no test row chooses anything."""

import dataclasses
from pathlib import Path

import pytest

from motet.core import ConfigError, Report, Result
from motet.data.mixture import Mixture
from motet.data.sees import rows_seen
from motet.train.execute import execute
from motet.train.run import Run
from motet.train.twins import best_lr, grid, single_task
from toys import label_task, toy_run


def seen(run: Run) -> dict[str, int]:
    sources = run.of_role("train")
    mixture = Mixture(sources, run.schedule.bind(sources, seed=run.plan.seed), run.plan.seed)
    return rows_seen(mixture, run.plan.steps)


@pytest.mark.parametrize("task", ["task_a", "task_b"])
def test_a_twin_sees_exactly_as_many_rows_of_its_task(tmp_path: Path, task: str) -> None:
    run = toy_run()
    twin = single_task(run, task)
    source = task[-1]
    assert {s.name for s in twin.sources} == {source, f"{source}/val", f"{source}/test"}
    assert seen(twin) == {source: seen(run)[source]}
    assert twin.plan.steps == -(-seen(run)[source] // 16)
    report = execute(twin, tmp_path, device="cpu", show=False, floors=False)
    assert report.rows_seen == {source: seen(run)[source]}
    assert {result.task for result in report.results} == {task}


def test_a_twin_may_do_as_many_steps_instead() -> None:
    twin = single_task(toy_run(), "task_b", match="steps")
    assert twin.plan == toy_run().plan
    assert seen(twin) == {"b": 30 * 16}


def test_a_task_of_several_sources_keeps_their_proportions_exactly() -> None:
    run = toy_run()
    both = tuple(dataclasses.replace(source, tasks=(label_task("same"),)) for source in run.sources)
    run = dataclasses.replace(run, sources=both)
    assert seen(single_task(run, "same")) == seen(run)
    many = seen(single_task(run, "same", match="steps", seen={"a": 1, "b": 2}))
    assert many == {"a": 160, "b": 320}


def test_evaluations_stand_at_the_same_shares() -> None:
    twin = single_task(toy_run(), "task_b")
    assert twin.plan.evaluate_every == round(10 * twin.plan.steps / 30)


def test_an_unknown_task_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="got 'task_c', which is no task of the run; did you mean"):
        single_task(toy_run(), "task_c")


def result(value: float, *, better_up: bool = True) -> Result:
    return Result(task="t", source="s", metric="m", value=value, unit="", higher_is_better=better_up, count=1)


def test_a_learning_rate_is_chosen_on_val_and_never_on_test() -> None:
    runs = grid(toy_run(), (0.1, 0.01))
    assert [run.plan.lr for run in runs.values()] == [0.1, 0.01]
    assert all(source.role != "test" for run in runs.values() for source in run.sources)
    assert best_lr({0.1: Report(results=(result(3),)), 0.01: Report(results=(result(5),))}, "t") == 0.01
    down = {lr: Report(results=(result(value, better_up=False),)) for lr, value in ((0.1, 3), (0.01, 5))}
    assert best_lr(down, "t") == 0.1
    with pytest.raises(ConfigError, match="got a report of 'test' sources; want 'val'"):
        best_lr({0.1: Report(role="test", results=(result(3),))}, "t")
    without = dataclasses.replace(toy_run(), sources=toy_run().of_role("train"))
    with pytest.raises(ConfigError, match="without sources of role 'val'"):
        grid(without, (0.1,))
