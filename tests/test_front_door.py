"""The front door: what `import motet` offers, and what a run says of parts of the wrong kind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_runs import images_run, write_image
from torch import nn
from torch.utils.data import TensorDataset
from toys import ToyConfig, ToyReader, label_task, toy_run

import motet
from motet.cli.main import main
from motet.core import ConfigError
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.training.config import TrainConfig
from motet.training.run import Run


def test_import_brings_nothing_heavy() -> None:
    script = "import sys, motet; print([m for m in ('torch', 'numpy', 'PIL', 'transformers') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_name_is_there_and_no_other_is_shown() -> None:
    assert dir(motet) == sorted(motet.__all__)
    for name in motet.__all__:
        assert getattr(motet, name)
    for leaked in ("Any", "TYPE_CHECKING", "annotations", "importlib"):
        assert not hasattr(motet, leaked)


def test_an_unknown_name_is_an_attribute_error_with_those_that_are_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'laod'; it has Run, Source"):
        motet.laod  # noqa: B018


def test_a_run_is_trained_evaluated_loaded_and_compared(tmp_path: Path) -> None:
    for name, grey in (("dark", 20), ("light", 200)):
        for index in range(3):
            write_image(tmp_path / "kinds" / name / f"{index}.jpg", grey + index)
    run = images_run(tmp_path)
    report = motet.train(run, tmp_path / "runs" / "one", show=False)
    assert report.step == run.train.steps
    assert (tmp_path / "runs" / "one" / "report.html").is_file()
    assert (tmp_path / "runs" / "one" / f"step-{report.step:06d}" / "README.md").is_file()
    again = motet.evaluate(tmp_path / "runs" / "one", run.of_role("val"))
    assert again.main("kind").value == report.main("kind").value
    predictor = motet.load(tmp_path / "runs" / "one")
    assert predictor("kind", image=tmp_path / "kinds" / "dark" / "0.jpg") is not None
    with pytest.raises(ConfigError):  # one task alone is no multi-task run
        motet.compare(tmp_path / "runs")


WRONG_READERS = [
    ("data/pets", r"got the text 'data/pets'; want a reader, such as motet.data.readers.ImageFolder\('data/pets'\)"),
    (TensorDataset(torch.zeros(3)), "got a TensorDataset; want an object with __len__, keys"),
    ({"a": 1}, "got a dict; want an object with __len__, keys"),
    (ToyReader, "got the class ToyReader; want an object"),
]


@pytest.mark.parametrize(("reader", "message"), WRONG_READERS, ids=lambda value: str(value)[:20])
def test_a_reader_of_another_kind_is_named_with_what_to_do(reader: object, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"Source 'x': reader: {message}"):
        Source(name="x", reader=reader, tasks=(label_task("a"),))  # type: ignore[arg-type]


@pytest.mark.parametrize("tasks", [label_task("a"), ("a",)], ids=["a task", "a name"])
def test_tasks_of_another_kind_are_named_with_what_to_do(tasks: object) -> None:
    with pytest.raises(ConfigError, match="Source 'x': tasks: got .*; want"):
        Source(name="x", reader=ToyReader("x", 3), tasks=tasks)  # type: ignore[arg-type]


WRONG_PARTS = {
    "sources": [
        ("a source", "Run.sources: got the text 'a source'"),
        (("x",), "Run.sources: got the text 'x' among them"),
    ],
    "system": [
        (nn.Linear(2, 2), "Run.system: got a Linear, a built model; want the configuration"),
        (ToyConfig, "Run.system: got the class ToyConfig itself"),
        ("unit", "Run.system: got the text 'unit'"),
    ],
    "schedule": [(Mixed, None), ("mixed", "Run.schedule: got the text 'mixed'")],
    "train": [(100, r"Run.train: got a int; want TrainConfig\(steps=...\)")],
}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [(field, value, message) for field, cases in WRONG_PARTS.items() for value, message in cases if message],
    ids=lambda value: str(value)[:24],
)
def test_a_part_of_a_run_of_another_kind_is_named_with_what_to_do(field: str, value: object, message: str) -> None:
    run = toy_run()
    with pytest.raises(ConfigError, match=message):
        replace(run, **{field: value})


def test_one_source_alone_is_told_to_stand_in_a_tuple() -> None:
    source = Source(name="x", reader=ToyReader("x", 3), tasks=(label_task("a"),))
    with pytest.raises(ConfigError, match=r"Run.sources: got a Source; want a tuple of Source: sources=\(source,\)"):
        Run(system=ToyConfig(), sources=source, schedule=Mixed(batch_size=2), train=TrainConfig(steps=1))  # type: ignore[arg-type]


def test_an_error_of_ones_own_recipe_names_its_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    recipe = tmp_path / "own_recipe_with_a_fault.py"
    recipe.write_text("from motet import Run\n\n\ndef run() -> Run:\n    return {}['tasks']\n")
    with pytest.raises(SystemExit) as left:
        main(["plan", str(recipe)])
    error = capsys.readouterr().err
    assert left.value.code == 2
    assert f"{recipe}, line 5: got KeyError: 'tasks'" in error
    assert "fault of motet's" not in error


def test_an_argument_that_motet_does_not_take_names_ones_own_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    recipe = tmp_path / "own_recipe_with_another_fault.py"
    recipe.write_text(
        "from motet import Run, TrainConfig\n\n\ndef run() -> Run:\n    return TrainConfig(steps=3, epochs=1)\n"
    )
    with pytest.raises(SystemExit):
        main(["plan", str(recipe)])
    assert f"{recipe}, line 5: got TypeError" in capsys.readouterr().err
