"""Real data under $MOTET_DATA for 12-in-1: statements on drawings and photographs, retrieval, questions."""

from __future__ import annotations

from collections.abc import Mapping

from motet.core import Reader, Task
from motet.data.negatives import FourWay, HardNegativePool
from motet.data.readers import EasyVqa, ESnliVe, Nlvr, RefCocos, Vqav2, Vsr
from motet.data.source import Compose, Role, Source
from motet.data.splits import Subset, split_by_image
from motet.recipes.data.photos import ROLES, data_root, flickr8k
from motet.tasks import TEN_ANSWERS_METRICS, question_answering, referring, retrieval, verification, visual_entailment
from motet.tasks.class_names import EASY_VQA

PHOTOGRAPHS: Mapping[str, float] = {"train": 0.66, "val": 0.06, "test": 0.28}
"""Shares of the splits of Flickr8k and e-SNLI-VE, which share photographs: equal, so that a test image of one is in
the training data of neither."""


def gathered() -> tuple[Source, ...]:
    """Returns NLVR, e-SNLI-VE, Flickr8k retrieval and easy-VQA, each with train, val and test sources.

    NLVR's training set is too large for a small folder: the development set is trained on, and the hidden set is the
    test set. Sentences of e-SNLI-VE's development set are split by photograph.
    """
    root = data_root()
    drawings = {
        part: Nlvr(root / "nlvr" / part / f"{part}.json", root / "nlvr" / part / "images", orders=(0, 1, 2, 3))
        for part in ("dev", "hidden")
    }
    drawn = split_by_image(drawings["dev"], {"train": 0.93, "val": 0.07})
    evaluated = Subset(drawings["hidden"], tuple(range(0, len(drawings["hidden"]), 4)))
    entailed = ESnliVe(root / "esnlive" / "esnlive_dev.csv", root / "esnlive" / "flickr30k-images")
    captioned = split_by_image(flickr8k(root / "flickr8k"), PHOTOGRAPHS)
    # Every image is scored with every caption: a hundred images are 50,000 passes of the whole model.
    searched = Subset(captioned["test"], tuple(range(min(100, len(captioned["test"])))))
    easy = split_by_image(EasyVqa(part="train"), {"train": 0.48, "val": 0.02, "rest": 0.5})
    return (
        *_sources(verification("nlvr"), {**drawn, "test": evaluated}),
        *_sources(visual_entailment("esnlive", entailed.names), split_by_image(entailed, PHOTOGRAPHS)),
        *_sources(
            retrieval("flickr8k"), {**captioned, "test": searched}, FourWay(HardNegativePool(captioned["train"]))
        ),
        *_sources(
            question_answering("easy_vqa", answers=EASY_VQA, crop=False),
            {**easy, "test": Subset(EasyVqa(part="test"), tuple(range(0, 9000, 9)))},
        ),
    )


def too_few() -> tuple[Source, ...]:
    """Returns VQAv2, VSR and RefCOCOs, of which dozens of rows each are there: enough to read, not to evaluate on."""
    root = data_root()
    vqa = root / "vqav2"
    questions = Vqav2(
        vqa / "v2_OpenEnded_mscoco_train2014_questions.json",
        vqa / "v2_mscoco_train2014_annotations.json",
        vqa / "train2014",
    )
    statements = Vsr(root / "vsr" / "all_vsr_validated_data.subset.jsonl", root / "coco")
    phrases = RefCocos(root / "refcocos" / "refcocos_test.subset.json", root / "coco")
    return tuple(
        source
        for task, reader in (
            (question_answering("vqav2", answers=("yes", "no"), metrics=TEN_ANSWERS_METRICS), questions),
            (verification("vsr"), statements),
            (referring("refcocos"), phrases),
        )
        for source in _sources(task, split_by_image(reader, {"train": 0.6, "val": 0.1, "test": 0.3}))
    )


def _sources(task: Task, parts: Mapping[str, Reader], compose: Compose | None = None) -> tuple[Source, ...]:
    return tuple(_source(task, role, parts[role], compose if role == "train" else None) for role in ROLES)


def _source(task: Task, role: Role, reader: Reader, compose: Compose | None) -> Source:
    name = task.name if role == "train" else f"{task.name}/{role}"
    return Source(name=name, reader=reader, tasks=(task,), role=role, compose=compose)
