"""A system that predicts the content of the image file, so that every number can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from motet.core import (
    Batch,
    ClassPrediction,
    DataError,
    Example,
    Label,
    Losses,
    MemoryImage,
    System,
    Target,
    Task,
    TextPrediction,
)


@dataclass(frozen=True)
class ToyReader:
    """Rows whose image file holds the prediction of the toy system."""

    rows: tuple[Example, ...]
    broken: int = -1

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.rows[index].image_ids

    def __getitem__(self, index: int) -> Example:
        if index == self.broken:
            raise DataError("image: got nothing; want an image", path="toy.txt", row=index)
        return self.rows[index]


def row(number: int, content: str, *, image: str | None = None, text: str = "", **labels: Any) -> Example:
    """One row."""
    key = image or f"image{number}"
    file = MemoryImage(key, content.encode())
    return Example(id=f"toy/{number}", images=(file,), image_ids=(key,), text=text, labels=labels)


class ToyProcessor:
    """The bytes of the image file as numbers."""

    def row(self, example: Example, tasks: Any, rng: np.random.Generator | None) -> Any:
        assert rng is None
        return example, tuple(tasks)

    def collate(self, rows: Any, *, keep_annotations: bool) -> Batch:
        assert keep_annotations
        contents = [row.images[0].read() for row, _ in rows]
        bytes_ = torch.tensor([list(text.ljust(64)) for text in contents])
        targets = {}
        for task in {task.name: task for _, tasks in rows for task in tasks}.values():
            places = [place for place, (row, _) in enumerate(rows) if task.label in row.labels]
            annotation = tuple(task.annotation_of(rows[place][0]) for place in places)
            targets[task.name] = Target(torch.tensor(places, dtype=torch.long), None, annotation)
        firsts = [[text[0] - 95.0 if text else 0.0, 1.0, 0.0] for text in contents]
        pixels = torch.tensor(firsts)[:, :, None, None].expand(-1, -1, 2, 2)
        return Batch(tuple(row.id for row, _ in rows), {"bytes": bytes_, "pixels": pixels}, targets)


class ToySystem(System):
    """Predicts the content of the image file: a class of a `Label`, or else a text."""

    mixes: ClassVar[bool] = True

    def __init__(self, *tasks: Task, many: bool = False) -> None:
        super().__init__()
        self.tasks = {task.name: task for task in tasks}
        self.processor = ToyProcessor()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.inside = torch.nn.Dropout()
        self.calls: list[int] = []
        self.encoded = 0
        if many:
            self.tasks_per_row = "many"

    def losses(self, batch: Batch) -> Losses:
        raise NotImplementedError

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        self.encoded += len(pixels)
        return pixels.flatten(2).transpose(1, 2)

    def encoder_key(self) -> str | None:
        return "toy"

    def shared_blocks(self) -> dict[str, list[torch.nn.Parameter]]:
        return {"all": [self.weight]}

    def predict(self, batch: Batch) -> dict[str, list[Any]]:
        assert not self.training
        assert not self.inside.training
        assert not torch.is_grad_enabled()
        self.calls.append(len(batch))
        texts = [bytes(line).decode().strip() for line in batch.inputs["bytes"].tolist()]
        return {name: [self._say(name, texts[place]) for place in t.rows.tolist()] for name, t in batch.targets.items()}

    def _say(self, name: str, text: str) -> Any:
        target = self.tasks[name].target
        if isinstance(target, Label) and text in target.names:
            return ClassPrediction(target.names.index(text))
        return TextPrediction(text)


@pytest.fixture
def toy():
    """The toys by name."""
    return {"row": row, "reader": ToyReader, "system": ToySystem, "processor": ToyProcessor, "replace": replace}
