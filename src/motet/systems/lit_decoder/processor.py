"""How the LiT decoder sees an Example: one image, and a sequence of tokens for each task (sections 3 and 4)."""

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
from motet.systems.lit_decoder.targets import AnswerTarget, said


@dataclass(frozen=True)
class ImageInputs:
    """A row's one image as the encoder wants it: its pixels, or what the encoder once made of it.

    Args:
        transform: pixels.
        store: stored features; None for pixels.
    """

    transform: ImageTransform
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> np.ndarray | None:
        """Pixels (3, h, w) or features (n, d); None where no task looks at an image.

        Raises:
            DataError: no image, several, or a broken one.
        """
        if not any("image" in task.inputs for task in tasks):
            return None
        if len(example.images) != 1:
            raise DataError(f"{example.id}: images: got {len(example.images)}; want exactly one")
        allowed: list[frozenset[Invariance]] = [task.invariant for task in tasks]
        invariant = frozenset.intersection(*allowed)
        if self.store is not None:
            return self.store.read(example.images[0], invariant, rng)
        return self.transform.read(example.images[0], invariant, rng)

    def collate(self, images: Sequence[np.ndarray | None]) -> dict[str, Tensor]:
        """The batch's inputs: "pixels" or "features", and "has_image" when some rows have none."""
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
        """Changes when the pixels of a view would."""
        return json.dumps(to_json(self.transform), sort_keys=True)


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        prefix: tokens that are given.
        answer: tokens that are wanted, EOS with them; none where the truth is not known.
        truth: raw, for metrics.
        num_given: how many of the prefix's last tokens are the start of the answer (`SplitCap`).
    """

    task: str
    prefix: tuple[int, ...]
    answer: tuple[int, ...]
    annotation: Any = None
    num_given: int = 0


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: pixels or stored features; None when no task looks at one.
        entries: one a task.
    """

    id: str
    image: np.ndarray | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class LiTDecoderProcessor:
    """See `core.Processor`.

    A row of several tasks gives one of them in training, drawn each time, and all of them in evaluation.

    Args:
        images: how its image is read.
        sequences: how its words are put.
        texts: which of a row's several texts a `Text` task learns, by task; `RandomText` where it is not said.
        answers: which of the annotators' answers an `Answer` task learns.
        loss_on_prefix: prompt, separators and question are learned too.
        pad_to_longest: pad to the longest sequence of a batch; else to the longest there can be, so that every batch
            has one shape.
    """

    images: ImageInputs
    sequences: Sequences
    texts: Mapping[str, TextTarget] = field(default_factory=dict)
    answers: AnswerTarget = "drawn"
    loss_on_prefix: bool = False
    pad_to_longest: bool = True

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """One row. Without `rng` a missing annotation is no error yet: `collate` asks for it if truths are kept."""
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
        answer = self.sequences.answer(task, said(task, annotation, example.id, rng, answers=self.answers, texts=texts))
        # The first token of the text moves to where it is given.
        start, answer = (answer[:1], answer[1:]) if isinstance(texts, SplitCap) else ([], answer)
        prefix = self.sequences.prefix(task, question, start)
        return Entry(task.name, tuple(prefix), tuple(self.sequences.close(prefix, answer)), annotation, len(start))

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Rows to a batch.

        A target's value holds ``tokens`` (r, t); ``counted`` (r, t), True on the tokens that the loss is over;
        ``prefix`` (r,), how many tokens are given; ``answer_start`` (r,), from which token on they are the answer.

        Raises:
            DataError: a row whose truth is to be kept has none.
        """
        found: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.answer:
                    raise DataError(f"{row.id}: task {entry.task!r}: got no annotation; want one")
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
        answer_start = prefix - torch.tensor([entry.num_given for _, entry in entries])
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
