"""A system without training that answers every kind of task from the grey of an image and the words of a text."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from motet.core import (
    Answer,
    AttentionMaps,
    Batch,
    Boxes,
    BoxSet,
    ClassPrediction,
    DataError,
    Dense,
    DenseMap,
    Example,
    Label,
    Match,
    MeanMetric,
    Prediction,
    ScalarPrediction,
    Score,
    System,
    Target,
    TargetSpec,
    Task,
    Text,
    TextPrediction,
)
from motet.hub.predict import Predictor
from motet.preprocess.images import decode

TARGETS: dict[str, tuple[str, TargetSpec]] = {
    "bright": ("image", Label(("dark", "bright"))),
    "echo": ("text", Answer()),
    "caption": ("image", Text(10)),
    "things": ("image", Boxes(("cat", "<b>dog</b>"))),
    "depth": ("image", Dense(1, "metre")),
    "grey": ("image", Score(0, 255)),
    "ask": ("image text", Answer()),
    "which": ("image", Match("texts")),
}


class Right(MeanMetric):
    """Never computed here."""

    name = "right"

    def row(self, prediction: Prediction, annotation: Any, target: Any) -> float:
        return 1.0


def toy_task(name: str) -> Task:
    """Returns the task of a name in `TARGETS`."""
    inputs, target = TARGETS[name]
    kinds: Any = frozenset(inputs.split())
    return Task(name=name, inputs=kinds, label="any", target=target, metrics=(Right,))


@dataclass(frozen=True)
class GreyConfig:
    """Configuration of the toy.

    Args:
        shift: added to every grey.
    """

    shift: float = 0.0

    def build(self, tasks: Sequence[Task], *, texts: Callable[[], Any], assets: Any = None) -> Grey:
        return Grey(self, tasks)


@dataclass
class GreyProcessor:
    """A row is its image and text."""

    read: list[str] = field(default_factory=list)

    def row(self, example: Example, tasks: Sequence[Task], rng: Any) -> Any:
        self.read.append(example.id)
        images = [decode(image) for image in example.images]
        if example.text == "refuse":
            raise DataError("text: got 'refuse'; want another")
        return example, images, tasks

    def collate(self, rows: Sequence[Any], *, keep_annotations: bool) -> Batch:
        means = [float(np.mean([np.asarray(one).mean() for one in images] or [0.0])) for _, images, _ in rows]
        targets = {task.name: Target(torch.arange(len(rows)), list(rows)) for task in rows[0][2]}
        return Batch(tuple(row[0].id for row in rows), {"grey": torch.tensor(means)}, targets)


class Grey(System):
    """Answers every task at once.

    Attributes:
        sizes: of the batches, as they came.
        wait: called before each batch.
    """

    def __init__(self, config: GreyConfig, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.config, self.tasks = config, {task.name: task for task in tasks}
        self.processor: Any = GreyProcessor()
        self.bias = nn.Parameter(torch.tensor(config.shift))
        self.sizes: list[int] = []
        self.wait: Callable[[], object] = lambda: None

    def losses(self, batch: Batch) -> Any:
        raise NotImplementedError

    def shared_blocks(self) -> Mapping[str, Any]:
        return {}

    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        self.sizes.append(len(batch))
        self.wait()
        greys = (batch.inputs["grey"] + self.bias).tolist()
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            rows: Any = target.value
            found[name] = [_answer(name, grey, *row) for grey, row in zip(greys, rows, strict=True)]
        return found

    def attention_layers(self, task: str) -> int:
        return int(task == "ask")

    def attention(self, batch: Batch, task: str, layers: Any) -> Sequence[AttentionMaps]:
        boxes = np.array([[0, 0, 8, 8], [0, 0, 4, 8], [4, 0, 8, 8]], dtype=np.float64)
        weights = np.full((1, 1, 2, 3), 1 / 3)
        return [AttentionMaps(("[CLS]", "how"), boxes, weights, np.full((1, 1, 3, 2), 0.5)) for _ in range(len(batch))]


def _answer(name: str, grey: float, example: Example, images: Sequence[Image.Image], tasks: Any) -> Prediction:
    if example.text == "break":
        raise RuntimeError("a bug in a system")
    match name:
        case "bright":
            return ClassPrediction(int(grey > 127), ("dark", "bright")[int(grey > 127)], (127.0 - grey, grey - 127.0))
        case "caption":
            return TextPrediction(f"a grey of {grey:.0f}", -0.5)
        case "things":
            width, height = images[0].size
            corners = np.array([[0.0, 0.0, width / 2, height / 2], [width / 2, 0, width, height]])
            return BoxSet(corners, np.array([0, 1]), np.array([0.9, 0.4]))
        case "depth":
            width, height = images[0].size
            return DenseMap(np.linspace(1, 5, height * width, dtype=np.float32).reshape(height, width))
        case "grey":
            return ScalarPrediction(grey)
        case "which":
            return ClassPrediction(
                0, str(example.candidates[0]), tuple(float(-n) for n in range(len(example.candidates)))
            )
        case _:
            return TextPrediction(f"{example.text}:{len(images)}")


def toy_predictor(*names: str, batch_size: int = 4) -> Predictor:
    """Returns a predictor of the tasks of these names; of all by default."""
    tasks = [toy_task(name) for name in names or TARGETS]
    return Predictor(GreyConfig().build(tasks, texts=tuple), batch_size=batch_size)


def grey_png(value: int = 200, size: tuple[int, int] = (8, 8)) -> bytes:
    """Returns an image of one grey as PNG."""
    file = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(file, format="PNG")
    return file.getvalue()
