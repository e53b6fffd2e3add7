"""One task's part of a row: its texts as token ids, and its encoded target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from motet.core import Answer, Example, Label, Masked, Match, Task, Text, UnsupportedTask, rng_for
from motet.preprocess.annotations import matching_candidates, parse_pairs, parse_texts
from motet.systems.base import Entry, annotation_of_row, encode_class, one_image, sentences_of, text_to_mask
from motet.systems.uni_perceiver.image_inputs import UniPerceiverImages
from motet.systems.uni_perceiver.targets import is_generated, target_text
from motet.systems.uni_perceiver.text_inputs import UniPerceiverTextInputs, padded

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class UniPerceiverEntry(Entry):
    """One task's part of a row.

    Args:
        task: its name.
        value: the texts and the encoded target, as arrays; see `UniPerceiverProcessor.value`.
        annotated: whether the row has an annotation for the task.
        annotation: raw, for metrics.
        names: of candidates.
    """

    value: Mapping[str, np.ndarray] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntryEncoder:
    """Encodes the parts of rows that belong to one task.

    Args:
        texts: encodes texts.
    """

    texts: UniPerceiverTextInputs

    def encode(
        self, example: Example, task: Task, images: UniPerceiverImages | None, rng: np.random.Generator | None
    ) -> UniPerceiverEntry:
        """Encodes a row's texts and annotation.

        Args:
            example: the row.
            task: of the row.
            images: those of the row that were read; None where it has none.
            rng: draws one of several texts, and masks; None for evaluation.

        Raises:
            DataError: an annotation or candidates that do not fit the task.
        """
        if task.name in self.texts.max_tokens_of:
            return EntryEncoder(self.texts.for_task(task.name)).encode(example, task, images, rng)
        annotated, annotation = annotation_of_row(example, task, evaluation=rng is None)
        names: tuple[str, ...] = ()
        match task.target:
            case Match() if example.candidates:
                value = self._candidates(example, task, annotation, images)
                names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
            case Match():
                value = self._pair(example, task, annotation, rng)
            case Masked():
                value = self._masked(example, task, rng)
            case Label() | Answer() | Text():
                value = self._answer(example, task, annotation, rng)
            case other:
                raise UnsupportedTask(
                    f"task {task.name!r}: got {type(other).__name__}; want a target that Uni-Perceiver answers"
                )
        return UniPerceiverEntry(task=task.name, value=value, annotated=annotated, annotation=annotation, names=names)

    def _answer(self, example: Example, task: Task, annotation: Any, rng: np.random.Generator | None) -> Arrays:
        """Encodes an input with its answer: one of the task's names, or a text to generate."""
        generated, texts = is_generated(task), self.texts
        value: Arrays = {}
        if "text" in task.inputs:
            limit = texts.max_tokens - texts.max_generated if generated else None
            sentences = sentences_of(example, task)
            value["ids"] = _ids(texts.encode_inputs(sentences, answer_token=not generated, max_tokens=limit))
        if not generated:
            return value | encode_class(task, annotation, example.id)
        text_ids = [] if annotation is None else texts.encode_generated(target_text(task, annotation, example.id, rng))
        return value | {"text_ids": np.array(text_ids, dtype=np.int64)}

    def _masked(self, example: Example, task: Task, rng: np.random.Generator | None) -> Arrays:
        text = text_to_mask(example, task, rng)
        own = rng_for("hidden", example.id) if rng is None else rng
        ids, masked_ids = self.texts.mask(text, own, at_least_one=rng is None)
        return {"ids": _ids(ids), "masked_ids": np.array(masked_ids)}

    def _candidates(self, example: Example, task: Task, annotation: Any, images: UniPerceiverImages | None) -> Arrays:
        different, pairs = parse_pairs(task, example)
        text_index, image_index = np.array(pairs).T
        correct = np.zeros(len(pairs), dtype=bool)
        if annotation is not None:
            correct = matching_candidates(task, annotation, example.id, len(pairs))
        value = {
            "ids": _ids(*(self.texts.encode_target(text) for text in different)),
            "text_index": text_index,
            "image_index": image_index,
            "correct": correct,
            "real": np.ones(len(pairs), dtype=bool),
        }
        if images is not None and not images.video:
            value["more_images"] = images.values[1:] if image_index.any() else images.values[:0]
        return value

    def _pair(self, example: Example, task: Task, annotation: Any, rng: np.random.Generator | None) -> Arrays:
        """Encodes an image with one of its texts, a pair that is compared with the others of the batch."""
        if "video" not in task.inputs:
            one_image(example)
        texts = [task.prompt.format(text=text) for text in parse_texts(task, annotation, example.id)]
        chosen = texts[0 if rng is None else int(rng.integers(len(texts)))]
        image = example.image_ids[0] if example.image_ids else example.id
        return {
            "ids": _ids(self.texts.encode_target(chosen)),
            "image_key": np.array(_key(image)),
            "text_key": np.array(_key(chosen)),
            "caption_keys": np.array([_key(text) for text in texts]),
        }


def _ids(*texts: Sequence[int]) -> np.ndarray:
    """Returns the texts of a row as one array (s, t)."""
    ids: np.ndarray = padded(texts).numpy()
    return ids


def _key(text: str) -> int:
    """Returns 63 bits of a hash, for texts and image ids that are compared across a batch."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1
