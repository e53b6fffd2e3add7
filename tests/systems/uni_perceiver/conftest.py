"""A Uni-Perceiver small enough for a test, tasks of every kind it answers, and rows for them."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import Answer, Example, Label, Masked, Match, MemoryImage, Task, Text, rng_for
from motet.metrics import Accuracy
from motet.prep.words import TrainedWords
from motet.systems.uni_perceiver import Experts, Patches, Sizes, UniPerceiverConfig

CAPTIONS = ("a red cat", "two small dogs", "one cow there", "no thing at all")
SPECS = {
    "class": (Label(("cat", "dog", "cow")), "image"), "pair": (Label(("no", "yes")), "text"),
    "vqa": (Answer(("yes", "no")), "image text"), "open": (Answer(), "image text"), "said": (Text(8), "image"),
    "words": (Masked("words"), "text"), "fit": (Match("texts", "split"), "image text"),
    "match": (Match("texts"), "image"), "motion": (Label(("left", "right")), "video"),
}  # fmt: skip
LABELS = {"words": "said", "fit": "said", "open": "vqa"}


def task(name: str) -> Task:
    target, sees = SPECS[name]
    return Task(
        name=name, sees=frozenset(sees.split()), label=LABELS.get(name, name), target=target, metrics=(Accuracy,)
    )


def row(index: int, *, frames: int = 1, **changes) -> Example:
    images = []
    for frame in range(frames):
        pixels = rng_for("pixels", index, frame).integers(0, 255, (20, 24, 3)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        images.append(MemoryImage(f"{index}-{frame}.png", buffer.getvalue()))
    labels = {
        "class": index % 3, "pair": index % 2, "vqa": ("yes",) * 7 + ("no",) * 3, "motion": index % 2,
        "said": (CAPTIONS[index % 4], f"again {CAPTIONS[index % 4]}"), "match": frozenset({index % 4}),
    }  # fmt: skip
    example = Example(
        id=f"e/{index}", images=tuple(images), image_ids=(f"i/{index}",), text=("is it", "a cat"), labels=labels
    )
    return replace(example, **changes)


CONFIG = UniPerceiverConfig(
    sizes=Sizes(width=16, depth=2, heads=2, hidden=24), blocks=Experts(num_experts=3), words=TrainedWords(size=280),
    max_tokens=40, max_said=16, patches=Patches(size=8, patch=4), frames=2, max_frames=3, layer_scale=1.0,
    drop_path=0.0, initial_std=None,
)  # fmt: skip


@pytest.fixture(scope="session")
def make():
    """Builds a system of named tasks, the same weights each time, norms and biases at random."""

    def build(*names: str, **changes):
        torch.manual_seed(0)
        system = replace(CONFIG, **changes).build([task(n) for n in names], texts=lambda: [*CAPTIONS, "is it a cat"])
        for name, parameter in system.named_parameters():
            if parameter.ndim < 2 and "log_scales" not in name:
                torch.nn.init.normal_(parameter, std=0.5)
        return system

    return build


@pytest.fixture(scope="session")
def rows():
    return row


@pytest.fixture(scope="session")
def batch():
    """One batch of a system's tasks."""

    def collate(system, examples, *, rng=None):
        tasks = list(system.tasks.values())
        return system.processor.collate([system.processor.row(e, tasks, rng) for e in examples], keep_truth=False)

    return collate
