"""Rows, tasks and systems on the tiny vision-language models."""

import io
from typing import Any

import numpy as np
from PIL import Image
from tiny_vlms import folder

from motet.core import Answer, Example, Label, Match, MemoryImage, Task, Text
from motet.metrics import Accuracy
from motet.nn.tower import Finetune
from motet.systems import build_system
from motet.systems.vlm import VlmConfig

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
NAMES = tuple(COLOURS)


def task(name: str, target: Any, label: str, *, inputs: frozenset[Any] = frozenset({"image"}), **more: Any) -> Task:
    return Task(name=name, inputs=inputs, label=label, target=target, metrics=(Accuracy,), **more)


LABEL = task("label", Label(NAMES), "class")
TEXT = task("caption", Text(8), "captions")
ASKED = task("asked", Answer(), "answers", inputs=frozenset({"image", "text"}))
MATCH = task("match", Match("texts"), "match")


def png(name: str, size: tuple[int, int] = (24, 20)) -> bytes:
    noise = np.random.default_rng(NAMES.index(name)).integers(-20, 20, (size[1], size[0], 3))
    pixels = np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def example(name: str, text: str = "what colour is it") -> Example:
    index = NAMES.index(name)
    return Example(
        id=f"e/{index}", images=(MemoryImage(f"{name}.png", png(name)),), text=text,
        candidates=tuple(f"it is all {each}" for each in NAMES),
        labels={"class": index, "captions": (f"it is all {name}",), "answers": (name,), "match": frozenset({index})},
    )  # fmt: skip


ROWS = [example(name) for name in NAMES]


def vlm(family: str, *tasks: Task, **options: Any) -> Any:
    settings: dict[str, Any] = {"language": Finetune(1.0), "max_generated": 12} | options
    return build_system(VlmConfig(model=folder(family), **settings), tasks or (LABEL, TEXT, ASKED, MATCH), texts=list)


def batch(system: Any, rows: list[Example] = ROWS, **options: Any) -> Any:
    encoded = [system.processor.row(row, tuple(system.tasks.values()), None) for row in rows]
    return system.processor.collate(encoded, keep_annotations=False, **options)
