"""Real images under $MOTET_DATA as sources; each data set is split by image into train, val and test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from motet.core import ConfigError, Reader, Task
from motet.data.readers import EasyVqa, Flickr8k, Idx, ImageFolder, Multi30k, OcrLines, Vqav2
from motet.data.source import Role, Source
from motet.data.splits import ConcatRows, Subset, split_by_image
from motet.tasks import TEN_ANSWERS_METRICS, captioning, classification, question_answering, text_reading
from motet.tasks.class_names import FASHION

ROLES: tuple[Role, ...] = ("train", "val", "test")


def data_root() -> Path:
    """Returns the folder that $MOTET_DATA names.

    Raises:
        ConfigError: it names no folder.
    """
    root = os.environ.get("MOTET_DATA", "")
    if not root or not Path(root).is_dir():
        raise ConfigError(f"MOTET_DATA: got {root!r}; want the folder that holds your data sets (see docs/DATA.md)")
    return Path(root)


def photographs() -> tuple[Source, ...]:
    """Returns CIFAR-10, Fashion-MNIST, captions in English and German, lines of receipts, easy-VQA and some of VQAv2.

    Flickr8k and Multi30k share their photographs; both are split by the photograph's number, so that a test image of
    one language is not a training image of the other.
    """
    root = data_root()
    cifar = ImageFolder(root / "cifar10" / "train", name="cifar10")
    fashion = root / "fashion_mnist"
    garments = _idx(fashion, "train")
    receipts = root / "sroie" / "line_crops"
    lines = OcrLines(receipts / "train_gt.tsv")
    easy = split_by_image(EasyVqa(part="train"), {"train": 0.45, "val": 0.05, "rest": 0.5})
    vqa = root / "vqav2"
    questions = Vqav2(
        vqa / "v2_OpenEnded_mscoco_train2014_questions.json",
        vqa / "v2_mscoco_train2014_annotations.json",
        vqa / "train2014",
    )
    german = ConcatRows(tuple(Multi30k(root / "multi30k", part, ("de",), task=2) for part in ("train", "val")))
    return (
        *_sources(
            classification("cifar10", cifar.names), split_by_image(cifar, {"train": 0.8, "val": 0.1, "test": 0.1})
        ),
        *_sources(
            classification("fashion", FASHION),
            {
                "train": Subset(garments, tuple(range(4000))),
                "val": Subset(garments, tuple(range(4000, 4500))),
                "test": Subset(_idx(fashion, "t10k"), tuple(range(1000))),
            },
        ),
        *_sources(
            captioning("caption_en"),
            split_by_image(
                flickr8k(root / "flickr8k"),
                {"train": 0.66, "val": 0.06, "test": 0.28},
            ),
        ),
        *_sources(
            captioning("caption_de", label="captions_de"),
            split_by_image(german, {"train": 0.66, "val": 0.06, "test": 0.28}),
        ),
        *_sources(
            text_reading("receipt_line"),
            {
                **split_by_image(lines, {"train": 0.9, "val": 0.1}),
                "test": Subset(OcrLines(receipts / "val_gt.tsv"), tuple(range(600))),
            },
        ),
        *_sources(
            question_answering("easy_vqa", crop=False),
            {**easy, "test": Subset(EasyVqa(part="test"), tuple(range(0, 9000, 6)))},
        ),
        *_sources(
            question_answering("vqav2", metrics=TEN_ANSWERS_METRICS),
            split_by_image(questions, {"train": 0.6, "val": 0.1, "test": 0.3}),
        ),
    )


def flickr8k(folder: Path) -> Reader:
    """Returns the rows of Flickr8k that the two lists beside the captions name."""
    captions, images = folder / "captions.txt", folder / "Images"
    lists = ("train_images.txt", "val_images.txt")
    return ConcatRows(
        tuple(Flickr8k(captions, images, split=folder / name, name=f"flickr8k/{name[:-11]}") for name in lists)
    )


def _idx(folder: Path, part: str) -> Idx:
    return Idx(folder / f"{part}-images-idx3-ubyte.gz", folder / f"{part}-labels-idx1-ubyte.gz", names=FASHION)


def _sources(task: Task, parts: Mapping[str, Reader]) -> tuple[Source, ...]:
    return tuple(
        Source(
            name=task.name if role == "train" else f"{task.name}/{role}", reader=parts[role], tasks=(task,), role=role
        )
        for role in ROLES
    )
