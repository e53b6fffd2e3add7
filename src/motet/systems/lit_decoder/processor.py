"""The LiT decoder's processor: an Example as one image and one token sequence per task (sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from motet.core import Example, Task
from motet.preprocess.tokenizers import PAD
from motet.systems.base import BaseProcessor, Entry, ImageInputs, Row, allowed_changes, one_image, pad_ids
from motet.systems.lit_decoder.options import RandomText, SplitCap, TextTarget
from motet.systems.lit_decoder.sequence import Sequences
from motet.systems.lit_decoder.targets import AnswerTarget, target_text


@dataclass(frozen=True, kw_only=True)
class LiTEntry(Entry):
    """One task's part of a row; its value is the answer's tokens, including EOS, and empty without an annotation.

    Args:
        prefix: tokens before the answer.
        num_prompted: number of the prefix's last tokens that are the start of the answer (`SplitCap`).
    """

    prefix: tuple[int, ...]
    num_prompted: int = 0

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
    """

    images: ImageInputs
    sequences: Sequences
    texts: Mapping[str, TextTarget] = field(default_factory=dict)
    answers: AnswerTarget = "drawn"
    loss_on_prefix: bool = False
    pad_to_longest: bool = True

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[LiTEntry]:
        """Encodes a row for tasks that are chosen; its image is None if no task has an image as input."""
        entries = tuple(self._entry(example, task, rng) for task in tasks)
        image = None
        if any("image" in task.inputs for task in tasks):
            image = self.images.array(one_image(example), allowed_changes(tasks), rng)
        return Row(id=example.id, entries=entries, image=image)

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> LiTEntry:
        question = task.prompt_for(example)
        if rng is None and task.label not in example.labels:
            prefix = self.sequences.prefix(task, question)
            return LiTEntry(task=task.name, value=(), annotated=False, prefix=tuple(prefix))
        annotation = task.annotation_of(example)
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
        of a batch have the same t.
        """
        del indices
        longest = max(1, *(len(entry.tokens) for row in rows for entry in row.entries))
        length = longest if self.pad_to_longest else self.sequences.max_tokens
        prefix = torch.tensor([len(entry.prefix) for entry in entries])
        stop = torch.tensor([len(entry.tokens) for entry in entries])
        place = torch.arange(length)
        start = torch.zeros_like(prefix) if self.loss_on_prefix else prefix
        return {
            "tokens": pad_ids([entry.tokens for entry in entries], PAD, length),
            "counted": (place >= start[:, None]) & (place < stop[:, None]),
            "prefix": prefix,
            "answer_start": prefix - torch.tensor([entry.num_prompted for entry in entries]),
        }
