"""Training on toys: that it learns, evaluates, logs, saves, and says clearly why it cannot go on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import ToyJudge, ToyReader, label_task, toy_sources, toy_system

from motet.core import CheckpointError, ConfigError, DataError, Losses
from motet.core.model_folder import read_weights, steps_in
from motet.data.mixture import Mixture
from motet.data.sampling_rates import EqualRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.training.checkpoint import tensors_equal
from motet.training.config import TrainConfig
from motet.training.errors import TrainingError
from motet.training.fit import fit


def mixture(sources: tuple[Source, ...], batch_size: int = 16, **options: bool) -> Mixture:
    spec = Mixed(rates=EqualRates(), batch_size=batch_size, **options)
    return Mixture(sources, spec.bind(sources, seed=1), seed=1)


def held_out(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    return tuple(
        Source(name=f"{s.name}/val", reader=ToyReader(f"{s.name}-val", 60), tasks=s.tasks, role="val") for s in sources
    )


def test_a_run_learns_and_writes_log_and_checkpoint(tmp_path: Path) -> None:
    sources = toy_sources(50, 30)
    system, evaluator = toy_system(sources), ToyJudge()
    plan = TrainConfig(steps=60, lr=0.05, evaluate_every=20, save_every=25, keep_checkpoints=2)
    report = fit(
        system, mixture(sources), plan, held_out=held_out(sources), folder=tmp_path, evaluator=evaluator, show=False
    )
    assert min(result.value for result in report.results) > 75
    assert sum(report.samples_seen.values()) == 60 * 16
    assert report.step == 60
    assert [step for step, _ in evaluator.asked] == [20, 40, 60]
    assert steps_in(tmp_path) == (50, 60)
    assert tensors_equal(read_weights(tmp_path), system.state_dict())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 61))
    assert steps[-1]["loss"]["task_a"] < steps[0]["loss"]["task_a"]
    assert steps[0]["rows"].keys() <= {"a", "b"}
    assert sum(steps[0]["rows"].values()) == 16
    assert [line["step"] for line in lines if "results" in line] == [20, 40, 60]
    assert any((tmp_path / "tensorboard").iterdir())


def test_the_rate_advances_once_a_step(tmp_path: Path) -> None:
    sources = toy_sources(50)
    plan = TrainConfig(steps=10)
    fit(toy_system(sources), mixture(sources), plan, folder=tmp_path, show=False)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["lr"] for line in lines] == [plan.lr * plan.lr_schedule.factor(step, 10) for step in range(10)]


def test_the_callers_generator_is_left_alone(tmp_path: Path) -> None:
    sources = toy_sources(50)
    system = toy_system(sources)
    torch.manual_seed(3)
    want = torch.rand(3)
    torch.manual_seed(3)
    fit(system, mixture(sources), TrainConfig(steps=3), folder=tmp_path, show=False)
    assert torch.equal(torch.rand(3), want)


def test_a_system_that_cannot_mix_is_not_given_a_mixed_batch(tmp_path: Path) -> None:
    sources = toy_sources(50, 50)
    system = toy_system(sources, mixes=False)
    with pytest.raises(ConfigError, match=r"got a batch of a, b; want batches of one source.*whole_batches=True"):
        fit(system, mixture(sources), TrainConfig(steps=3), folder=tmp_path / "no", show=False)
    fit(system, mixture(sources, whole_batches=True), TrainConfig(steps=3), folder=tmp_path / "yes", show=False)


def test_a_loss_that_is_no_number_names_task_and_step_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    sources = toy_sources(50, 50)
    system = toy_system(sources)
    honest, calls = system.losses, []

    def losses(batch: object) -> Losses:
        calls.append(batch)
        found = honest(batch)
        if len(calls) > 5:
            found.tasks["task_b"].total.mul_(float("nan"))
        return found

    system.losses = losses
    with pytest.raises(TrainingError, match=r"step 6: the loss of task 'task_b': got nan; want a finite number"):
        fit(system, mixture(sources), TrainConfig(steps=9, save_every=4), folder=tmp_path, show=False)
    assert steps_in(tmp_path) == (4,)
    assert all(tensor.isfinite().all() for tensor in read_weights(tmp_path).values())


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_no_memory_says_what_to_lower(tmp_path: Path, error: Exception) -> None:
    sources = toy_sources(50)
    system = toy_system(sources)

    def losses(batch: object) -> Losses:
        raise error

    system.losses = losses
    with pytest.raises(TrainingError, match=r"step 1: out of memory on cpu: got 16 rows at once; want fewer: lower"):
        fit(system, mixture(sources), TrainConfig(steps=2), folder=tmp_path, show=False)


def test_another_runtime_error_is_left_as_it_is(tmp_path: Path) -> None:
    sources = toy_sources(50)
    system = toy_system(sources)

    def losses(batch: object) -> Losses:
        raise RuntimeError("shapes differ")

    system.losses = losses
    with pytest.raises(RuntimeError, match=r"^shapes differ$"):
        fit(system, mixture(sources), TrainConfig(steps=2), folder=tmp_path, show=False)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_row_stops_the_run_or_is_skipped_and_counted(tmp_path: Path, workers: int) -> None:
    reader = ToyReader("a", 40, bad=frozenset({3, 17}))
    sources = (Source(name="a", reader=reader, tasks=(label_task("task_a"),)),)
    plan = TrainConfig(steps=5, workers=workers)
    with pytest.raises(DataError, match=r"^x: got nothing; want numbers \(a.csv, row (3|17)\)$"):
        fit(toy_system(sources), mixture(sources), plan, folder=tmp_path / "stop", show=False)
    skip = TrainConfig(steps=5, workers=workers, on_bad_row="skip")
    report = fit(toy_system(sources), mixture(sources), skip, folder=tmp_path / "skip", show=False)
    assert report.notes == ("4 bad rows skipped, others drawn",)


def test_a_folder_with_checkpoints_is_not_trained_over(tmp_path: Path) -> None:
    sources = toy_sources(50)
    fit(toy_system(sources), mixture(sources), TrainConfig(steps=2), folder=tmp_path, show=False)
    with pytest.raises(CheckpointError, match="got checkpoints in it; want an empty folder, or --resume"):
        fit(toy_system(sources), mixture(sources), TrainConfig(steps=2), folder=tmp_path, show=False)


@pytest.mark.parametrize(
    "changes", [{"keep_checkpoints": 2}, {"save_every": 3}, {"micro_batches": 2}, {"on_bad_row": "skip"}], ids=str
)
def test_a_resumed_run_may_change_what_does_not_change_its_result(tmp_path: Path, changes: dict[str, Any]) -> None:
    sources = toy_sources(20)
    config = TrainConfig(steps=4)
    fit(toy_system(sources), mixture(sources), config, folder=tmp_path, show=False)
    again = replace(config, **changes)
    report = fit(toy_system(sources), mixture(sources), again, folder=tmp_path, resume=True, show=False)
    assert report.step == 4
    with pytest.raises(CheckpointError, match="lr"):
        fit(toy_system(sources), mixture(sources), replace(config, lr=0.5), folder=tmp_path, resume=True, show=False)


def test_held_out_sources_are_for_choices_only(tmp_path: Path) -> None:
    sources = toy_sources(50)
    test = Source(name="t", reader=ToyReader("t", 5), tasks=sources[0].tasks, role="test")
    with pytest.raises(ConfigError, match="source 't': got role 'test'; want 'val'"):
        fit(toy_system(sources), mixture(sources), TrainConfig(steps=2), held_out=(test,), folder=tmp_path)


def test_a_run_of_no_steps_keeps_the_weights_that_it_evaluated(tmp_path: Path) -> None:
    sources = toy_sources(50)
    system = toy_system(sources)
    before = {name: value.clone() for name, value in system.state_dict().items()}
    for _ in range(2):  # the second finds it finished
        report = fit(
            system, mixture(sources), TrainConfig(steps=0), held_out=held_out(sources), folder=tmp_path, resume=True,
            evaluator=ToyJudge(), show=False,
        )  # fmt: skip
        assert report.results
        assert steps_in(tmp_path) == (0,)
        assert tensors_equal(read_weights(tmp_path), before)
