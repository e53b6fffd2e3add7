"""One batch a source in every iteration, its updates apart; tasks that stop, come back, and wait for their turn."""

import dataclasses
import json
import math

import pytest
from toys import label_task, toy_sources

from motet.core import CheckpointError, ConfigError, HasTaskStatus, Report, Result
from motet.data.round_robin import RoundRobin
from motet.data.stop_and_go import Plateau, StopAndGo

SOURCES = toy_sources(40, 20, 10)


def report(step=1, better=True, role="val", **values):
    results = [
        Result(task=task, source=f"{task}/val", metric="m", value=value, unit="", higher_is_better=better, count=9)
        for task, value in values.items()
    ]
    return Report(step=step, role=role, results=tuple(results))


def trained(schedule, index, world=1):
    return [sorted({name for batches in schedule.step(index, world).batches for name in batches[place]})[0]
            for place in range(len(schedule.step(index, world).batches[0]))]  # fmt: skip


def test_every_source_has_a_batch_of_its_own_size():
    schedule = RoundRobin(batch_size=8, batch_sizes={"b": 3}).bind(SOURCES, seed=0)
    step = schedule.step(5, 1)
    assert step.update == "each"
    assert step.batches == (({"a": 8}, {"b": 3}, {"c": 8}),)


def test_ranks_get_their_part_of_every_batch_also_where_it_is_nothing():
    schedule = RoundRobin(batch_size=5, batch_sizes={"b": 1}).bind(SOURCES, seed=0)
    step = schedule.step(0, 3)
    assert [len(batches) for batches in step.batches] == [3, 3, 3]
    assert step.batches == (
        ({"a": 2}, {}, {"c": 2}),
        ({"a": 2}, {}, {"c": 2}),
        ({"a": 1}, {"b": 1}, {"c": 1}),
    )


def test_a_period_is_an_epoch_of_the_smallest_source_of_a_task():
    shared = dataclasses.replace(SOURCES[2], name="d", tasks=SOURCES[0].tasks)
    schedule = RoundRobin(batch_size=4, batch_sizes={"d": 1}).bind((*SOURCES, shared), seed=0)
    assert schedule.periods == {"task_a": 10, "task_b": 5, "task_c": 3}
    assert schedule.due(1) == ()
    assert schedule.due(4) == ("task_c",)
    assert schedule.due(16) == ("task_b", "task_c")
    assert RoundRobin(periods={"task_a": 0, "task_b": 2, "task_c": 2}).bind(SOURCES, seed=0).due(3) == (
        "task_b",
        "task_c",
    )


def test_a_stopped_task_has_a_batch_in_every_gap():
    schedule = RoundRobin(stop=StopAndGo(gap=3)).bind(SOURCES, seed=0)
    for step in range(1, 4):
        schedule.observe(report(step, task_a=50.0, task_b=40.0 + step, task_c=30.0 - step))
    assert schedule.task_status(4) == {"task_a": "stop", "task_b": "go", "task_c": "stop"}
    assert [trained(schedule, index) for index in (4, 5, 6)] == [["b"], ["b"], ["a", "b", "c"]]
    assert isinstance(schedule, HasTaskStatus)


def test_where_all_stand_an_iteration_is_empty():
    schedule = RoundRobin(stop=StopAndGo(gap=4)).bind(SOURCES[:1], seed=0)
    for step in range(1, 4):
        schedule.observe(report(step, task_a=50.0))
    assert schedule.step(5, 2).batches == ((), ())
    assert len(schedule.step(8, 2).batches[0]) == 1


def test_without_stop_and_go_nothing_stands():
    schedule = RoundRobin().bind(SOURCES, seed=0)
    for step in range(1, 9):
        schedule.observe(report(step, task_a=50.0, task_b=50.0, task_c=50.0))
    assert set(schedule.task_status(9).values()) == {"go"}


def test_a_source_of_two_tasks_goes_while_one_of_them_goes():
    both = dataclasses.replace(SOURCES[0], tasks=(label_task("one"), label_task("two")))
    schedule = RoundRobin(stop=StopAndGo(gap=9)).bind([both], seed=0)
    for step in range(1, 4):
        schedule.observe(report(step, one=50.0, two=50.0 * step))
    assert trained(schedule, 4) == ["a"]
    for step in range(4, 7):
        schedule.observe(report(step, two=150.0))
    assert trained(schedule, 7) == []


def test_lower_can_be_better():
    schedule = RoundRobin(stop=StopAndGo()).bind(SOURCES[:1], seed=0)
    for step, value in enumerate((2.0, 1.0, 0.5, 0.25, 0.1), 1):
        schedule.observe(report(step, better=False, task_a=value))
        assert schedule.task_status(step) == {"task_a": "go"}
    for step in (6, 7):
        schedule.observe(report(step, better=False, task_a=0.1))
    assert schedule.task_status(7) == {"task_a": "stop"}
    schedule.observe(report(8, better=False, task_a=0.1004))  # within half a percent of its best
    assert schedule.task_status(8) == {"task_a": "stop"}
    schedule.observe(report(9, better=False, task_a=0.1006))
    assert schedule.task_status(9) == {"task_a": "go"}


def test_the_main_score_of_a_task_is_the_mean_over_its_sources_and_other_metrics_are_only_seen():
    schedule = RoundRobin().bind(SOURCES[:1], seed=0)
    results = [
        Result(
            task="task_a", source=source, metric=metric, value=value, unit="", higher_is_better=True, count=1, main=main
        )
        for source, metric, value, main in (("x", "m", 10.0, True), ("y", "m", 20.0, True), ("x", "n", math.nan, False))
    ]
    schedule.observe(Report(step=1, results=tuple(results)))
    assert schedule.plateaus["task_a"].best == 15.0


def test_a_reset_lets_every_task_go_and_forget_its_best():
    schedule = RoundRobin(stop=StopAndGo(reset_after=(5,), gap=99)).bind(SOURCES[:1], seed=0)
    for step in (1, 3, 5):
        schedule.observe(report(step, task_a=50.0))
    assert [schedule.task_status(index)["task_a"] for index in (4, 5, 6)] == ["stop", "go", "go"]
    schedule.observe(report(7, task_a=10.0))
    assert schedule.plateaus["task_a"].best == 10.0


class TestCurriculum:
    spec = RoundRobin(first=(("task_b",), ("task_c",)), periods={"task_a": 2, "task_b": 2, "task_c": 2})

    def converge(self, schedule, first_step, *tasks):
        for step in range(first_step, first_step + 3):
            schedule.observe(report(step, **dict.fromkeys(tasks, 50.0)))

    def test_groups_join_when_all_that_run_have_converged(self):
        schedule = self.spec.bind(SOURCES, seed=0)
        assert schedule.task_status(0) == {"task_a": "wait", "task_b": "go", "task_c": "wait"}
        assert trained(schedule, 0) == ["b"]
        assert schedule.due(3) == ("task_b",)
        self.converge(schedule, 1, "task_b")
        assert trained(schedule, 4) == ["b", "c"]
        self.converge(schedule, 4, "task_b")
        assert trained(schedule, 7) == ["b", "c"]
        self.converge(schedule, 7, "task_b", "task_c")
        assert trained(schedule, 10) == ["a", "b", "c"]
        assert schedule.due(11) == ("task_a", "task_b", "task_c")

    def test_what_waits_is_not_held_against_its_scores(self):
        schedule = self.spec.bind(SOURCES, seed=0)
        schedule.observe(report(1, task_a=50.0, task_b=50.0, task_c=50.0))
        assert schedule.plateaus["task_a"] == Plateau(StopAndGo())

    def test_with_stop_and_go_what_waits_has_no_batch_in_the_gap_either(self):
        schedule = dataclasses.replace(self.spec, stop=StopAndGo()).bind(SOURCES, seed=0)
        assert trained(schedule, 0) == ["b"]


@pytest.mark.parametrize("observed", range(0, 9, 2))
def test_a_saved_state_goes_on_alike_from_anywhere(observed):
    spec = RoundRobin(stop=StopAndGo(reset_after=(6,)), first=(("task_a",),))
    scores = [50.0, 50.0, 50.0, 49.0, 60.0, 60.0, 60.0, 59.0, 58.0, 70.0]
    one, two = spec.bind(SOURCES, seed=0), spec.bind(SOURCES, seed=0)
    seen = []
    for step, score in enumerate(scores, 1):
        if step == observed + 1:
            two.load_state_dict(json.loads(json.dumps(one.state_dict())))
        one.observe(report(step, task_a=score, task_b=score, task_c=100 - score))
        if step > observed:
            two.observe(report(step, task_a=score, task_b=score, task_c=100 - score))
            seen.append((one.task_status(step), one.step(step, 2)))
            assert seen[-1] == (two.task_status(step), two.step(step, 2))
    assert one.state_dict() == two.state_dict()


def test_what_cannot_be_is_said():
    for made, said in (
        (lambda: RoundRobin(batch_size=0), "batch size 'batch_size': got 0; want at least 1"),
        (lambda: RoundRobin(batch_sizes={"a": 0}), "batch size 'a': got 0"),
        (lambda: RoundRobin(periods={"t": -1}), "periods: t: got -1"),
        (lambda: RoundRobin(first=(("t",), ("t",))), "want groups of tasks, each task once"),
        (lambda: RoundRobin(first=((),)), "want groups of tasks"),
        (lambda: StopAndGo(gap=0), "gap: got 0; want at least 1"),
        (lambda: StopAndGo(threshold=-0.1), "threshold: got -0.1; want 0 or more"),
        (lambda: StopAndGo(reset_after=(0,)), "reset_after: got"),
        (lambda: RoundRobin(batch_sizes={"z": 3}).bind(SOURCES, seed=0), "batch_sizes: got 'z'; known: a, b, c"),
        (lambda: RoundRobin(periods={"task_z": 3}).bind(SOURCES, seed=0), "periods: got 'task_z'; did you mean"),
        (lambda: RoundRobin(first=(("x",),)).bind(SOURCES, seed=0), "first: got 'x'"),
    ):
        with pytest.raises(ConfigError, match=said):
            made()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_an_error(value):
    schedule = RoundRobin().bind(SOURCES, seed=0)
    with pytest.raises(ConfigError, match=r"step 3: m of task_a on task_a/val: got (nan|inf); want a finite number"):
        schedule.observe(report(3, task_a=value))


def test_an_unknown_task_and_another_role_are_errors():
    schedule = RoundRobin().bind(SOURCES, seed=0)
    with pytest.raises(ConfigError, match="got a result of 'task_z'; did you mean 'task_"):
        schedule.observe(report(task_z=3.0))
    with pytest.raises(ConfigError, match="got a report of role 'test'; want 'val'"):
        schedule.observe(report(role="test", task_a=3.0))


def test_a_damaged_state_is_an_error():
    schedule = RoundRobin().bind(SOURCES, seed=0)
    whole = schedule.state_dict()
    for changed in ({"tasks": {}}, {"joined": None}, {"tasks": {name: {"best": 1} for name in schedule.names}}):
        with pytest.raises(CheckpointError, match="got a checkpoint with"):
            RoundRobin().bind(SOURCES, seed=0).load_state_dict(whole | changed)
