"""12-in-1's run on twelve data sets, every value as published, with notes where paper and official code differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from motet.core import Reader, Task
from motet.data.caption_rows import CaptionRows
from motet.data.composed_rows import ComposedRows
from motet.data.formats.regions import LmdbRegions
from motet.data.negatives import FourWay, HardNegativePool
from motet.data.normalised_answers import NormalisedAnswers
from motet.data.readers import (
    CocoCaptions,
    Flickr30k,
    Gqa,
    GuessWhat,
    Nlvr2,
    ReferCoco,
    SnliVe,
    Visual7wPointing,
    VisualGenomeQA,
    Vqav2,
)
from motet.data.round_robin import RoundRobin
from motet.data.source import Role, Source
from motet.data.splits import ConcatRows, Subset, answers_from
from motet.data.stop_and_go import StopAndGo
from motet.metrics.vqa_words import vocabulary_answer
from motet.nn.text_encoders import HfBert
from motet.nn.tower import Finetune
from motet.recipes.data.karpathy import karpathy_parts
from motet.recipes.data.photos import data_root
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.tasks import (
    TEN_ANSWERS_METRICS,
    pointing,
    question_answering,
    referring,
    retrieval,
    verification,
    visual_entailment,
)
from motet.training.balancers import Weighted
from motet.training.config import TrainConfig
from motet.training.lr_schedules import LinearDecay
from motet.training.optim import HfAdamW
from motet.training.run import Run

TABLE_8: Mapping[str, tuple[int, float, int]] = {
    "vqav2": (128, 4e-5, 23),
    "visual_genome": (128, 4e-5, 26),
    "gqa": (128, 4e-5, 26),
    "coco_retrieval": (128, 2e-5, 30),
    "flickr_retrieval": (128, 2e-5, 30),
    "refcoco": (256, 2e-5, 20),
    "refcoco+": (256, 2e-5, 20),
    "refcocog": (256, 2e-5, 20),
    "visual7w": (256, 2e-5, 20),
    "guesswhat": (64, 2e-5, 256),
    "nlvr2": (64, 2e-5, 40),
    "snli_ve": (256, 2e-5, 56),
}
"""Rows of a batch, learning rate (section 8.4, table 8) and longest text (the code's list of tasks), by data set."""

_Kind = Literal["number", "file", "file_number"]
_OF_COCO: _Kind = "number"
_BY_FILE: _Kind = "file_number"
_END = "_resnext152_faster_rcnn_genome.lmdb"
_REGIONS: Mapping[str, tuple[str, _Kind, str]] = {
    "": ("COCO_trainval", _OF_COCO, ""),
    "visual_genome": ("vg", _BY_FILE, ""),
    "gqa": ("gqa", _BY_FILE, ""),
    "flickr_retrieval": ("flickr30k", _BY_FILE, ""),
    "refcoco": ("refcoco", _OF_COCO, ""),
    "refcoco+": ("refcoco+", _OF_COCO, ""),
    "refcocog": ("refcocog", _OF_COCO, ""),
    "visual7w": ("visual7w", _BY_FILE, "visual7w_gt"),
    "guesswhat": ("COCO_trainval", _OF_COCO, "guesswhat_gt"),
    "nlvr2": ("nlvr2", "file", ""),
    "snli_ve": ("flickr30k", _BY_FILE, ""),
}
"""The file of detections, the kind of its keys, and the file with the features of candidates, by task; "" for all
others. Images of Visual Genome have its own numbers there, even those that are of COCO."""

_RANKED = 1000  # first images of Karpathy's val and test that are judged
_HELD: Mapping[str, int] = {"vqav2": 3000, "gqa": 3000, "visual_genome": 5000}
"""Number of last questions of train and val together that the official code holds out."""


def published_model(regions: Path) -> TwelveInOneConfig:
    """ViLBERT of 12-in-1: BERT-base beside six layers of 1,024 channels on a hundred regions, six co-attentions.

    Args:
        regions: the folder with the authors' LMDBs, one per data set, under their names (`vilbert_tasks.yml`).
    """
    coco, *others = (_regions(regions, *found) for found in _REGIONS.values())
    return TwelveInOneConfig(
        source=coco,
        source_of=dict(zip(list(_REGIONS)[1:], others, strict=True)),
        text=HfBert("bert-base-uncased"),
        text_mode=Finetune(1.0),
        max_tokens_of={name: longest for name, (_, _, longest) in TABLE_8.items()},
        pairs=("nlvr2",),
    )


def published() -> Run:
    """All tasks, 40,000 iterations, stop-and-go (section 3.3): the model of table 2, row 4.

    The streams start from BERT here; the paper's start from its own pre-training on Conceptual Captions, which
    `motet.systems.twelve_in_one.weights` reads. The paper trains on clean splits: run
    ``motet data deduplicate`` on this recipe and wrap it in `motet.experiments.deduplicated.without_leaks`. The pools
    of hard negatives were never released; ours are images that look alike, searched once and stored in ``.motet``.
    Data sets without test answers (VQAv2, Visual Genome QA) are evaluated on half of the images of the questions that
    the official code holds out; the other half is their val set.
    """
    root = data_root()
    return Run(
        system=published_model(root / "regions"),
        sources=_sources(root),
        schedule=RoundRobin(batch_sizes={name: rows for name, (rows, _, _) in TABLE_8.items()}, stop=StopAndGo()),
        train=TrainConfig(
            steps=40_000,
            lr=2e-5,
            optimizer=HfAdamW(eps=1e-6, correct_bias=False, move_unused=True),
            lr_schedule=LinearDecay(warmup=4000),
            weight_decay=0.01,
            grad_clip=None,
            workers=4,
            save_every=1000,
        ),
        balancer=Weighted.from_lrs({name: rate for name, (_, rate, _) in TABLE_8.items()}),
    )


def _regions(folder: Path, name: str, keys: _Kind, candidates: str) -> LmdbRegions:
    dataset = "coco" if keys == "number" else ""
    known = None if not candidates else LmdbRegions(path=folder / f"{candidates}{_END}", keys=keys, dataset=dataset)
    return LmdbRegions(path=folder / f"{name}{_END}", keys=keys, dataset=dataset, candidates=known)


def _sources(root: Path) -> tuple[Source, ...]:
    return (*_questions(root), *_captions(root), *_places(root), *_verified(root))


def _questions(root: Path) -> list[Source]:
    vqa, genome, gqa = root / "vqav2", root / "visual_genome", root / "gqa"
    questions = ConcatRows(
        tuple(
            Vqav2(
                vqa / f"v2_OpenEnded_mscoco_{part}2014_questions.json",
                vqa / f"v2_mscoco_{part}2014_annotations.json",
                vqa / f"{part}2014",
            )
            for part in ("train", "val")
        )
    )
    more = NormalisedAnswers(
        VisualGenomeQA(genome / "question_answers.json", genome, image_data=genome / "image_data.json"),
        vocabulary_answer,
    )
    programs = {
        part: NormalisedAnswers(
            Gqa(gqa / f"{part}_balanced_questions.json", gqa / "images", image_data=genome / "image_data.json"),
            vocabulary_answer,
        )
        for part in ("train", "val", "testdev")
    }
    both = ConcatRows((programs["train"], programs["val"]))
    # The lists of the code, 3,129 and 1,533 answers: of train and val, preprocessed, given at least nine times.
    answers = answers_from(questions, 9, prepare=vocabulary_answer)
    train, val, _ = _held(both, _HELD["gqa"])
    return [
        *_sourced(
            question_answering("vqav2", answers=answers, metrics=TEN_ANSWERS_METRICS),
            *_held(questions, _HELD["vqav2"]),
        ),
        *_sourced(question_answering("visual_genome", answers=answers), *_held(more, _HELD["visual_genome"])),
        *_sourced(question_answering("gqa", answers=answers_from(both, 9)), train, val, programs["testdev"]),
    ]


def _captions(root: Path) -> list[Source]:
    coco, flickr = root / "coco", root / "flickr30k"
    photos = ConcatRows(
        tuple(
            CocoCaptions(coco / "annotations" / f"captions_{part}2014.json", coco / f"{part}2014")
            for part in ("train", "val")
        )
    )
    words = {
        part: Flickr30k(flickr / "results_20130124.token", flickr / "flickr30k-images", split=flickr / f"{part}.txt")
        for part in ("train", "val", "test")
    }
    # Karpathy's 113,287 training images; 1,000 test images with five captions each, as the paper ranks them.
    split = karpathy_parts(photos, coco / "annotations" / "dataset_coco.json", held=_RANKED)
    return [
        *_ranked("coco_retrieval", *split),
        *_ranked("flickr_retrieval", words["train"], words["val"], words["test"]),
    ]


def _places(root: Path) -> list[Source]:
    photos = root / "coco" / "train2014"
    found: list[Source] = []
    for name, by in (("refcoco", "unc"), ("refcoco+", "unc"), ("refcocog", "umd")):
        folder = root / name
        names = ("train", "val", "test") if by == "umd" else ("train", "val", "testA", "testB")
        parts = [ReferCoco(folder / f"refs({by}).p", folder / "instances.json", photos, part) for part in names]
        test: Reader = parts[2] if len(parts) == 3 else ConcatRows(tuple(parts[2:]))
        found += _sourced(referring(name), parts[0], parts[1], test)
    pointed, genome = root / "visual7w", root / "visual_genome"
    choices = (
        Visual7wPointing(
            pointed / "dataset_v7w_pointing.json", pointed / "images", part, image_data=genome / "image_data.json"
        )
        for part in ("train", "val", "test")
    )
    # The code's pointing data set keeps games of every outcome: 113,221 to train on.
    outcomes = ("success", "failure", "incomplete")
    games = (
        GuessWhat(root / "guesswhat" / f"guesswhat.{part}.jsonl.gz", photos.parent, status=outcomes) for part in _PARTS
    )
    return [*found, *_sourced(pointing("visual7w"), *choices), *_sourced(pointing("guesswhat"), *games)]


def _verified(root: Path) -> list[Source]:
    pairs, entail = root / "nlvr2", root / "snli_ve"
    nlvr2 = (Nlvr2(pairs / f"{name}.json", pairs / "images") for name in ("train", "dev", "test1"))
    premises = [
        SnliVe(entail / f"snli_ve_{name}.jsonl", entail / "flickr30k-images") for name in ("train", "dev", "test")
    ]
    return [
        *_sourced(verification("nlvr2"), *nlvr2),
        *_sourced(visual_entailment("snli_ve", premises[0].names), *premises),
    ]


_PARTS = ("train", "valid", "test")


def _held(reader: Reader, count: int) -> tuple[Reader, Reader, Reader]:
    """Trains on all but the last questions. The first half of their images is val, the other half test.

    The code judges tasks during training by all of these questions, and has no test answers. Halves of images are as
    near as it can be done with a test set that no choice was made on, and cleaning by the test set leaves a val set.
    """
    cut = max(len(reader) - count, len(reader) // 2)
    rows = range(cut, len(reader))
    images = list(dict.fromkeys(reader.keys(row) for row in rows))
    first = frozenset(images[: (len(images) + 1) // 2])
    val = tuple(row for row in rows if reader.keys(row) in first)
    test = tuple(row for row in rows if reader.keys(row) not in first)
    return Subset(reader, tuple(range(cut))), Subset(reader, val), Subset(reader, test)


def _ranked(name: str, train: Reader, val: Reader, test: Reader) -> list[Source]:
    hard = HardNegativePool(train, file=Path(".motet") / f"{name}_look_alikes.npz")
    # A sample is a caption, not an image (table 8). The authors judge a task during training by rows of four pairs,
    # whose negatives are random.
    rows = CaptionRows(train), ComposedRows(CaptionRows(val), FourWay())
    learned, *evaluated = _sourced(retrieval(name), *rows, test)
    return [replace(learned, compose=FourWay(hard)), *evaluated]


def _sourced(task: Task, train: Reader, val: Reader, test: Reader) -> list[Source]:
    roles: Sequence[tuple[Role, Reader]] = (("train", train), ("val", val), ("test", test))
    # An epoch, after which stop-and-go judges a task, is one of samples: table 8, and `MultiTaskStopOnPlateau`.
    return [
        Source(
            name=task.name if role == "train" else f"{task.name}/{role}",
            reader=reader,
            tasks=(task,),
            role=role,
            sample_by="row",
        )
        for role, reader in roles
    ]
