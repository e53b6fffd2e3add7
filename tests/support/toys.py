"""A linear system and a reader of made-up rows, small enough to train in a process that is killed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from motet.core import (
    Batch,
    ClassPrediction,
    DataError,
    Example,
    FeatureStore,
    ImageFile,
    Label,
    Loss,
    Losses,
    MeanMetric,
    MemoryImage,
    Prediction,
    Report,
    Result,
    System,
    Target,
    Task,
    UnsupportedTask,
    rng_for,
)
from motet.data.schedules import Mixed
from motet.data.source import Role, Source
from motet.training.config import TrainConfig
from motet.training.run import Run

WIDTH = 4


class Right(MeanMetric):
    """How often the class was right."""

    name = "accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: Any) -> float:
        return float(isinstance(prediction, ClassPrediction) and prediction.index == annotation)


def label_task(name: str, *, invariant: frozenset[Any] = frozenset()) -> Task:
    """Which of three classes."""
    target = Label(("red", "green", "blue"))
    return Task(
        name=name, inputs=frozenset({"image"}), label="class", target=target, metrics=(Right,), invariant=invariant
    )


@dataclass(frozen=True)
class ToyReader:
    """Rows of random numbers whose class is the place of the largest of the first three."""

    name: str
    rows: int
    rows_per_image: int = 1
    bad: frozenset[int] = frozenset()
    images: str = ""

    def __len__(self) -> int:
        return self.rows

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"{self.images or self.name}/{index // self.rows_per_image}",)

    def __getitem__(self, index: int) -> Example:
        if index in self.bad:
            raise DataError("x: got nothing; want numbers", path=f"{self.name}.csv", row=index)
        x = rng_for("toy", self.name, index).normal(size=WIDTH).astype(np.float32)
        image = MemoryImage(f"{self.name}/{index}.raw", x.tobytes())
        return Example(
            id=f"{self.name}/{index}",
            images=(image,),
            image_ids=self.keys(index),
            text=f"what is {index}",
            labels={"class": int(x[:3].argmax()), "answers": ("red", "red", "blue"), "captions": (f"row {index}",)},
        )


@dataclass(frozen=True)
class ToyProcessor:
    """The image's bytes are its numbers; training adds a little noise."""

    store: FeatureStore | None = None
    noise: float = 0.1

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Any:
        if self.store is not None:
            x = self.store.read(example.images[0], tasks[0].invariant, rng).astype(np.float32)
        else:
            x = self.view(example.images[0], 0)
        if rng is not None:
            x = x + self.noise * rng.normal(size=x.shape).astype(np.float32)
        return example.id, x, {task.name: task.annotation_of(example) for task in tasks}

    def collate(self, rows: Sequence[Any], *, keep_annotations: bool) -> Batch:
        names = {name: None for _, _, annotations in rows for name in annotations}
        targets = {}
        for name in names:
            places = [place for place, (_, _, truths) in enumerate(rows) if name in truths]
            annotation = tuple(rows[place][2][name] for place in places)
            targets[name] = Target(
                torch.tensor(places), torch.tensor(annotation), annotation if keep_annotations else ()
            )
        inputs = {"pixels" if self.store is None else "features": torch.from_numpy(np.stack([row[1] for row in rows]))}
        return Batch(tuple(row[0] for row in rows), inputs, targets)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """View 1 is turned round, view 2 is cut at the end; (3, 1, 4)."""
        x = np.frombuffer(image.read(), dtype=np.float32)
        if index == 1:
            x = x[::-1]
        if index == 2:
            x = np.concatenate([x[:-1], np.zeros(1, np.float32)])
        return np.tile(x, (3, 1, 1)).astype(np.float32)

    def view_changes(self, index: int) -> frozenset[Any]:
        return (frozenset(), frozenset({"hflip"}), frozenset({"crop"}))[index]

    def view_key(self) -> str:
        return "toy view"

    def with_features(self, store: FeatureStore | None) -> Self:
        return type(self)(store, self.noise)


@dataclass(frozen=True)
class ToyConfig:
    """Two linear layers."""

    dropout: float = 0.2
    width: int = 8
    mixes: bool = True
    seed: int = 0

    def build(
        self,
        tasks: Sequence[Task],
        *,
        texts: Callable[[], Iterable[str]],
        assets: Mapping[str, bytes] | None = None,
    ) -> System:
        words = dict(assets or {}).get("words.txt") or " ".join(sorted(set(" ".join(texts()).split()))).encode()
        return (ToySystem if self.mixes else OneTaskToySystem)(self, tasks, words)


class ToySystem(System):
    """A trunk and a head a task."""

    mixes: ClassVar[bool] = True

    def __init__(self, config: ToyConfig, tasks: Sequence[Task], words: bytes) -> None:
        super().__init__()
        self.config, self.processor, self.words = config, ToyProcessor(), words
        self.tasks = {task.name: task for task in tasks}
        generator = torch.Generator().manual_seed(config.seed)
        self.trunk = nn.Linear(WIDTH, config.width)
        self.heads = nn.ModuleDict()
        for task in tasks:
            match task.target:
                case Label(names):
                    self.heads[task.name] = nn.Linear(config.width, len(names))
                case other:
                    raise UnsupportedTask(f"toy: task {task.name!r}: got {type(other).__name__}; want Label")
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("encoder", torch.eye(WIDTH) * 2)
        self.encoded = 0
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)

    def encode(self, pixels: Tensor) -> Tensor:
        self.encoded += len(pixels)
        encoder = self.get_buffer("encoder")
        return pixels[:, :1, 0, :] @ encoder  # (b, 1, 4)

    def encoder_key(self) -> str:
        return hashlib.blake2b(self.get_buffer("encoder").numpy().tobytes(), digest_size=8).hexdigest()

    def logits(self, batch: Batch, name: str) -> Tensor:
        features = batch.inputs["features"] if "features" in batch.inputs else self.encode(batch.inputs["pixels"])
        hidden = torch.tanh(self.trunk(features[batch.targets[name].rows, 0]))
        logits: Tensor = self.heads[name](self.dropout(hidden))
        return logits

    def losses(self, batch: Batch) -> Losses:
        losses = {}
        for name, target in batch.targets.items():
            total = nn.functional.cross_entropy(self.logits(batch, name), target.value, reduction="sum")
            losses[name] = Loss(total, torch.tensor(float(len(target.rows))))
        return Losses(losses, {"trunk_norm": self.trunk.weight.norm()})

    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        with torch.no_grad():
            return {
                name: [ClassPrediction(int(i)) for i in self.logits(batch, name).argmax(-1)] for name in batch.targets
            }

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        named = [(name, p) for name, p in self.named_parameters() if p.requires_grad]
        return [
            {"name": "kernels", "params": [p for _, p in named if p.ndim > 1], "lr_scale": 1.0, "decay": True},
            {"name": "others", "params": [p for _, p in named if p.ndim <= 1], "lr_scale": 0.5, "decay": False},
        ]

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"trunk": list(self.trunk.parameters())}

    def assets(self) -> Mapping[str, bytes]:
        return {"words.txt": self.words}


class OneTaskToySystem(ToySystem):
    """The same, but a batch must be of one source."""

    mixes: ClassVar[bool] = False


@dataclass
class ToyJudge:
    """Evaluates without a loader, and keeps what it was asked."""

    asked: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def __call__(
        self, system: System, sources: Sequence[Source], *, batch_size: int, step: int, workers: int = 0
    ) -> Report:
        results = []
        self.asked.append((step, tuple(task.name for source in sources for task in source.tasks)))
        for source in sources:
            rows = [system.processor.row(source.reader[i], source.tasks, None) for i in range(len(source.reader))]
            batch = system.processor.collate(rows, keep_annotations=True)
            predictions = system.predict(batch)
            for task in source.tasks:
                target = batch.targets[task.name]
                right = [
                    isinstance(p, ClassPrediction) and p.index == t
                    for p, t in zip(predictions[task.name], target.annotations, strict=True)
                ]
                value = 100 * sum(right) / len(right)
                results.append(
                    Result(
                        task=task.name,
                        source=source.name,
                        metric="accuracy",
                        value=value,
                        unit="%",
                        higher_is_better=True,
                        count=len(right),
                    )
                )
        return Report(step=step, role=sources[0].role, results=tuple(results))


def toy_sources(*rows: int, by: Literal["image", "row"] = "image") -> tuple[Source, ...]:
    """Training sources "a", "b", ... with one task each, of so many rows."""
    letters = "abcdefgh"
    return tuple(
        Source(name=letter, reader=ToyReader(letter, count), tasks=(label_task(f"task_{letter}"),), sample_by=by)
        for letter, count in zip(letters, rows, strict=False)
    )


def toy_system(sources: Sequence[Source], **options: Any) -> ToySystem:
    """A system for the sources' tasks."""
    tasks = tuple(dict.fromkeys(task for source in sources for task in source.tasks))
    system = ToyConfig(**options).build(tasks, texts=lambda: ("red", "green"))
    assert isinstance(system, ToySystem)
    return system


def toy_run(**changes: Any) -> Run:
    """Two tasks, thirty steps, sources of every role."""
    sizes_of: dict[Role, tuple[int, int]] = {"train": (40, 15), "val": (10, 10), "test": (15, 15)}
    sources = [
        Source(
            name=letter if role == "train" else f"{letter}/{role}",
            reader=ToyReader(f"{letter}-{role}", rows),
            tasks=(label_task(f"task_{letter}"),),
            role=role,
        )
        for role, sizes in sizes_of.items()
        for letter, rows in zip("ab", sizes, strict=True)
    ]
    plain: dict[str, Any] = {
        "system": ToyConfig(),
        "sources": tuple(sources),
        "schedule": Mixed(batch_size=16),
        "train": TrainConfig(steps=30, lr=0.05, evaluate_every=10),
    }
    return Run(**plain | changes)
