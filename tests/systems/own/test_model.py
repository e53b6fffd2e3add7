"""A multi-task module of one's own as a system: trained, saved, loaded, compared and analysed as any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from own_modules import SHADE, Multi, Squares, letters
from torch import Tensor, nn
from torch.nn import functional as F

import motet
from motet.analysis.interference_measurement import InterferenceSettings
from motet.core import (
    Batch,
    CheckpointError,
    ClassPrediction,
    ConfigError,
    DataError,
    Example,
    Prediction,
    ScalarPrediction,
    Score,
    Task,
    Text,
    TextPrediction,
    UnsupportedTask,
)
from motet.core.model_folder import model_folder
from motet.experiments.interference import measure
from motet.experiments.single_task import single_task
from motet.metrics import Accuracy
from motet.systems.own.config import OwnModelConfig, wrap_model
from motet.systems.own.model import OwnModel
from motet.tasks import classification, detection, question_answering

BRIGHT = classification("bright", ("no", "yes"), label="bright")
ASKED = question_answering("asked", answers=("yes", "no"))
LEVEL = Task(name="level", inputs=frozenset({"image"}), label="level", target=Score(0.0, 1.0), metrics=(Accuracy,))
WORDS = Task(name="words", inputs=frozenset({"image"}), label="captions", target=Text(5), metrics=(Accuracy,))


def system(*tasks: Task, model: Any = Multi, **options: Any) -> OwnModel:
    config = wrap_model(model, size=8, **options)
    built = config.build(tasks, texts=lambda: ())
    assert isinstance(built, OwnModel)
    return built


def batch(built: OwnModel, *tasks_of_rows: Task, keep: bool = False) -> Batch:
    """One row per task given."""
    rows = [built.processor.row(Squares(0, 9)[place], (task,), None) for place, task in enumerate(tasks_of_rows)]
    return built.processor.collate(rows, keep_annotations=keep)


def test_targets_are_over_the_whole_batch_and_a_missing_one_is_no_class() -> None:
    seen: list[Mapping[str, Any]] = []

    class Watch(Multi):
        def forward(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> dict[str, Any]:
            seen.append(targets)
            return super().forward(inputs, targets)

    built = system(SHADE, BRIGHT, model=Watch({"shade": SHADE, "bright": BRIGHT}))
    built.losses(batch(built, SHADE, BRIGHT, SHADE, BRIGHT, SHADE))
    assert {name: value.tolist() for name, value in seen[0].items()} == {
        "shade": [0, -100, 2, -100, 1],
        "bright": [-100, 0, -100, 0, -100],
    }
    built.predict(batch(built, SHADE))
    assert seen[1] == {"shade": None}


def test_a_loss_of_its_own_and_the_usual_one_are_sums_over_the_rows_of_the_task() -> None:
    built = system(SHADE, BRIGHT, own_loss="shade")
    rows = batch(built, SHADE, BRIGHT, SHADE, SHADE, BRIGHT)
    losses = built.losses(rows).tasks
    module = built.module
    assert isinstance(module, Multi)
    outputs = module(dict(rows.inputs), {"shade": None, "bright": None})["outputs"]
    own = F.cross_entropy(outputs["shade"][[0, 2, 3]], torch.tensor([0, 2, 0]), reduction="sum")
    usual = F.cross_entropy(outputs["bright"][[1, 4]], torch.tensor([0, 0]), reduction="sum")
    assert torch.allclose(losses["shade"].total, own)
    assert torch.allclose(losses["bright"].total, usual)
    assert [float(losses[name].weight) for name in ("shade", "bright")] == [3.0, 2.0]


class Fixed(nn.Module):
    """Returns what it was told to."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.found = (found,)

    def forward(self, inputs: Any, targets: Any) -> Any:
        return self.found[0]


def test_losses_per_row_count_the_rows_of_the_task() -> None:
    found = {"losses": {"shade": torch.tensor([1.0, 50.0, 2.0])}}
    built = system(SHADE, BRIGHT, model=Fixed({**found, "outputs": {"bright": torch.zeros(3, 2)}}))
    losses = built.losses(batch(built, SHADE, BRIGHT, SHADE)).tasks["shade"]
    assert (float(losses.total), float(losses.weight)) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("task", "output", "expected"),
    [
        (SHADE, torch.tensor([[0.0, 2.0, 1.0]]), ClassPrediction(1, "grey", (0.0, 2.0, 1.0))),
        (ASKED, torch.tensor([[1.0, 0.0]]), ClassPrediction(0, "yes", (1.0, 0.0))),
        (LEVEL, torch.tensor([0.25]), ScalarPrediction(0.25)),
        (WORDS, ["a word"], TextPrediction("a word")),
    ],
    ids=["class", "answer", "number", "text"],
)
def test_outputs_become_predictions_in_the_task_s_own_space(task: Task, output: Any, expected: Prediction) -> None:
    built = system(task, model=Fixed({"outputs": {task.name: output}}), tokenize=letters)
    assert built.predict(batch(built, task))[task.name] == [expected]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (torch.zeros(1, 3), r'forward: got a Tensor; want \{"outputs"'),
        ({"shade": torch.zeros(1, 3)}, r"forward: got the keys \['shade'\]; want"),
        ({"outputs": {}}, r"outputs: got \[\]; want task 'shade' among them"),
        ({"outputs": {"shade": torch.zeros(1, 4)}}, r"task 'shade': got a tensor \(1, 4\); want a tensor \(b, 3\)"),
        ({"losses": {"shade": torch.zeros(5)}}, r"losses: task 'shade': got a tensor \(5,\); want a mean \(\)"),
    ],
    ids=["a tensor", "other keys", "no output", "other shape", "other loss"],
)
def test_a_forward_that_returns_something_else_is_named(found: Any, message: str) -> None:
    built = system(SHADE, model=Fixed(found))
    with pytest.raises(ConfigError, match=message):
        built.losses(batch(built, SHADE))


def test_what_such_a_module_cannot_have_is_refused_when_it_is_built() -> None:
    with pytest.raises(UnsupportedTask, match="a module of your own answers Label"):
        system(detection("boxes", ("a",)))
    with pytest.raises(ConfigError, match="tokenize: got none with task 'asked', which reads texts"):
        system(ASKED)
    with pytest.raises(ConfigError, match="tokenize: got a builtin_function_or_method; want a function"):
        wrap_model(Multi, tokenize=len)  # type: ignore[arg-type]
    words = system(WORDS, model=Fixed({"outputs": {}}))
    with pytest.raises(ConfigError, match="got none for task 'words'; a Text has no usual loss"):
        words.losses(batch(words, WORDS))


def test_texts_come_as_tokens_padded_with_zero() -> None:
    built = system(ASKED, SHADE, tokenize=letters, max_tokens=4)
    tokens = batch(built, ASKED, SHADE).inputs["tokens"]
    assert tokens.tolist() == [letters("is i"), [0] * 4]
    zero = system(ASKED, tokenize=own_zero)
    with pytest.raises(ConfigError, match="got 0 among the ids; want numbers above 0"):
        batch(zero, ASKED)


def own_zero(text: str) -> list[int]:
    """Token ids that clash with the padding."""
    return [0 for _ in text]


def test_a_missing_annotation_is_found_in_evaluation() -> None:
    built = system(SHADE)
    row = built.processor.row(Example(id="x", images=Squares(0, 1)[0].images, image_ids=("x",)), (SHADE,), None)
    with pytest.raises(DataError, match="got no annotation; want one in every row that is evaluated"):
        built.processor.collate([row], keep_annotations=True)


def test_shared_blocks_are_the_children_without_a_task_s_name_or_those_given() -> None:
    built = system(SHADE, BRIGHT)
    assert list(built.shared_blocks()) == ["trunk", "letters"]
    assert list(system(SHADE, BRIGHT, shared=("trunk",)).shared_blocks()) == ["trunk"]
    with pytest.raises(
        ConfigError, match=r"shared: got \['body'\]; want children of it: \['heads', 'letters', 'trunk'\]"
    ):
        system(SHADE, shared=("body",)).shared_blocks()


def run(config: OwnModelConfig, steps: int = 60) -> motet.Run:
    sources = tuple(
        motet.Source(name=f"{task.name}/{role}", reader=Squares(first, count), tasks=(task,), role=role)
        for task in (SHADE, BRIGHT)
        for role, first, count in (("train", 0, 120), ("test", 120, 60))  # type: ignore[misc]
    )
    return motet.Run(config, sources, train=motet.TrainConfig(steps=steps, lr=1e-2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "multi"
    report = motet.train(run(wrap_model(Multi, size=8, own_loss="shade")), folder, show=False)
    assert report.main("bright").value > 90
    assert report.main("shade").value > 80
    return folder


def test_a_named_one_is_loaded_by_trust_alone(trained: Path) -> None:
    image = Squares(2, 1)[0].images[0].read()
    assert motet.load(trained, trust=("own_modules",))("bright", image=image).name == "yes"
    with pytest.raises(CheckpointError, match=r"--trust .*own_modules"):
        motet.load(trained)


def test_it_is_compared_with_single_task_models_and_measured(trained: Path) -> None:
    whole = run(wrap_model(Multi, size=8, own_loss="shade"))
    for task in whole.tasks:
        motet.train(single_task(whole, task.name), trained.parent / "single" / task.name, show=False)
    comparison = motet.compare(trained, trained.parent / "single")
    assert {pair.task for pair in comparison.pairs} == {"shade", "bright"}
    system = motet.load_system(trained, trust=("own_modules",))
    found, _ = measure(
        system,
        whole.of_role("train"),
        ("shade", "bright"),
        InterferenceSettings(batches=3, batch_size=8),
        model=model_folder(trained),
        folder=trained / "interference",
    )
    assert "trunk" in found.blocks
    assert found.touched("trunk") == ("shade", "bright")


def test_a_built_one_is_handed_in_again(tmp_path: Path) -> None:
    model = Multi({"shade": SHADE, "bright": BRIGHT})
    report = motet.train(run(wrap_model(model, size=8, name="mine"), steps=3), tmp_path / "run", show=False)
    again = motet.evaluate(tmp_path / "run", run(wrap_model(model, size=8)).of_role("test"), parts={"mine": model})
    assert [one.value for one in again.results] == [one.value for one in report.results]
    with pytest.raises(CheckpointError, match=r"got no module 'mine': .* parts=\{'mine': module\}"):
        motet.load(tmp_path / "run")
