"""The LiT decoder's processor: an Example as one image and one token sequence per task (sections 3 and 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import Batch, DataError, Example, FeatureStore, ImageFile, Target, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.images import ImageTransform
from motet.systems.lit_decoder.options import RandomText, SplitCap, TextTarget
from motet.systems.lit_decoder.sequence import Sequences, pad
from motet.systems.lit_decoder.targets import AnswerTarget, target_text


@dataclass(frozen=True)
class ImageInputs:
    """Reads a row's one image as the encoder's input, or its stored features.

    Args:
        transform: image file to pixels.
        store: stored features; None for pixels.
    """

    transform: ImageTransform
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> np.ndarray | None:
        """Returns pixels (3, h, w) or features (n, d); None where no task has an image as input.

        Raises:
            DataError: no image, several, or a broken one.
        """
        if not any("image" in task.inputs for task in tasks):
            return None
        if len(example.images) != 1:
            raise DataError(f"{example.id}: images: got {len(example.images)}; want exactly one image")
        allowed: list[frozenset[Invariance]] = [task.invariant for task in tasks]
        invariant = frozenset.intersection(*allowed)
        if self.store is not None:
            return self.store.read(example.images[0], invariant, rng)
        return self.transform.read(example.images[0], invariant, rng)

    def collate(self, images: Sequence[np.ndarray | None]) -> dict[str, Tensor]:
        """Returns the batch's inputs: "pixels" or "features", and "has_image" if some rows have none."""
        present = [image for image in images if image is not None]
        if not present:
            return {}
        inputs: dict[str, Tensor] = {}
        if len(present) < len(images):
            inputs["has_image"] = torch.tensor([image is not None for image in images])
            blank = np.zeros_like(present[0])
            present = [blank if image is None else image for image in images]
        name = "pixels" if self.store is None else "features"
        inputs[name] = torch.from_numpy(np.stack(present))
        return inputs

    def view_key(self) -> str:
        """Returns a text that differs wherever the pixels of a view would."""
        return json.dumps(to_json(self.transform), sort_keys=True)


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        prefix: tokens before the answer.
        answer: target tokens, including EOS; empty without an annotation.
        annotation: raw, for metrics.
        num_prompted: number of the prefix's last tokens that are the start of the answer (`SplitCap`).
    """

    task: str
    prefix: tuple[int, ...]
    answer: tuple[int, ...]
    annotation: Any = None
    num_prompted: int = 0


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: pixels or stored features; None if no task has an image as input.
        entries: one per task.
    """

    id: str
    image: np.ndarray | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class LiTDecoderProcessor:
    """Encodes rows for the LiT decoder; see `core.Processor`.

    A row with several tasks yields one of them in training, drawn each time, and all of them in evaluation.

    Args:
        images: reads images.
        sequences: lays out tokens.
        texts: see `LiTDecoderConfig`.
        answers: see `LiTDecoderConfig`.
        loss_on_prefix: see `LiTDecoderConfig`.
        pad_to_longest: see `LiTDecoderConfig`; without it all batches have one shape.
    """

    images: ImageInputs
    sequences: Sequences
    texts: Mapping[str, TextTarget] = field(default_factory=dict)
    answers: AnswerTarget = "drawn"
    loss_on_prefix: bool = False
    pad_to_longest: bool = True

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """Returns one row. Without `rng` an annotation may be missing: `collate` refuses it if annotations are kept."""
        if rng is not None and len(tasks) > 1:
            tasks = [tasks[int(rng.integers(len(tasks)))]]
        entries = tuple(self._entry(example, task, rng) for task in tasks)
        return Row(example.id, self.images.read(example, tasks, rng), entries)

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> Entry:
        question = task.prompt_for(example)
        if rng is None and task.label not in example.labels:
            return Entry(task.name, tuple(self.sequences.prefix(task, question)), ())
        annotation = task.annotation_of(example)
        texts = self.texts.get(task.name, RandomText())
        text = target_text(task, annotation, example.id, rng, answers=self.answers, texts=texts)
        answer = self.sequences.answer(task, text)
        # SplitCap: the first token of the text becomes part of the prompt.
        start, answer = (answer[:1], answer[1:]) if isinstance(texts, SplitCap) else ([], answer)
        prefix = self.sequences.prefix(task, question, start)
        return Entry(task.name, tuple(prefix), tuple(self.sequences.close(prefix, answer)), annotation, len(start))

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Returns a batch.

        A target's value holds ``tokens`` (r, t); ``counted`` (r, t), True at the tokens in the loss; ``prefix`` (r,),
        the number of tokens before the answer; ``answer_start`` (r,), the place from which on tokens belong to the
        answer.

        Raises:
            DataError: a row without an annotation where annotations are kept.
        """
        found: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.answer:
                    raise DataError(
                        f"{row.id}: task {entry.task!r}: got no annotation; want one in every evaluated row"
                    )
                found.setdefault(entry.task, []).append((index, entry))
        longest = max((len(e.prefix) + len(e.answer) for row in rows for e in row.entries), default=0)
        length = max(longest, 1) if self.pad_to_longest else self.sequences.max_tokens
        targets = {name: self._target(entries, length, keep_annotations) for name, entries in found.items()}
        return Batch(tuple(row.id for row in rows), self.images.collate([row.image for row in rows]), targets)

    def _target(self, entries: Sequence[tuple[int, Entry]], length: int, keep_annotations: bool) -> Target:
        tokens = torch.tensor(pad([entry.prefix + entry.answer for _, entry in entries], length))
        prefix = torch.tensor([len(entry.prefix) for _, entry in entries])
        stop = torch.tensor([len(entry.prefix) + len(entry.answer) for _, entry in entries])
        place = torch.arange(length)
        start = torch.zeros_like(prefix) if self.loss_on_prefix else prefix
        counted = (place >= start[:, None]) & (place < stop[:, None])
        annotation = tuple(entry.annotation for _, entry in entries) if keep_annotations else ()
        rows = torch.tensor([index for index, _ in entries])
        answer_start = prefix - torch.tensor([entry.num_prompted for _, entry in entries])
        value = {"tokens": tokens, "counted": counted, "prefix": prefix, "answer_start": answer_start}
        return Target(rows, value, annotation)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self.images.transform.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self.images.transform.view_changes(index)

    def view_key(self) -> str:
        return self.images.view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=replace(self.images, store=store))
