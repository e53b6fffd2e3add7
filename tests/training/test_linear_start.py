"""Linear heads start as the linear probe of the training rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from coloured_squares import TASKS, TWO_CHANNELS, Squares, reading
from PIL import Image
from torch import nn

from motet.core import Example, Label, Task
from motet.data.readers import ImageFolder
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.evaluation import evaluate
from motet.evaluation.trivial import linear_probe
from motet.evaluation.trivial.constant_answers import score
from motet.evaluation.trivial.linear_maps import LinearMapProbe
from motet.evaluation.trivial.linear_probe import LinearProbe
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.tower import Frozen
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder import LiTDecoderConfig, ScoredClasses
from motet.tasks import classification
from motet.training import linear_start
from motet.training.config import TrainConfig
from motet.training.linear_start import start_linear_heads, start_linear_maps
from motet.training.run import Run
from motet.training.run_training import run_training

NAMES = ("a", "b", "c")
KIND = Task(name="kind", inputs=frozenset({"image"}), label="class", target=Label(NAMES), metrics=(Accuracy,))


class Vectors:
    """Stands in for `PretrainedFeatures`: a row's vector follows from its class, the ones of a row from its id."""

    has_images, has_texts = True, False

    def __init__(self, system: Any, batch_size: int) -> None:
        pass

    def of_images(self, task: Task, examples: Any) -> np.ndarray:
        del task
        return np.stack([vector(example) for example in examples])


def vector(example: Example) -> np.ndarray:
    noise = np.random.default_rng(int(example.id)).normal(size=4)
    noise[int(example.labels["class"])] += 4
    return noise


class Rows:
    """Rows of two of three classes."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: int) -> Example:
        return Example(id=str(index), images=(object(),), image_ids=(str(index),), labels={"class": index % 2})  # type: ignore[arg-type]

    def keys(self, index: int) -> tuple[str, ...]:
        return (str(index),)


class OneHead(nn.Module):
    """The part of a system that is read."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.tasks, self.processor = {"kind": KIND}, None

    def linear_heads(self) -> dict[str, nn.Linear]:
        return {"kind": self.head}


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_start, "PretrainedFeatures", Vectors)


SOURCES = (Source(name="rows", reader=Rows(), tasks=(KIND,)),)  # type: ignore[arg-type]


def scores_of(system: OneHead) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = system.head(torch.tensor(np.stack([vector(Rows()[i]) for i in range(60)])).float()).numpy()
    return found


@pytest.mark.usefixtures("vectors")
def test_a_head_predicts_what_the_probe_does_and_a_class_without_rows_last() -> None:
    system: Any = OneHead()
    (line,) = start_linear_heads(system, SOURCES, seed=0)
    assert line.startswith("linear head of kind: starts as the linear probe of kind: logistic regression on 4 features")
    rows = [(Rows()[i], i % 2) for i in range(60)]
    probe = LinearProbe.fit(Vectors(None, 1), KIND, rows, seed=0)  # type: ignore[arg-type]
    assert probe is not None
    expected = probe.model.scores(np.stack([vector(example) for example, _ in rows]))
    np.testing.assert_allclose(scores_of(system)[:, :2], expected, rtol=1e-4, atol=1e-4)
    assert (scores_of(system).argmin(1) == 2).all()


@pytest.mark.usefixtures("vectors")
def test_a_head_that_is_no_longer_zero_stays_as_it_is() -> None:
    system: Any = OneHead()
    nn.init.ones_(system.head.weight)
    assert start_linear_heads(system, SOURCES, seed=0) == ()
    assert bool((system.head.weight == 1).all())


@pytest.mark.usefixtures("vectors")
def test_the_scores_of_a_ridge_regression_become_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.evaluation.trivial.linear_probe._MAX_LOGISTIC", 0)
    system: Any = OneHead()
    (line,) = start_linear_heads(system, SOURCES, seed=0)
    assert "ridge" in line
    found = torch.tensor(scores_of(system)).log_softmax(-1)
    sure = found[torch.arange(60), torch.arange(60) % 2].exp().mean()
    assert float(sure) > 0.8  # scores from 0 to 1 alone would be at most e / (e + 1) = 0.73


@pytest.mark.usefixtures("vectors")
def test_a_head_of_texts_starts_at_zero_without_a_pretrained_encoder_of_texts() -> None:
    system: Any = OneHead()
    system.tasks = {"kind": replace(KIND, inputs=frozenset({"text"}))}
    assert start_linear_heads(system, SOURCES, seed=0) == ()
    assert not bool(system.head.weight.any())


@pytest.mark.usefixtures("vectors")
def test_stored_features_let_the_probe_have_all_rows_that_take_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (linear_start, linear_probe):
        monkeypatch.setattr(module, "MAX_ROWS", 20)
    monkeypatch.setattr(linear_probe, "_MAX_PRODUCTS", 50 * 4**2)  # rows of 4 features
    for stored, count in (((), 20), (("text",), 20), (("image",), 50)):
        system: Any = OneHead()
        (line,) = start_linear_heads(system, SOURCES, seed=0, stored=stored)
        kind = "logistic" if count == 20 else "ridge"  # in closed form
        assert f"{kind} regression on 4 features (mean image features) of {count} training rows" in line
        assert (scores_of(system)[:, :2].argmax(1) == np.arange(60) % 2).mean() > 0.9


def test_a_run_begins_at_the_score_of_its_linear_probe(tmp_path: Path) -> None:
    for part, count in (("train", 24), ("test", 12)):
        for name, colour in (("red", (200, 40, 40)), ("green", (40, 200, 40)), ("blue", (40, 40, 200))):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(count // 3):
                shade = tuple(side + 5 * index for side in colour)
                Image.new("RGB", (16, 16), shade).save(tmp_path / part / name / f"{index}.png")
    rows = {part: ImageFolder(tmp_path / part) for part in ("train", "test")}
    colour_of = classification("colour", rows["train"].names)
    run = Run(
        system=LiTDecoderConfig(
            encoder=PlainViT(size=16, patch=8, width=16, depth=1, heads=2),
            mode=Frozen(),
            depth=1,
            width=16,
            heads=1,
            tokenizer=TrainedTokenizer(size=300),
            classes=ScoredClasses(),
        ),
        sources=(
            Source(name="colour", reader=rows["train"], tasks=(colour_of,)),
            Source(name="colour/test", reader=rows["test"], tasks=(colour_of,), role="test"),
        ),
        schedule=Mixed(batch_size=4),
        train=TrainConfig(steps=0),
    )
    report = run_training(run, tmp_path / "run", show=False)
    assert report.main("colour").value == report.trivial_baselines["colour"]["linear probe"] == 100
    assert report.trivial_baselines["colour"]["majority"] < 50
    assert "linear head of colour: starts as the linear probe" in (tmp_path / "run/log.jsonl").read_text()


@pytest.mark.parametrize("task", [*TASKS.values(), TWO_CHANNELS], ids=lambda task: f"{task.name}{task.target.channels}")
def test_maps_begin_at_the_score_of_their_linear_probe(task: Task) -> None:
    torch.manual_seed(0)
    system = reading(task).eval()
    train = Source(name="squares", reader=Squares(16), tasks=(task,))
    test = Source(name="squares/test", reader=Squares(4, 1), tasks=(task,), role="test")
    (line,) = start_linear_maps(system, (train,), seed=0)
    assert line.startswith(f"linear map of {task.name}: starts as the linear probe of {task.name}: ")
    known, rows = ([(one, task.annotation_of(one)) for one in map(of.__getitem__, range(len(of)))]
                   for of in (Squares(16), Squares(4, 1)))  # fmt: skip
    probe = LinearMapProbe.fit(system, task, known, seed=0)
    assert probe is not None
    expected = score(task, rows, probe.predict([example for example, _ in rows]))
    found = evaluate(system, (test,), batch_size=4, role="test").main(task.name).value
    assert found == pytest.approx(expected, rel=1e-3)
    weights = system.linear_maps()[task.name].weight.clone()
    assert start_linear_maps(system, (train,), seed=1) == ()  # it is no longer 0
    assert torch.equal(weights, system.linear_maps()[task.name].weight)
