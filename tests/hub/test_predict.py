"""A model as a function: every kind of image, one path, one line for what is missing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import motet
from motet.core import (
    Answer,
    Batch,
    CheckpointError,
    ClassPrediction,
    ConfigError,
    DataError,
    DiskImage,
    Label,
    MeanMetric,
    System,
    Target,
    Task,
    TextPrediction,
)
from motet.core.model_folder import write_model
from motet.hub.predict import PredictionInput, Predictor

BRIGHTNESS_NAMES = ("dark", "bright")


class Right(MeanMetric):
    name = "right"

    def row(self, prediction, annotation, target):
        return 1.0


BRIGHT = Task(
    name="bright",
    inputs=frozenset({"image"}),
    label="class",
    target=Label(BRIGHTNESS_NAMES),
    metrics=(Right,),
    prompt="b",
)
ECHO = Task(name="echo", inputs=frozenset({"text"}), label="answers", target=Answer(), metrics=(Right,))
COUNT = Task(name="count", inputs=frozenset({"image", "text"}), label="answers", target=Answer(), metrics=(Right,))


@dataclass(frozen=True)
class MeanConfig:
    bias: float = 0.0

    def build(self, tasks, *, texts, assets=None):
        return Mean(self, tasks)


class MeanProcessor:
    """A row is (mean of the pixels, asked text, number of images); it also notes how it was called."""

    def __init__(self):
        self.calls = []

    def row(self, example, tasks, rng):
        self.calls.append((example.id, rng))
        pixels = [np.asarray(Image.open(io.BytesIO(image.read())).convert("L")) for image in example.images]
        mean = float(np.mean([part.mean() for part in pixels])) if pixels else 0.0
        assert not example.labels
        return example.id, mean, tasks[0], tasks[0].prompt_for(example), len(pixels)

    def collate(self, rows, *, keep_annotations):
        self.asked = [row[3] for row in rows]
        inputs = {"mean": torch.tensor([row[1] for row in rows]), "images": torch.tensor([row[4] for row in rows])}
        return Batch(
            tuple(row[0] for row in rows),
            inputs,
            {rows[0][2].name: Target(torch.arange(len(rows)), torch.zeros(len(rows)))},
        )


class Mean(System):
    def __init__(self, config, tasks):
        super().__init__()
        self.config, self.tasks, self.processor = config, {task.name: task for task in tasks}, MeanProcessor()
        self.bias = nn.Parameter(torch.tensor(config.bias))
        self.batches = []

    def losses(self, batch):
        raise NotImplementedError

    def shared_blocks(self):
        return {}

    def predict(self, batch):
        self.batches.append(len(batch))
        (name,) = batch.targets
        if name == "bright":
            means = batch.inputs["mean"] + self.bias
            return {name: [ClassPrediction(int(mean > 127), BRIGHTNESS_NAMES[int(mean > 127)]) for mean in means]}
        counts = batch.inputs["images"]
        return {
            name: [TextPrediction(f"{text}:{int(n)}") for text, n in zip(self.processor.asked, counts, strict=True)]
        }


@pytest.fixture
def predictor():
    return Predictor(MeanConfig().build([BRIGHT, ECHO, COUNT], texts=tuple), batch_size=2)


def picture(value: int) -> Image.Image:
    return Image.new("RGB", (6, 4), (value, value, value))


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    picture(value).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "bright.png").write_bytes(png(200))
    return tmp_path / "bright.png"


def test_every_kind_of_image_gives_the_same_answer(predictor, file):
    grey = np.full((4, 6), 200, dtype=np.uint8)
    rgb = np.stack([grey] * 3, axis=-1)
    float_image = Image.fromarray(grey.astype(np.float32))
    kinds = [file, str(file), png(200), picture(200), grey, grey[..., None], rgb, DiskImage(file), float_image]
    answers = predictor.batch("bright", [PredictionInput(image=kind) for kind in kinds])
    assert [answer.name for answer in answers] == ["bright"] * len(kinds)
    assert predictor("bright", picture(20)).name == "dark"


def test_arrays_arrive_unchanged(predictor):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    predictor("bright", pixels)
    row = predictor.system.processor.row
    seen = {}
    predictor.system.processor.row = lambda example, tasks, rng: (
        seen.update(image=example.images[0]) or row(example, tasks, rng)
    )
    predictor("bright", pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(seen["image"].read()))), pixels)


def test_text_is_asked_as_the_task_says(predictor):
    assert predictor("echo", text="how?") == TextPrediction("how?:0")
    assert predictor("count", image=[picture(1), picture(2)], text="how many?") == TextPrediction("how many?:2")
    assert predictor("echo", text=["a", "b"]) == TextPrediction("a b:0")


def test_rows_go_in_batches_in_order_without_randomness(predictor):
    answers = predictor.batch("bright", [PredictionInput(image=picture(value)) for value in (0, 255, 0, 255, 255)])
    assert [answer.index for answer in answers] == [0, 1, 0, 1, 1]
    assert predictor.system.batches == [2, 2, 1]
    assert predictor.system.processor.calls == [(f"ask/{index}", None) for index in range(5)]


@pytest.mark.parametrize(
    ("task", "given", "error", "message"),
    [
        ("brigth", {"image": b""}, ConfigError, "got 'brigth'; did you mean 'bright'"),
        ("count", {"image": b""}, ConfigError, "needs a text: got none; want text="),
        ("bright", {}, ConfigError, "needs an image: got none; want image="),
        ("bright", {"image": "no/such.png"}, DataError, "No such file"),
        ("bright", {"image": 3}, DataError, "got a int; want a path"),
        ("bright", {"image": np.zeros((2, 2, 3))}, DataError, "of float64; want"),
        ("bright", {"image": np.zeros((2, 2, 5), dtype=np.uint8)}, DataError, r"got an array \(2, 2, 5\)"),
        ("bright", {"image": np.zeros((0, 2), dtype=np.uint8)}, DataError, r"got an array \(0, 2\)"),
    ],
)
def test_what_is_wrong_is_one_line(predictor, task, given, error, message):
    with pytest.raises(error, match=message) as raised:
        predictor(task, **given)
    assert "\n" not in str(raised.value)


def test_a_bad_row_is_found_before_any_is_answered(predictor):
    with pytest.raises(ConfigError):
        predictor.stream("count", [PredictionInput(image=picture(0), text="x"), PredictionInput(image=picture(0))])
    assert predictor.system.batches == []


def test_load_gives_a_predictor_of_a_saved_folder(tmp_path, file):
    write_model(tmp_path / "model", MeanConfig(bias=-300.0).build([BRIGHT], texts=tuple))
    loaded = motet.load(tmp_path / "model", trust=(__name__,))
    assert list(loaded.tasks) == ["bright"]
    assert not loaded.system.training
    assert loaded("bright", file).name == "dark"


def test_load_of_nothing_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match=r"got no such folder; want the folder of .* or owner/name on the Hub$"):
        motet.load(tmp_path / "not there")
