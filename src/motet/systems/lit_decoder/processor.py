"""The LiT decoder's processor: an Example as one image and one token sequence per task (sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Example, Panoptic, PanopticMap, Task
from motet.nn.panoptic_labels import to_labels
from motet.preprocess.open_image import header_size_hw
from motet.preprocess.tokenizers import PAD
from motet.systems.base import BaseProcessor, Entry, ImageInputs, Row, allowed_changes, one_image, pad_ids
from motet.systems.lit_decoder.options import PanopticCodes, RandomText, SplitCap, TextTarget
from motet.systems.lit_decoder.sequence import Sequences
from motet.systems.lit_decoder.targets import AnswerTarget, target_text


@dataclass(frozen=True, kw_only=True)
class LiTEntry(Entry):
    """One task's part of a row; its value is the answer's tokens, including EOS, and empty without an annotation.

    Args:
        prefix: tokens before the answer.
        num_prompted: number of the prefix's last tokens that are the start of the answer (`SplitCap`).
        maps: "semantics" and "instances" (h, w) of a panoptic map, and "size_hw" of the file; its tokens are PAD, since
            its codes are computed with the batch.
    """

    prefix: tuple[int, ...]
    num_prompted: int = 0
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The whole sequence."""
        return (*self.prefix, *self.value)


@dataclass(frozen=True)
class LiTDecoderProcessor(BaseProcessor[Row[LiTEntry], LiTEntry]):
    """Encodes rows for the LiT decoder; see `core.Processor`.

    Args:
        images: reads images.
        sequences: lays out tokens.
        texts: see `LiTDecoderConfig`.
        answers: see `LiTDecoderConfig`.
        loss_on_prefix: see `LiTDecoderConfig`.
        pad_to_longest: see `LiTDecoderConfig`; without it all batches have one shape.
        codes: how panoptic maps become codes; None without such a task.
    """

    images: ImageInputs
    sequences: Sequences
    texts: Mapping[str, TextTarget] = field(default_factory=dict)
    answers: AnswerTarget = "drawn"
    loss_on_prefix: bool = False
    pad_to_longest: bool = True
    codes: PanopticCodes | None = None

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[LiTEntry]:
        """Encodes a row for tasks that are chosen; its image is None if no task has an image as input."""
        entries = tuple(self._entry(example, task, rng) for task in tasks)
        image = None
        if any("image" in task.inputs for task in tasks):
            image = self.images.array(one_image(example), allowed_changes(tasks), rng)
        return Row(id=example.id, entries=entries, image=image)

    def _map_entry(self, example: Example, task: Task, annotation: Any, *, annotated: bool = True) -> LiTEntry:
        """Encodes a panoptic map: its labels as arrays, and places for its codes behind the prefix."""
        codes = self.codes
        assert codes is not None  # whoever calls has checked it
        if annotated and not isinstance(annotation, PanopticMap):
            got = type(annotation).__name__
            raise DataError(f"{example.id}: task {task.name!r}: got a {got}; want a PanopticMap")
        size, size_hw = codes.autoencoder.size, header_size_hw(one_image(example))
        found = annotation if annotated else PanopticMap(np.zeros((1, 1), np.int64), np.zeros(0, np.int64))
        labels = {name: value.numpy() for name, value in to_labels(found, size, max_instances=codes.instances).items()}
        return LiTEntry(
            task=task.name,
            value=(PAD,) * codes.autoencoder.code_length,
            annotated=annotated,
            annotation=annotation if annotated else None,
            prefix=tuple(self.sequences.prefix(task, task.prompt_for(example))),
            maps={**labels, "size_hw": np.array(size_hw)},
        )

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> LiTEntry:
        question = task.prompt_for(example)
        if rng is None and task.label not in example.labels:
            if self.codes is not None and isinstance(task.target, Panoptic):
                return self._map_entry(example, task, None, annotated=False)
            prefix = self.sequences.prefix(task, question)
            return LiTEntry(task=task.name, value=(), annotated=False, prefix=tuple(prefix))
        annotation = task.annotation_of(example)
        if self.codes is not None and isinstance(task.target, Panoptic):
            return self._map_entry(example, task, annotation)
        texts = self.texts.get(task.name, RandomText())
        text = target_text(task, annotation, example.id, rng, answers=self.answers, texts=texts)
        answer = self.sequences.answer(task, text)
        # SplitCap: the first token of the text becomes part of the prompt.
        start, answer = (answer[:1], answer[1:]) if isinstance(texts, SplitCap) else ([], answer)
        prefix = self.sequences.prefix(task, question, start)
        return LiTEntry(
            task=task.name,
            value=tuple(answer if task.name in self.sequences.scored else self.sequences.close(prefix, answer)),
            annotation=annotation,
            prefix=tuple(prefix),
            num_prompted=len(start),
        )

    def inputs(self, rows: Sequence[Row[LiTEntry]]) -> dict[str, Tensor]:
        """Returns "pixels" or "features", and "has_image" if some rows have none."""
        inputs, has_image = super().inputs(rows), torch.tensor([row.image is not None for row in rows])
        return inputs if not inputs or bool(has_image.all()) else inputs | {"has_image": has_image}

    def value(
        self, entries: Sequence[LiTEntry], indices: Sequence[int], rows: Sequence[Row[LiTEntry]]
    ) -> dict[str, Tensor]:
        """Returns a target's value.

        It holds ``tokens`` (r, t); ``counted`` (r, t), True at the tokens in the loss; ``prefix`` (r,), the number of
        tokens before the answer; ``answer_start`` (r,), the index of the first token of the answer. All tasks
        of a batch have the same t. Of panoptic maps also ``semantics``, ``instances`` (r, h, w) and ``size_hw`` (r, 2).
        """
        del indices
        longest = max(1, *(len(entry.tokens) for row in rows for entry in row.entries))
        length = longest if self.pad_to_longest else self.sequences.max_tokens
        prefix = torch.tensor([len(entry.prefix) for entry in entries])
        stop = torch.tensor([len(entry.tokens) for entry in entries])
        place = torch.arange(length)
        start = torch.zeros_like(prefix) if self.loss_on_prefix else prefix
        maps = {name: torch.from_numpy(np.stack([entry.maps[name] for entry in entries])) for name in entries[0].maps}
        return maps | {
            "tokens": pad_ids([entry.tokens for entry in entries], PAD, length),
            "counted": (place >= start[:, None]) & (place < stop[:, None]),
            "prefix": prefix,
            "answer_start": prefix - torch.tensor([entry.num_prompted for entry in entries]),
        }
