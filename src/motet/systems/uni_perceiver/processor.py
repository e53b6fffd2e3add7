"""The processor of Uni-Perceiver: images or frames, texts as token ids, and encoded targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from motet.core import Example, Match, Task
from motet.systems.base import BaseProcessor, Row, stack_values
from motet.systems.uni_perceiver.entries import EntryEncoder, UniPerceiverEntry
from motet.systems.uni_perceiver.image_inputs import UniPerceiverImageInputs
from motet.systems.uni_perceiver.text_inputs import UniPerceiverTextInputs, padded


@dataclass(frozen=True, kw_only=True)
class UniPerceiverRow(Row[UniPerceiverEntry]):
    """An Example, encoded.

    Args:
        id: the Example's.
        entries: one per task; none where the row is one side of the pairs of a whole split.
        image: its images or frames (`UniPerceiverImages`); None where no task has any.
        text: token ids of such a side; None where it is an image.
    """

    text: tuple[int, ...] | None = None


@dataclass(frozen=True)
class UniPerceiverProcessor(BaseProcessor[UniPerceiverRow, UniPerceiverEntry]):
    """Encodes rows and batches; see `core.Processor`.

    Args:
        images: reads images; None where no task has any.
        text_inputs: encodes texts.
    """

    images: UniPerceiverImageInputs | None
    text_inputs: UniPerceiverTextInputs

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> UniPerceiverRow:
        """Encodes a row for tasks that are chosen; in evaluation, it may be one side of the pairs of a split."""
        side = None if rng is not None else _side(example, tasks)
        if side is not None and not example.images:
            return UniPerceiverRow(
                id=example.id, text=tuple(self.text_inputs.for_task(side.name).encode_target(side.prompt_for(example)))
            )
        image = None if self.images is None else self.images.read(example, tasks if side is None else [side], rng)
        encoder = EntryEncoder(self.text_inputs)
        entries = () if side is not None else tuple(encoder.encode(example, task, image, rng) for task in tasks)
        return UniPerceiverRow(id=example.id, image=image, entries=entries)

    def inputs(self, rows: Sequence[UniPerceiverRow]) -> dict[str, Tensor]:
        """Returns images, see `UniPerceiverImageInputs.collate`, and the ``ids`` (b, t) of texts without a task."""
        inputs = {} if self.images is None else self.images.collate([row.image for row in rows])
        sides = [row.text for row in rows if row.text is not None]
        return inputs | ({"ids": padded(sides)} if sides else {})

    def value(
        self, entries: Sequence[UniPerceiverEntry], indices: Sequence[int], rows: Sequence[UniPerceiverRow]
    ) -> dict[str, Any]:
        """Returns a target's value.

        It holds the ``ids`` (r, s, t) of texts, with PAD as padding, where the task has text inputs, and:

        - ``label`` (r,) or ``answers`` (r, k), for tasks with names;
        - ``text_ids`` (r, t), with PAD as padding, for texts to generate;
        - ``masked_ids`` (r, t), the original ids of masked tokens, else -1;
        - ``text_index``, ``image_index``, ``correct`` and ``real`` (r, c), for candidates: ``real`` is False on
          padding; their ``names``; ``more_images``, those behind the first;
        - ``image_key``, ``text_key`` (r,) and ``caption_keys`` (r, o), for pairs: equal keys are equal contents.

        What no row of the batch has, such as texts to generate in a batch without annotations, is left out.
        """
        del indices, rows
        stacked = stack_values([entry.value for entry in entries], fill={"masked_ids": -1})
        value: dict[str, Any] = {name: array for name, array in stacked.items() if array.numel()}
        if entries[0].names:
            value["names"] = tuple(entry.names for entry in entries)
        return value


def _side(example: Example, tasks: Sequence[Task]) -> Task | None:
    """Returns the task of a row that is one side of the pairs of a split: without candidates and annotation."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task if task.label not in example.labels else None
    return None
