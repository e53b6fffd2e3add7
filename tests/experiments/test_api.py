"""The calls of a user: a run gets its page and card once it is finished; folders are found; modules are named."""

import dataclasses
from pathlib import Path

import pytest
from toys import ToyReader, toy_run

from motet.core import CheckpointError, ConfigError
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.experiments import api
from motet.experiments.api import compare, modules_of, run_folders, train
from motet.tasks import classification
from motet.training.config import TrainConfig


def test_a_finished_run_has_a_page_and_a_card(tmp_path: Path) -> None:
    report = train(toy_run(), tmp_path / "run", device="cpu", show=False, origin={"recipe": "toy"})
    assert (report.role, report.step) == ("test", 30)
    assert (tmp_path / "run/report.html").is_file()
    assert "task_a" in (tmp_path / "run/step-000030/README.md").read_text()
    assert '"recipe": "toy"' in (tmp_path / "run/run.json").read_text()


def test_a_stopped_run_has_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = dataclasses.replace(train(toy_run(), tmp_path / "whole", device="cpu", show=False), step=3)
    monkeypatch.setattr(api, "run_training", lambda *_, **__: stopped)
    assert train(toy_run(), tmp_path / "run").step == 3
    assert not (tmp_path / "run").exists()


def test_a_system_and_its_folder_are_evaluated_alike(tmp_path: Path) -> None:
    run = toy_run()
    train(run, tmp_path, device="cpu", show=False)
    found = api.evaluate(tmp_path, run.of_role("val"), trust=modules_of(run), predictions=tmp_path / "lines.jsonl")
    assert found.role == "val"
    assert len((tmp_path / "lines.jsonl").read_text().splitlines()) == 20
    mixed = api.evaluate(tmp_path, (*run.of_role("val"), *run.of_role("test")), trust=modules_of(run))
    assert mixed.role == "test"
    assert all(result.low is not None for result in mixed.results if result.main)


def test_run_folders_are_found_here_or_one_below_and_once(tmp_path: Path) -> None:
    for name in ("b", "a", "other"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        (tmp_path / name / "run.json").write_text("{}")
    assert run_folders([tmp_path]) == [tmp_path / "a", tmp_path / "b"]
    assert run_folders([tmp_path / "b", tmp_path]) == [tmp_path / "b", tmp_path / "a"]
    with pytest.raises(CheckpointError, match=r"other: got no run.json here or one folder below; want a run folder"):
        run_folders([tmp_path / "other"])


def test_single_runs_alone_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"got no run\.json"):
        compare(tmp_path)


def test_modules_outside_motet_are_named_once_each() -> None:
    assert "toys" in " ".join(modules_of(toy_run()))
    assert len(set(modules_of(toy_run()))) == len(modules_of(toy_run()))
    task = classification("kind", "ab")
    source = Source(name="a", reader=ToyReader("a", 3), tasks=(task,))
    run = toy_run(sources=(source,), schedule=Mixed(batch_size=2), train=TrainConfig(steps=1))
    assert modules_of(run) == modules_of(toy_run())[-1:] or all("motet" not in name for name in modules_of(run))


def test_a_run_that_cannot_be_is_refused_before_its_folder_is_made(tmp_path: Path) -> None:
    run = toy_run()
    with pytest.raises(ConfigError):
        train(dataclasses.replace(run, sources=()), tmp_path / "run")
    assert not (tmp_path / "run").exists()
