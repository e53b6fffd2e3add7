"""Real data under $MOTET_DATA for UniT: boxes, questions, visual entailment and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from motet.core import Reader, Task
from motet.data.readers import CocoInstances, EasyVqa, ESnliVe, Glue, PascalVoc
from motet.data.readers.glue import GlueTask
from motet.data.source import Source
from motet.data.splits import ConcatRows, Subset, split_by_image
from motet.recipes.data.photos import ROLES, data_root
from motet.tasks import detection, glue, question_answering, visual_entailment
from motet.tasks.class_names import EASY_VQA

REAL_RATES: Mapping[str, float] = {
    "bccd": 0.4,
    "coco_boxes": 0.05,
    "easy_vqa": 0.15,
    "esnlive": 0.08,
    "sst2": 0.1,
    "qnli": 0.1,
    "mrpc": 0.06,
    "rte": 0.06,
}
"""How often each source feeds a step: boxes need most steps, small sets of sentences fewest."""

SENTENCES: tuple[GlueTask, ...] = ("sst2", "qnli", "mrpc", "rte")


def collected() -> tuple[Source, ...]:
    """Returns BCCD, COCO boxes, easy-VQA, e-SNLI-VE and four of GLUE's tasks, each with train, val and test sources.

    BCCD's own test set has 72 images, so its val set is added to it, and val is a tenth of train. The labels of GLUE's
    test sets are secret: the dev sets are the test sets, and val is a twentieth of train.
    """
    root = data_root()
    cells = {part: PascalVoc(root / "bccd" / "BCCD", part, clip=True) for part in ("train", "val", "test")}
    own = split_by_image(cells["train"], {"train": 0.9, "val": 0.1})
    coco = {
        part: CocoInstances(
            root / "coco" / "annotations" / f"instances_{part}2017.json", root / "coco" / f"{part}2017", clip=True
        )
        for part in ("train", "val")
    }
    photos = split_by_image(coco["train"], {"train": 0.9, "val": 0.1})
    entailed = ESnliVe(root / "esnlive" / "esnlive_dev.csv", root / "esnlive" / "flickr30k-images")
    easy = split_by_image(EasyVqa(part="train"), {"train": 0.45, "val": 0.05, "rest": 0.5})
    return (
        *_sources(detection("bccd", cells["train"].names), {**own, "test": ConcatRows((cells["val"], cells["test"]))}),
        *_sources(detection("coco_boxes", coco["train"].names), {**photos, "test": coco["val"]}),
        *_sources(
            question_answering("easy_vqa", answers=EASY_VQA, crop=False),
            {**easy, "test": Subset(EasyVqa(part="test"), tuple(range(0, 9000, 9)))},
        ),
        *_sources(
            visual_entailment("esnlive", entailed.names),
            split_by_image(entailed, {"train": 0.6, "val": 0.1, "test": 0.3}),
        ),
        *(source for name in SENTENCES for source in _sources(glue(name), _lines(root / "glue", name))),
    )


def _lines(folder: Path, name: GlueTask) -> Mapping[str, Reader]:
    train = Glue(folder, name, "train")
    chosen_by = tuple(range(0, len(train), 20))
    learned = tuple(row for row in range(len(train)) if row % 20)
    dev = Glue(folder, name, "dev")
    step = max(1, len(dev) // 400)
    return {
        "train": Subset(train, learned),
        "val": Subset(train, chosen_by),
        "test": Subset(dev, tuple(range(0, len(dev), step))),
    }


def _sources(task: Task, parts: Mapping[str, Reader]) -> tuple[Source, ...]:
    return tuple(
        Source(
            name=task.name if role == "train" else f"{task.name}/{role}", reader=parts[role], tasks=(task,), role=role
        )
        for role in ROLES
    )
