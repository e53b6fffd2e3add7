"""A run that ends with its best weights: kept, found again, restored, and compared over tasks of different scales."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toys import ToyReader, toy_sources, toy_system

from motet.core import CheckpointError, ConfigError, Report, Result, System
from motet.core.model_folder import read_weights, steps_in
from motet.data.mixture import Mixture
from motet.data.sampling_rates import EqualRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.training.best_weights import FOLDER, BestWeights, is_better
from motet.training.checkpoint import tensors_equal
from motet.training.config import TrainConfig
from motet.training.fit import fit


def mixture(sources: tuple[Source, ...]) -> Mixture:
    return Mixture(sources, Mixed(rates=EqualRates(), batch_size=16).bind(sources, seed=1), seed=1)


def held_out(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    return tuple(replace(s, name=f"{s.name}/val", reader=ToyReader("val", 20), role="val") for s in sources)


def report(step: int = 1, *, higher: bool = True, **values: float) -> Report:
    results = tuple(
        Result(task=task, source="s", metric="m", value=value, unit="%", higher_is_better=higher, count=9)
        for task, value in values.items()
    )
    return Report(step=step, results=results)


class Course:
    """Evaluates each step with a given score, and keeps a copy of the weights that it was given."""

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores, self.weights = scores, dict[int, Any]()

    def __call__(self, system: System, sources: Sequence[Source], *, step: int, **others: Any) -> Report:
        self.weights[step] = {name: value.clone() for name, value in system.state_dict().items()}
        results = tuple(
            Result(task=task.name, source=source.name, metric="accuracy", value=self.scores[step], unit="%",
                   higher_is_better=True, count=9)
            for source in sources
            for task in source.tasks
        )  # fmt: skip
        return Report(step=step, results=results)


PLAN = TrainConfig(steps=20, lr=0.05, evaluate_every=5, save_every=5, final_weights="best")


@pytest.mark.parametrize(("scores", "best"), [
    ({0: 10, 5: 40, 10: 60, 15: 30, 20: 50}, 10),
    ({0: 70, 5: 40, 10: 60, 15: 30, 20: 50}, 0),  # training harmed: it ends with what it began with
    ({0: 70, 5: 70, 10: 70, 15: 70, 20: 70}, 0),  # of equal ones the earliest
])  # fmt: skip
def test_a_run_ends_with_its_best_weights(tmp_path: Path, scores: dict[int, float], best: int) -> None:
    sources, course = toy_sources(50), Course(scores)
    system = toy_system(sources)
    before = {name: value.clone() for name, value in system.state_dict().items()}
    found = fit(
        system, mixture(sources), PLAN, held_out=held_out(sources), folder=tmp_path, evaluator=course, show=False
    )
    assert list(course.weights) == [0, 5, 10, 15, 20]
    assert tensors_equal(course.weights[0], before)
    assert not tensors_equal(course.weights[20], course.weights[best])
    assert tensors_equal(system.state_dict(), course.weights[best])
    assert steps_in(tmp_path) == (20,)
    assert tensors_equal(read_weights(tmp_path), course.weights[best])
    assert found.results[0].value == scores[best]
    assert f"ends with the weights of step {best}, which scored best on the val sources" in found.notes
    assert not (tmp_path / FOLDER).exists()
    again = fit(
        toy_system(sources), mixture(sources), PLAN, held_out=held_out(sources), folder=tmp_path, resume=True,
        evaluator=Course(scores), show=False,
    )  # fmt: skip
    assert any(f"weights of step {best}" in note for note in again.notes)


def test_the_last_weights_are_kept_by_default_and_where_they_are_best(tmp_path: Path) -> None:
    sources, scores = toy_sources(50), {0: 0.0, 5: 6.0, 10: 3.0, 15: 3.0, 20: 10.0}
    for name, plan in (("last", replace(PLAN, final_weights="last")), ("best", PLAN)):
        system, course = toy_system(sources), Course(scores)
        found = fit(
            system, mixture(sources), plan, held_out=held_out(sources), folder=tmp_path / name, evaluator=course,
            show=False,
        )  # fmt: skip
        assert (0 in course.weights) is (name == "best")
        assert tensors_equal(system.state_dict(), course.weights[20])
        assert not found.notes


def test_a_stopped_run_finds_its_best_weights_again(tmp_path: Path) -> None:
    sources = toy_sources(50)
    scores = {0: 10.0, 5: 80.0, 10: 60.0, 15: 30.0, 20: 50.0}

    def course(stop_at: int) -> Course:
        found = Course(scores)
        call = found.__call__

        class Stopping(Course):
            def __call__(self, *given: Any, step: int, **others: Any) -> Report:
                if step == stop_at:
                    raise KeyboardInterrupt
                return call(*given, step=step, **others)

        stopping = Stopping(scores)
        stopping.weights = found.weights
        return stopping

    given: dict[str, Any] = {"held_out": held_out(sources), "folder": tmp_path, "show": False, "resume": True}
    first = course(15)
    with pytest.raises(KeyboardInterrupt):
        fit(toy_system(sources), mixture(sources), PLAN, evaluator=first, **given)
    system, second = toy_system(sources), course(99)
    fit(system, mixture(sources), PLAN, evaluator=second, **given)
    assert list(second.weights) == [15, 20]
    assert tensors_equal(system.state_dict(), first.weights[5])
    steps = [json.loads(line).get("step") for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert 0 in steps  # the curve begins with the evaluation before the first step


@pytest.mark.parametrize(("new", "old", "better"), [
    (report(a=50.0, b=9.0), report(a=60.0, b=3.0), True),  # relative to each task's own scale
    (report(a=60.0, b=3.0), report(a=50.0, b=9.0), False),
    (report(a=0.1), report(a=0.0), True),
    (report(a=0.0), report(a=0.0), False),
    (report(a=2.0, higher=False), report(a=3.0, higher=False), True),
    (report(a=3.0, higher=False), report(a=float("inf"), higher=False), True),
    (report(a=float("nan")), report(a=3.0), False),
    (report(a=float("nan")), report(a=float("nan")), False),
    (report(a=float("nan"), higher=False), report(a=3.0, higher=False), False),
    (report(c=99.0), report(a=3.0), False),  # nothing to compare
])  # fmt: skip
def test_the_better_of_two_evaluations(new: Report, old: Report, better: bool) -> None:
    assert is_better(new, old) is better


def test_a_gain_of_one_row_in_few_is_chance_and_in_many_it_counts() -> None:
    def right(rows: int, of: int) -> Report:
        one = replace(report(a=100 * rows / of).results[0], count=of)
        return Report(results=(one,))

    assert not is_better(right(9, 14), right(8, 14))
    assert is_better(right(11, 14), right(8, 14))
    assert is_better(right(900, 1000), right(890, 1000))


def test_an_earlier_evaluation_that_is_repeated_changes_nothing(tmp_path: Path) -> None:
    system = toy_system(toy_sources(50))
    best = BestWeights(tmp_path)
    best.consider(report(step=5, a=1.0), system)
    best.consider(report(step=3, a=2.0), system)
    kept = BestWeights(tmp_path).report
    assert kept is not None
    assert kept.step == 5


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "report.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"best.report\.json: got .*; want the report that the run wrote"):
        BestWeights(tmp_path)


def test_another_choice_of_weights_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"TrainConfig.final_weights: got 'first'; want 'last' or 'best'"):
        TrainConfig(steps=1, final_weights="first")  # type: ignore[arg-type]
