"""Prediction with trained systems: from the name of a task and raw inputs to a prediction."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from motet.core import (
    Answer,
    AttentionMaps,
    Batch,
    ClassPrediction,
    ConfigError,
    DataError,
    DiskImage,
    Example,
    ImageFile,
    Label,
    Match,
    MemoryImage,
    Prediction,
    System,
    Task,
    nearest,
)
from motet.hub import from_pretrained
from motet.hub.many import ExampleRows, RowPredictions, predict_rows

if TYPE_CHECKING:
    from PIL.Image import Image

    ImageInput: TypeAlias = str | Path | bytes | Image | np.ndarray | ImageFile
else:
    ImageInput: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class PredictionInput:
    """The inputs of one row.

    Args:
        image: a path, encoded bytes, a PIL image, an array (h, w), (h, w, 1) or (h, w, 3) of uint8, or several of them
            for a task on pairs of images or frames.
        text: the question or sentence.
        candidates: of a matching task; a task that matches images takes the images themselves by default.
    """

    image: ImageInput | Sequence[ImageInput] | None = None
    text: str | Sequence[str] | None = None
    candidates: tuple[Any, ...] = ()


class Predictor:
    """Predicts one row or many with a system, by the same path as in training: Example, Processor, System.

    Args:
        system: any system; it is put in eval mode.
        device: that it runs on; its own device by default.
        batch_size: rows per forward pass.
    """

    def __init__(self, system: System, *, device: torch.device | str | None = None, batch_size: int = 32) -> None:
        if batch_size < 1:
            raise ConfigError(f"Predictor.batch_size: got {batch_size}; want at least 1")
        self.system = system.eval() if device is None else system.to(device).eval()
        self.batch_size = batch_size

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks that can be predicted, by name."""
        return self.system.tasks

    def __call__(
        self,
        task: str,
        image: ImageInput | Sequence[ImageInput] | None = None,
        text: str | Sequence[str] | None = None,
        *,
        candidates: tuple[Any, ...] = (),
    ) -> Prediction:
        """Returns the prediction for one row.

        Args:
            task: its name.
            image: see `PredictionInput`.
            text: see `PredictionInput`.
            candidates: see `PredictionInput`.

        Raises:
            ConfigError: an unknown task (with the nearest name), or a row without an input that the task needs.
            DataError: an image that cannot be read.
        """
        return self.batch(task, [PredictionInput(image=image, text=text, candidates=candidates)])[0]

    def batch(self, task: str, inputs: Sequence[PredictionInput]) -> list[Prediction]:
        """Returns the predictions for many rows, in their order."""
        return list(self.stream(task, inputs))

    def stream(self, task: str, inputs: Sequence[PredictionInput]) -> Iterator[Prediction]:
        """Yields the predictions for many rows, in their order; all rows are checked before the first prediction."""
        known = self._task(task)
        examples = [_example((known,), one, index) for index, one in enumerate(inputs)]
        return itertools.chain.from_iterable(
            self._predict(known, examples[start : start + self.batch_size])
            for start in range(0, len(examples), self.batch_size)
        )

    def many(
        self,
        tasks: str | Sequence[str],
        rows: Sequence[PredictionInput] | ExampleRows,
        *,
        workers: int = 0,
        first: int = 0,
    ) -> Iterator[RowPredictions]:
        """Yields the predictions of many rows for several tasks: every row is read and encoded once, for all tasks.

        A row that cannot be read or lacks an input yields its error as one line, and costs no other row.

        Args:
            tasks: the name of a task, or several.
            rows: inputs, a reader of a data set, or Examples.
            workers: processes that read and encode rows while the system predicts; 0 for none.
            first: the row to begin with, such as the first one that an earlier call did not reach.

        Raises:
            ConfigError: an unknown task, with the nearest name.

        Examples:
            >>> from motet.hub.predict import PredictionInput
            >>> inputs = [PredictionInput(image=path) for path in ("a.jpg", "b.jpg")]
            >>> [row.predictions for row in predictor.many(["caption", "count"], inputs)]  # doctest: +SKIP
        """
        names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
        if not names:
            raise ConfigError("tasks: got none; want at least one")
        known = tuple(self._task(name) for name in names)
        read = _InputRows(known, rows)
        return predict_rows(
            self._predictions, self.system.processor, known, read, batch_size=self.batch_size, workers=workers,
            first=first,
        )  # fmt: skip

    @torch.inference_mode()
    def attention(
        self, task: str, image: ImageInput | None = None, text: str | Sequence[str] | None = None
    ) -> AttentionMaps:
        """Returns the attention between the words and the regions of one row, of the system's last layer.

        Args:
            task: its name.
            image: see `PredictionInput`.
            text: see `PredictionInput`.

        Raises:
            ConfigError: an unknown task, one whose system returns no attention, or a missing input.
        """
        known = self._task(task)
        example = _example((known,), PredictionInput(image=image, text=text), 0)
        processor, last = self.system.processor, self.system.attention_layers(task) - 1
        batch = processor.collate([processor.row(example, (known,), None)], keep_annotations=False)
        (maps,) = self.system.attention(batch.to(_device(self.system)), task, [last])
        return maps

    def _predict(self, task: Task, examples: Sequence[Example]) -> Sequence[Prediction]:
        processor = self.system.processor
        rows = [processor.row(example, (task,), None) for example in examples]
        return self._predictions(processor.collate(rows, keep_annotations=False))[task.name]

    @torch.inference_mode()
    def _predictions(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        found = self.system.predict(batch.to(_device(self.system)))
        return {name: [_ranked(one, self.tasks[name]) for one in rows] for name, rows in found.items()}

    def _task(self, name: str) -> Task:
        if name not in self.system.tasks:
            raise ConfigError(f"task: got {name!r}; {nearest(name, self.system.tasks)}")
        return self.system.tasks[name]


def load(
    name: str | Path,
    *,
    tasks: Sequence[Task] | None = None,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
    device: torch.device | str | None = None,
    batch_size: int = 32,
) -> Predictor:
    """Loads a trained model for prediction.

    Args:
        name: a run folder, a saved model folder, or a name on the Hub.
        tasks: in place of the saved tasks, see `motet.hub.load_system`.
        trust: your own packages or modules whose tasks, metrics and systems may be imported.
        parts: by name the built modules that it was trained with, see `motet.wrap`.
        device: that it runs on; the CPU by default.
        batch_size: rows per forward pass.

    Raises:
        CheckpointError: there is no such model, or it is damaged.
    """
    return Predictor(from_pretrained(name, tasks=tasks, trust=trust, parts=parts), device=device, batch_size=batch_size)


def _ranked(prediction: Prediction, task: Task) -> Prediction:
    """Returns a class with the probabilities of the most likely ones; any other prediction as it is."""
    if isinstance(prediction, ClassPrediction) and isinstance(task.target, Label | Answer):
        return prediction.ranked(task.target.names)
    return prediction


@dataclass(frozen=True)
class _InputRows:
    """Rows as Examples: each input becomes one when it is read."""

    tasks: tuple[Task, ...]
    rows: Sequence[PredictionInput] | ExampleRows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        one = self.rows[index]
        return _example(self.tasks, one, index) if isinstance(one, PredictionInput) else one


def _example(tasks: Sequence[Task], inputs: PredictionInput, index: int) -> Example:
    """Returns the row as a reader of a data set would."""
    raw = _images(inputs.image)
    for task in tasks:
        if task.inputs & {"image", "regions", "video"} and not raw:
            raise ConfigError(f"task {task.name!r} needs an image: got none; want image=...")
        if "text" in task.inputs and inputs.text is None:
            raise ConfigError(f"task {task.name!r} needs a text: got none; want text=...")
    images = tuple(_image_file(image, f"image {place}") for place, image in enumerate(raw))
    text = inputs.text if isinstance(inputs.text, str) else tuple(inputs.text or ("",))
    # The ids seed sampled decoding, so another prefix would change what a saved model generates.
    ids = tuple(f"ask/{index}/{place}" for place in range(len(images)))
    among_images = any(isinstance(task.target, Match) and task.target.among == "images" for task in tasks)
    image_candidates = ids if among_images else ()
    return Example(
        id=f"ask/{index}",
        images=images,
        image_ids=ids,
        text=text[0] if isinstance(text, tuple) and len(text) == 1 else text,
        candidates=inputs.candidates or image_candidates,
    )


def _images(image: ImageInput | Sequence[ImageInput] | None) -> tuple[ImageInput, ...]:
    if image is None:
        return ()
    if isinstance(image, Sequence) and not isinstance(image, str | bytes):
        return tuple(image)
    return (image,)


def _image_file(image: ImageInput, name: str) -> ImageFile:
    from PIL.Image import Image

    match image:
        case str() | Path():
            return DiskImage(Path(image))
        case bytes() | bytearray():
            return MemoryImage(name, bytes(image))
        case np.ndarray():
            return MemoryImage(name, _encoded(_from_array(image, name)))
        case Image():
            return MemoryImage(name, _encoded(image))
        case ImageFile():
            return image
    raise DataError(f"{name}: got a {type(image).__name__}; want a path, bytes, a PIL image or an array")


def _from_array(pixels: np.ndarray, name: str) -> Image:
    from PIL import Image as images

    plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    if (
        plain.dtype != np.uint8
        or not (plain.ndim == 2 or (plain.ndim == 3 and plain.shape[-1] == 3))
        or plain.size == 0
    ):
        raise DataError(f"{name}: got an array {pixels.shape} of {pixels.dtype}; want (h, w) or (h, w, 3) of uint8")
    return images.fromarray(plain)


def _encoded(image: Image) -> bytes:
    """Returns an image as PNG, without loss: the Processor decodes it, as it decodes every other image."""
    supported = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else image.convert("RGB")
    buffer = io.BytesIO()
    supported.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _device(system: System) -> torch.device:
    parameter = next(system.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device
