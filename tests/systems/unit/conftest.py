"""A UniT small enough for a test, tasks of every kind it answers, and rows for them."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import Answer, Boxes, BoxSet, Example, Label, MemoryImage, Region, Task, rng_for
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import EmbeddedLite0Map, GridOf
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems.unit import UniTConfig

NAMES = ("cat", "dog", "cow")
SEES = {"boxes": "image", "vqa": "image text", "pair": "text", "entailed": "image text", "place": "image text"}
SPECS = {
    "boxes": Boxes(NAMES, ("big", "red")), "vqa": Answer(("yes", "no")), "pair": Label(("no", "yes")),
    "entailed": Label(("a", "b", "c")), "place": Region(),
}  # fmt: skip


def task(name: str) -> Task:
    return Task(
        name=name, sees=frozenset(SEES[name].split()), label=name, target=SPECS[name], metrics=(Accuracy,),
        equivariant=frozenset({"hflip", "crop"}) if name == "boxes" else frozenset(),
    )  # fmt: skip


def row(index: int, size_hw: tuple[int, int] = (24, 40), **changes) -> Example:
    pixels = rng_for("pixels", index).integers(0, 255, (*size_hw, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    boxes = np.array([[2.0, 3, 12, 20], [20, 1, 38, 15]])[: 2 - index % 3]
    labels = {
        "boxes": BoxSet(boxes, np.arange(len(boxes)), np.ones(len(boxes)), ((0, 1), (1,))[: len(boxes)]),
        "vqa": ("yes",) * (10 - index) + ("no",) * index, "pair": index % 2, "entailed": index % 3,
        "place": (2.0, 3.0, 12.0, 20.0),
    }  # fmt: skip
    example = Example(
        id=f"e/{index}",
        images=(MemoryImage(f"{index}.png", buffer.getvalue()),),
        text=("a cat", "no dog"),
        labels=labels,
    )
    return replace(example, **changes)


CONFIG = UniTConfig(
    trunk=GridOf(PlainViT(size=16, patch=8, width=16, depth=1, heads=2)), mode=FromScratch(), width=32, depth=2,
    heads=2, image_width=16, image_depth=1, image_heads=2, hidden=32, text=TinyBert(width=16, heads=2, words=300),
    box_queries=6, other_queries=3,
)  # fmt: skip
MAPS = replace(CONFIG, trunk=EmbeddedLite0Map(stage=-2, size=64))


@pytest.fixture(scope="session")
def make():
    """Builds a system of named tasks."""

    def build(*names: str, config: UniTConfig = CONFIG, **changes):
        torch.manual_seed(0)
        tasks = [task(name) for name in names or SPECS]
        return replace(config, **changes).build(tasks, texts=lambda: ["a cat", "no dog", "two cows"] * 4)

    return build


@pytest.fixture(scope="session")
def rows():
    return row


@pytest.fixture(scope="session")
def maps() -> UniTConfig:
    """With a trunk for images of any size."""
    return MAPS


@pytest.fixture(scope="session")
def batch():
    """One batch of a system's tasks, or of some."""

    def collate(system, examples, names=None, *, train=False, keep_truth=False):
        tasks = [system.tasks[name] for name in names or system.tasks]
        encoded = [system.processor.row(e, tasks, rng_for("row", e.id) if train else None) for e in examples]
        return system.processor.collate(encoded, keep_truth=keep_truth)

    return collate
