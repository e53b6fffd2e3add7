"""Every group alone, every two and three, each task on the same rows; and what their reports say."""

import dataclasses

import pytest
from toys import ToyConfig, ToyReader, label_task

from motet.analysis.groups import suggest
from motet.core import ConfigError, Report, Result
from motet.data.drawn_batches import DrawnBatches
from motet.data.mixture import Mixture
from motet.data.round_robin import RoundRobin
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.stop_and_go import StopAndGo
from motet.experiments.group_grid import changes_of, group_study, groups_of
from motet.experiments.study import FinishedCell, table
from motet.experiments.study_grid import run_study
from motet.report.pages.groups import groups_to_json, table_rows, write_groups
from motet.training.config import TrainConfig
from motet.training.run import Run

ROWS = {"a": 40, "b": 15, "c": 24, "d": 9}
GROUPS = {"first": ("task_a", "task_b"), "second": ("task_c",), "third": ("task_d",)}


def run_of_four(schedule=None, **changes) -> Run:
    sources = tuple(
        Source(
            name=letter if role == "train" else f"{letter}/{role}",
            reader=ToyReader(f"{letter}-{role}", rows if role == "train" else 10),
            tasks=(dataclasses.replace(label_task(f"task_{letter}"), category="x" if letter in "ab" else ""),),
            role=role,
        )
        for role in ("train", "val", "test")
        for letter, rows in ROWS.items()
    )
    plain = {
        "system": ToyConfig(),
        "schedule": schedule or Mixed(batch_size=16),
        "train": TrainConfig(steps=20, lr=0.05),
    }
    return Run(**{"sources": sources, **plain, **changes})


def rows_of(run: Run) -> dict[str, list[int]]:
    """By source the rows that are taken, in order."""
    train = run.of_role("train")
    mixture = Mixture(train, run.schedule.bind(train, seed=run.train.seed), run.train.seed)
    taken, found = dict(mixture.consumed), {source.name: [] for source in train}
    for index in range(run.train.steps):
        planned = mixture.plan(index, rank=0, world=1, consumed=taken)
        taken = dict(planned.consumed)
        for batch in planned.batches:
            for row in batch:
                found[row.source].append(row.index)
    return found


def test_groups_are_categories_or_those_that_are_named() -> None:
    run = run_of_four()
    assert groups_of(run) == {"x": ("task_a", "task_b"), "task_c": ("task_c",), "task_d": ("task_d",)}
    named = {"one": ["task_d"], "two": ["task_a", "task_c"]}
    assert groups_of(run, named) == {"one": ("task_d",), "two": ("task_a", "task_c")}
    assert groups_of(run, named, one_each=True) == {"one": ("task_d",), "two": ("task_a",)}
    assert groups_of(run, named, representatives={"two": "task_c"}) == {"one": ("task_d",), "two": ("task_c",)}
    assert groups_of(run, named, representatives={"two": "task_c"}, one_each=True)["two"] == ("task_c",)


@pytest.mark.parametrize(
    ("named", "chosen", "said"),
    [
        ({"one": ["task_a"]}, {}, "got 1 (one); want two or more"),
        ({"one": ["task_a"], "two": ["task_x"]}, {}, "got 'task_x', which is no task of the run; did you mean"),
        ({"one": ["task_a"], "two": ["task_a"]}, {}, "got 'task_a', which is in 'one'; want every task once"),
        ({"one": ["task_a"], "two": []}, {}, "group 'two': got no task"),
        ({"one": ["task_a"], "t+o": ["task_b"]}, {}, "group 't+o': got that name"),
        ({}, {"y": "task_a"}, "got no group 'y'"),
        ({}, {"x": "task_c"}, "got no task of the group; did you mean"),
    ],
)
def test_groups_that_cannot_be_are_refused(named, chosen, said) -> None:
    with pytest.raises(ConfigError) as raised:
        groups_of(run_of_four(), named, representatives=chosen)
    assert said in str(raised.value)


SCHEDULES = [
    Mixed(batch_size=16),
    Mixed(batch_size=8, whole_batches=True),
    Mixed(batch_size=8, whole_batches=True, round_robin=True),
    DrawnBatches(batch_size=8, batch_sizes={"a": 2, "c": 3}),
    DrawnBatches(batches=4, batch_size=2, batch_sizes={"d": 3}),
    RoundRobin(batch_size=4, batch_sizes={"b": 2, "d": 3}, periods={"task_a": 3}),
    RoundRobin(batch_size=4, stop=StopAndGo(), first=(("task_a", "task_c"), ("task_b",))),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_task_sees_the_same_rows_in_every_run(schedule) -> None:
    whole = run_of_four(schedule)
    alone = group_study(whole, GROUPS, triples=True).cells
    assert list(alone) == ["first", "second", "third", *(f"{a}+{b}" for a, b in PAIRS), "first+second+third"]
    expected = rows_of(whole)
    for cell, run in alone.items():
        names = [letter for group in cell.split("+") for task in GROUPS[group] for letter in task[-1]]
        found = rows_of(run)
        assert list(found) == sorted(names)
        if not getattr(schedule, "first", ()):
            assert found == {name: expected[name] for name in sorted(names)}
        train = run.of_role("train")
        bound = run.schedule.bind(train, seed=0)
        batches = [batch for i in range(run.train.steps) for batches in bound.step(i, 1).batches for batch in batches]
        if schedule != SCHEDULES[0]:
            assert all(len(batch) == 1 for batch in batches)
        if isinstance(schedule, RoundRobin):
            assert run.train == whole.train


PAIRS = (("first", "second"), ("first", "third"), ("second", "third"))


def test_a_grouping_is_chosen_on_val_unless_test_is_asked_for() -> None:
    run = run_of_four()
    assert {source.role for cell in group_study(run, GROUPS).cells.values() for source in cell.sources} == {
        "train",
        "val",
    }
    assert any(source.role == "test" for source in group_study(run, GROUPS, role="test").cells["first"].sources)
    without = dataclasses.replace(run, sources=tuple(s for s in run.sources if s.name != "c/val"))
    with pytest.raises(ConfigError, match="group 'second': task 'task_c': got no source of role 'val'"):
        group_study(without, GROUPS)


def report(step=20, **values: float) -> Report:
    """Main results; the value of task_d is an error, better when lower."""
    results = tuple(
        Result(
            task=f"task_{letter}", source=f"{letter}/val", metric="m", value=value, unit="%",
            higher_is_better=letter != "d", count=10,
        )
        for letter, value in values.items()
    )  # fmt: skip
    return Report(step=step, results=results)


def done(cell: str, seed: int, **values: float) -> FinishedCell:
    return FinishedCell(cell=cell, seed=seed, digest="", report=report(**values))


def test_changes_are_relative_right_way_up_and_paired_by_seed() -> None:
    made = [
        done("first", 0, a=50, b=20), done("first", 1, a=40, b=20),
        done("third", 0, d=10), done("third", 1, d=20),
        done("first+third", 0, a=60, b=18, d=12), done("first+third", 1, a=40, b=21, d=10),
        FinishedCell(cell="second", seed=0, digest="", error="it broke"), done("first+second", 0, a=1, b=1, c=1),
    ]  # fmt: skip
    found = changes_of(made, GROUPS)
    # The mean over tasks: (+20 % - 10 %) / 2 and (0 + 5 %) / 2.
    assert found.of("first", ("third",)).by_seed == pytest.approx({0: 5.0, 1: 2.5})
    # An error that grows is worse.
    assert found.of("third", ("first",)).by_seed == pytest.approx({0: -20.0, 1: 50.0})
    assert found.of("second", ("first",)) is None
    # Nothing alone to compare the second with, but the first is there.
    assert found.of("first", ("second",)).by_seed == pytest.approx({0: (-98 - 95) / 2})
    head, rows = table_rows(found, 2)
    assert head == ("trained with one other group", "first", "second", "third", "(mean)")
    assert rows[0][:4] == ("first", "", "-96.50", "+3.75 ± 1.77")
    assert rows[1] == ("second", "", "", "", "")
    assert table_rows(found, 3)[1][0] == ("first", "")


def test_a_score_of_nothing_alone_has_no_relative_change() -> None:
    made = [done("first", 0, a=0, b=20), done("third", 0, d=5), done("first+third", 0, a=1, b=20, d=5)]
    found = changes_of(made, GROUPS)
    assert found.of("first", ("third",)) is None
    assert found.of("third", ("first",)).by_seed == {0: 0.0}


def test_a_report_without_a_task_is_an_error() -> None:
    with pytest.raises(ConfigError, match="want 'task_b'"):
        changes_of([done("first", 0, a=1), done("third", 0, d=5), done("first+third", 0, a=1, b=1, d=1)], GROUPS)


def test_an_analysis_that_was_stopped_goes_on_and_more_can_be_asked_of_it(tmp_path) -> None:
    run = run_of_four()
    ran = []

    def analyse(study, stop_after=99):
        def execute(cell, where):
            if len(ran) == stop_after:
                raise KeyboardInterrupt
            names = [task.name[-1] for task in cell.tasks]
            ran.append("".join(names))
            values = {name: 50.0 + len(names) * (1 + cell.train.seed) for name in names}
            return report(step=cell.train.steps, **values)

        made = run_study(study, tmp_path, train_run=execute, log=str)
        return changes_of(made, GROUPS)

    pairs = group_study(run, GROUPS, seeds=(0, 1))
    with pytest.raises(KeyboardInterrupt):
        analyse(pairs, stop_after=5)
    found = analyse(pairs)
    assert len(ran) == 2 * (3 + 3)
    assert found.of("second", ("third",)).by_seed == pytest.approx({0: 100 / 51, 1: 200 / 52})
    assert analyse(pairs) == found
    assert len(ran) == 12
    more = group_study(run, GROUPS, seeds=(0, 1), triples=True)
    assert analyse(more).of("third", ("first", "second")).by_seed.keys() == {0, 1}
    assert ran[12:] == ["abcd", "abcd"]
    files = write_groups(
        tmp_path, analyse(more), GROUPS, role="val", seeds=len(more.seeds), scores=table(more, tmp_path)
    )
    assert [path.name for path in files] == ["groups.md", "groups.json", "groups.png"]
    page = files[0].read_text()
    assert "| trained with one other group | first | second | third | (mean) |" in page
    assert "| first+second+third |" in page
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_json_has_every_seed_every_average_and_the_reasons() -> None:
    made = [done("second", 0, c=50), done("third", 0, d=10), done("second+third", 0, c=55, d=11)]
    groups = {name: GROUPS[name] for name in ("second", "third")}
    found = changes_of(made, groups)
    told = groups_to_json(found, suggest(found), groups, role="test")
    assert told["changes"][0] == {
        "group": "second",
        "with": ["third"],
        "mean": pytest.approx(10),
        "spread": None,
        "by_seed": {"0": pytest.approx(10)},
    }
    assert {(one["group"], one["with"]) for one in told["averages"]} == {
        ("second", "(mean)"), ("third", "(mean)"), ("(mean)", "second"), ("(mean)", "third"),
    }  # fmt: skip
    assert told["suggested"] == [["second"], ["third"]]
    assert told["role"] == "test"
