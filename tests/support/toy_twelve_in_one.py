"""Rows, regions and a tokeniser for tests of 12-in-1 that are as small as they can be."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import numpy as np
from PIL import Image

from motet.core import Example, ImageFile, MemoryImage, TargetSpec, Task, rng_for
from motet.core.task import InputKind
from motet.metrics import Accuracy
from motet.preprocess.regions import ImageRegions
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.twelve_in_one.text_inputs import TwelveInOneTextInputs, find_mask_id

SIZE_HW = (20, 40)
SHORT, LONG = "two dogs", "a small red thing on the left of it"


def task(name: str, target: TargetSpec, label: str = "x", inputs: str = "image text", **changes: Any) -> Task:
    """Returns a task."""
    kinds = frozenset(get_args(InputKind)) & set(inputs.split())
    return Task(name=name, inputs=kinds, label=label, target=target, metrics=(Accuracy,), **changes)


def image(name: str, size_hw: tuple[int, int] = SIZE_HW) -> MemoryImage:
    """Returns an image of noise, drawn from its name."""
    pixels = rng_for("pixels", name).integers(0, 255, (*size_hw, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return MemoryImage(name, buffer.getvalue())


def row(index: int, images: int = 1, *, size_hw: tuple[int, int] = SIZE_HW, **changes: Any) -> Example:
    """Returns a row with images of noise and a short or a long text."""
    names = tuple(f"p{index}-{i}" for i in range(images))
    of_row = {"text": LONG if index % 2 else SHORT, "image_ids": names} | changes
    return Example(id=f"e/{index}", images=tuple(image(name, size_hw) for name in names), **of_row)


@dataclass(frozen=True)
class NamedRegions:
    """A source of three to five regions per image, drawn from its name."""

    width: int = 6
    num_classes: int = 4

    def regions(self, image: ImageFile, image_id: str) -> ImageRegions:
        """Returns an image's regions."""
        rng = rng_for("regions", image_id)
        count = int(rng.integers(3, 6))
        corner = rng.uniform(0, 10, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(2, 9, (count, 2))], axis=1).astype(np.float32)
        classes = rng.dirichlet(np.ones(4), count).astype(np.float32)
        return ImageRegions(rng.normal(size=(count, 6)).astype(np.float32), boxes, SIZE_HW, classes)

    def at(self, image: ImageFile, image_id: str, boxes_xyxy: np.ndarray) -> ImageRegions:
        """Returns features of boxes, each the sum of the box's corners."""
        boxes = np.asarray(boxes_xyxy, np.float32)
        return ImageRegions(np.tile(boxes.sum(1, keepdims=True), (1, 6)), boxes, SIZE_HW)


@cache
def text_inputs() -> TwelveInOneTextInputs:
    """Returns text inputs whose tokeniser knows the texts of the rows, of at most twelve tokens."""
    sentences = SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=300).build([SHORT, LONG] * 3))
    return TwelveInOneTextInputs(sentences, find_mask_id(sentences), 12, {"brief": 5})
