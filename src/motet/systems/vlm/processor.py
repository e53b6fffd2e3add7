"""The vision-language model's processor: an Example as one image and one conversation per task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motet.core import Boxes, Example, Match, Region, Task
from motet.preprocess.annotations import parse_pairs
from motet.preprocess.open_image import header_size_hw
from motet.systems.base import BaseProcessor, Entry, Row, allowed_changes, one_image, pad_ids
from motet.systems.vlm.box_text import BoxText
from motet.systems.vlm.conversation import Conversation
from motet.systems.vlm.images import VlmImages
from motet.systems.vlm.targets import target_text


@dataclass(frozen=True, kw_only=True)
class VlmEntry(Entry):
    """One task's part of a row; its value is the answer's tokens with their end, and empty without an annotation.

    Args:
        prefix: tokens before the answer.
        candidates: of a `Match`, the tokens of each with their end.
        names: of the candidates.
        size_hw: of the image file; (0, 0) for tasks without boxes.
    """

    prefix: tuple[int, ...]
    candidates: tuple[tuple[int, ...], ...] = ()
    names: tuple[str, ...] = ()
    size_hw: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class VlmProcessor(BaseProcessor[Row[VlmEntry], VlmEntry]):
    """Encodes rows for a vision-language model; see `core.Processor`.

    Args:
        images: reads images.
        conversation: lays out tokens.
        box_text: writes boxes.
    """

    images: VlmImages
    conversation: Conversation
    box_text: BoxText

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[VlmEntry]:
        """Encodes a row for tasks that are chosen."""
        entries = tuple(self._entry(example, task, rng) for task in tasks)
        # Boxes are fractions of the whole image.
        boxes = any(isinstance(task.target, Boxes | Region) for task in tasks)
        changes = frozenset() if boxes else allowed_changes(tasks)
        image = self.images.array(one_image(example), changes, rng)
        return Row(id=example.id, entries=entries, image=image)

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> VlmEntry:
        say = self.conversation
        candidates: tuple[tuple[int, ...], ...] = ()
        names: tuple[str, ...] = ()
        if isinstance(task.target, Match):
            texts, pairs = parse_pairs(task, example)
            names = tuple(texts[text] for text, _ in pairs)
            candidates = tuple(say.answer(name) for name in names)
        prefix = say.prefix(say.prompt(task, example))
        boxes = isinstance(task.target, Boxes | Region)
        size_hw = header_size_hw(one_image(example)) if boxes else (0, 0)
        if rng is None and task.label not in example.labels:
            value: tuple[int, ...] = ()
            annotation, annotated = None, False
        else:
            annotation, annotated = task.annotation_of(example), True
            text = target_text(
                task, annotation, example.id, rng, candidates=names, box_text=self.box_text, size_hw=size_hw
            )
            value = say.answer(text)
        return VlmEntry(
            task=task.name, value=value, annotated=annotated, annotation=annotation, prefix=prefix,
            candidates=candidates, names=names, size_hw=size_hw,
        )  # fmt: skip

    def value(
        self, entries: Sequence[VlmEntry], indices: Sequence[int], rows: Sequence[Row[VlmEntry]]
    ) -> dict[str, Any]:
        """Returns a target's value.

        It holds ``tokens`` (r, t), prompt and answer; ``counted`` (r, t), True at the tokens in the loss; ``prefix``
        (r,), the number of tokens before the answer; for boxes, ``size_hw`` (r, 2) of the
        files; for a `Match`, ``candidates`` (r, c, s), padded with -1, and
        ``names``, of each row's candidates.
        """
        del indices, rows
        tokens = [(*entry.prefix, *entry.value) for entry in entries]
        prefix = torch.tensor([len(entry.prefix) for entry in entries])
        place = torch.arange(max(map(len, tokens)))
        stop = torch.tensor([len(row) for row in tokens])
        value: dict[str, Any] = {
            "tokens": pad_ids(tokens, self.conversation.end),
            "counted": (place >= prefix[:, None]) & (place < stop[:, None]),
            "prefix": prefix,
        }
        if any(any(entry.size_hw) for entry in entries):
            value["size_hw"] = torch.tensor([entry.size_hw for entry in entries])
        if any(entry.candidates for entry in entries):
            value["candidates"] = pad_candidates([entry.candidates for entry in entries])
            value["names"] = tuple(entry.names for entry in entries)
        return value


def pad_candidates(rows: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """Returns the tokens of each row's candidates as one tensor (r, c, s), padded with -1."""
    count, length = max(map(len, rows)), max(len(ids) for row in rows for ids in row)
    padded = [pad_ids([*row, *[()] * (count - len(row))], -1, length) for row in rows]
    return torch.stack(padded)
