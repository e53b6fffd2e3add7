"""The published formats as they were published: small parts of real data sets, where they lie on this machine."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from motet.core import Reader
from motet.data.counts import Counts, count
from motet.data.detect import detect
from motet.data.formats.video_rows import Frames
from motet.data.readers import (
    CocoCaptions,
    CocoInstances,
    EasyVqa,
    ESnliVe,
    Flickr8k,
    Glue,
    Gqa,
    Idx,
    ImageFolder,
    Multi30k,
    OcrLines,
    PascalVoc,
    SnliVe,
    VideoList,
    VisualGenomeQA,
    Vqav2,
    YoloLabels,
)
from motet.data.readers.glue import GlueTask
from motet.data.readers.idx import FASHION
from motet.tasks.class_names import COCO

DATA = Path(os.environ.get("MOTET_DATA", "no data"))
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="MOTET_DATA names no folder of real data"),
]


def fashion(part: str) -> Reader:
    images, labels = (DATA / "fashion_mnist" / f"{part}-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1"))
    return Idx(images, labels, names=FASHION)


def coco(part: str) -> Reader:
    return CocoCaptions(DATA / "coco" / "annotations" / f"captions_{part}2017.json", DATA / "coco" / f"{part}2017")


def flickr8k(split: str | None) -> Reader:
    folder = DATA / "flickr8k"
    return Flickr8k(folder / "captions.txt", folder / "Images", folder / f"{split}_images.txt" if split else None)


def vqav2() -> Reader:
    folder = DATA / "vqav2"
    return Vqav2(
        folder / "v2_OpenEnded_mscoco_train2014_questions.json",
        folder / "v2_mscoco_train2014_annotations.json",
        folder / "train2014",
    )


def instances(part: str) -> Reader:
    folder = DATA / "coco"
    return CocoInstances(folder / "annotations" / f"instances_{part}2017.json", folder / f"{part}2017", clip=True)


def yolo(part: str) -> Reader:
    folder = DATA / "coco"
    return YoloLabels(folder / f"{part}2017", folder / "labels" / f"{part}2017", names=COCO, image_prefix="coco")


def cells(part: str) -> Reader:
    return PascalVoc(DATA / "bccd" / "BCCD", part, clip=True)


def glue(folder: str, task: GlueTask, part: str) -> Callable[[], Reader]:
    return lambda: Glue(DATA / "glue" / folder, task, part)


READ: dict[str, tuple[Callable[[], Reader], int, int, dict[str, object]]] = {
    "cifar10": (lambda: ImageFolder(DATA / "cifar10" / "train"), 5000, 5000, {"class": 0}),
    "fashion_mnist/train": (lambda: fashion("train"), 12000, 12000, {"class": 9}),
    "fashion_mnist/test": (lambda: fashion("t10k"), 2000, 2000, {"class": 9}),
    "coco/train": (lambda: coco("train"), 130, 130, {}),
    "coco/val": (lambda: coco("val"), 172, 172, {}),
    "flickr8k": (lambda: flickr8k(None), 933, 933, {}),
    "flickr8k/train": (lambda: flickr8k("train"), 900, 900, {}),
    "flickr8k/val": (lambda: flickr8k("val"), 33, 33, {}),
    "multi30k/train": (
        lambda: Multi30k(DATA / "multi30k", "train", languages=("en", "de", "fr", "cs")),
        841,
        841,
        {"captions_de": ("Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",)},
    ),
    "multi30k/val": (lambda: Multi30k(DATA / "multi30k", "val", task=2), 33, 33, {}),
    "vqav2": (vqav2, 102, 67, {"answers": ("yes",) * 10, "answer": "yes"}),
    "vgqa": (
        lambda: VisualGenomeQA(DATA / "vgqa_sample" / "question_answers.json", DATA / "vgqa_sample"),
        8,
        2,
        {"answers": ("Sailboats.",)},
    ),
    "gqa": (
        lambda: Gqa(DATA / "gqa_sample" / "questions.json", DATA / "gqa_sample" / "images"),
        2,
        2,
        {"answer": "picture"},
    ),
    "sroie/train": (
        lambda: OcrLines(DATA / "sroie" / "line_crops" / "train_gt.tsv"),
        2700,
        2700,
        {"text": ("TAN WOON YANN",)},
    ),
    "sroie/val": (
        lambda: OcrLines(DATA / "sroie" / "line_crops" / "val_gt.tsv"),
        1862,
        1862,
        {"text": ("TAN WOON YANN",)},
    ),
    "easy_vqa/train": (lambda: EasyVqa("train"), 38575, 4000, {"answer": "rectangle"}),
    "easy_vqa/test": (lambda: EasyVqa("test"), 9673, 1000, {"answer": "triangle"}),
    "coco_boxes/train": (lambda: instances("train"), 130, 130, {}),
    "coco_boxes/val": (lambda: instances("val"), 49, 49, {}),
    "yolo/train": (lambda: yolo("train"), 126, 126, {}),
    "yolo/val": (lambda: yolo("val"), 124, 124, {}),
    "bccd/train": (lambda: cells("train"), 205, 205, {}),
    "bccd/val": (lambda: cells("val"), 87, 87, {}),
    "bccd/test": (lambda: cells("test"), 72, 72, {}),
    "snli_ve": (
        lambda: SnliVe(DATA / "snli_ve_sample" / "snli_ve_dev.jsonl", DATA / "snli_ve_sample" / "flickr30k-images"),
        16,
        2,
        {"class": 2},
    ),
    "esnlive": (
        lambda: ESnliVe(DATA / "esnlive" / "esnlive_dev.csv", DATA / "esnlive" / "flickr30k-images"),
        612,
        32,
        {"class": 0, "explanations": ("men are people.",)},
    ),
}
SENTENCES: dict[str, tuple[Callable[[], Reader], int, int]] = {
    "cola/train": (glue("CoLA", "cola", "train"), 7250, 1),
    "cola/dev": (glue("CoLA", "cola", "dev"), 1301, 1),
    "sst2/train": (glue("SST-2", "sst2", "train"), 6920, 1),
    "sst2/dev": (glue("SST-2", "sst2", "dev"), 872, 0),
    "mrpc/train": (glue("MRPC", "mrpc", "train"), 3676, 1),
    "mrpc/dev": (glue("MRPC", "mrpc", "dev"), 400, 0),
    "qqp/train": (glue("QQP_sample", "qqp", "train"), 9, 0),
    "qqp/dev": (glue("QQP_sample", "qqp", "dev"), 9, 0),
    "mnli/dev": (glue("MNLI_sample", "mnli", "dev_matched"), 51, 1),
    "qnli/train": (glue("QNLI", "qnli", "train"), 3782, 0),
    "qnli/dev": (glue("QNLI", "qnli", "dev"), 541, 0),
    "rte/train": (glue("RTE", "rte", "train"), 2127, 1),
    "rte/dev": (glue("RTE", "rte", "dev"), 363, 0),
}


@pytest.mark.parametrize("name", READ)
def test_counts_rows_and_images(name):
    read, rows, images, labels = READ[name]
    reader = read()
    assert count(reader) == Counts(rows=rows, images=images, pairs=rows, unique_images=images)
    assert labels.items() <= reader[0].labels.items()
    for index in (0, rows // 2, rows - 1):
        for file in reader[index].images:
            with Image.open(io.BytesIO(file.read())) as image:
                assert image.convert("RGB").size >= (1, 1)


@pytest.mark.parametrize("name", READ)
def test_every_row_is_read(name):
    reader = READ[name][0]()
    ids = {reader[index].id for index in range(len(reader))}
    assert len(ids) == len(reader)


@pytest.mark.parametrize("name", SENTENCES)
def test_every_sentence_is_read_and_has_no_image(name):
    read, rows, first = SENTENCES[name]
    reader = read()
    assert count(reader) == Counts(rows=rows, images=0, pairs=0, unique_images=0)
    examples = [reader[index] for index in range(rows)]
    assert len({example.id for example in examples}) == rows
    assert examples[0].labels == {"class": first}
    parts = 1 if name.startswith(("cola", "sst2")) else 2
    assert {1 if isinstance(example.text, str) else len(example.text) for example in examples} == {parts}


def test_parts_of_glue_without_labels_are_read():
    reader = glue("QQP_sample", "qqp", "test")()
    assert [reader[index].labels for index in range(len(reader))] == [{}] * len(reader)


def test_boxes_are_all_there():
    found = {
        name: sum(len(reader[row].labels["boxes"].labels) for row in range(len(reader)))
        for name in READ
        if name.startswith(("coco_boxes", "yolo", "bccd"))
        for reader in [READ[name][0]()]
    }
    assert (found["coco_boxes/train"], found["coco_boxes/val"]) == (1209, 363)
    assert (found["yolo/train"], found["yolo/val"]) == (929, 869)
    assert sum(found[f"bccd/{part}"] for part in ("train", "val", "test")) == 4888


def test_the_classes_of_entailment_are_counted_as_published():
    reader = READ["esnlive"][0]()
    assert [sum(reader[row].labels["class"] == index for row in range(612)) for index in range(3)] == [216, 150, 246]


def test_captions_are_five_an_image():
    for reader in (flickr8k(None), coco("train")):
        assert {len(reader[index].labels["captions"]) for index in range(len(reader))} == {5}
    assert sum(len(coco("val")[index].labels["captions"]) for index in range(172)) == 861


def test_images_are_the_same_in_all_data_sets_that_have_them():
    found = count(flickr8k(None), Multi30k(DATA / "multi30k", "train"), Multi30k(DATA / "multi30k", "val", task=2))
    assert (found.images, found.unique_images) == (933 + 841 + 33, 933)
    questions = count(vqav2(), coco("train"), coco("val"))
    assert questions.unique_images < questions.images


def test_folders_are_recognised():
    seen = {
        (folder, found.reader, found.kind, found.label, found.split, found.rows)
        for folder in (
            "cifar10",
            "fashion_mnist",
            "coco",
            "flickr8k",
            "vqav2",
            "vgqa_sample",
            "gqa_sample",
            "sroie",
            "bccd",
            "snli_ve_sample",
            "esnlive",
        )
        for found in detect(DATA / folder)
        if not found.problems
    }
    assert seen == {
        ("cifar10", "ImageFolder", "classification", "class", "train", 5000),
        ("fashion_mnist", "Idx", "classification", "class", "train", 12000),
        ("fashion_mnist", "Idx", "classification", "class", "test", 2000),
        ("coco", "CocoCaptions", "captioning", "captions", "train", 130),
        ("coco", "CocoCaptions", "captioning", "captions", "val", 172),
        ("coco", "CocoInstances", "detection", "boxes", "train", 130),
        ("coco", "CocoInstances", "detection", "boxes", "val", 49),
        ("bccd", "PascalVoc", "detection", "boxes", "train", 205),
        ("bccd", "PascalVoc", "detection", "boxes", "val", 87),
        ("bccd", "PascalVoc", "detection", "boxes", "test", 72),
        ("snli_ve_sample", "SnliVe", "visual entailment", "class", "val", 16),
        ("esnlive", "ESnliVe", "visual entailment", "class", "val", 612),
        ("flickr8k", "Flickr8k", "captioning", "captions", "train", 900),
        ("flickr8k", "Flickr8k", "captioning", "captions", "val", 33),
        ("vqav2", "Vqav2", "question answering", "answers", "train", 102),
        ("vgqa_sample", "VisualGenomeQA", "question answering", "answers", "", 8),
        ("gqa_sample", "Gqa", "question answering", "answers", "", 2),
        ("sroie", "OcrLines", "text reading", "text", "train", 2700),
        ("sroie", "OcrLines", "text reading", "text", "val", 1862),
    }
    languages = {found.language for found in detect(DATA / "multi30k") if found.split == "train" and found.rows == 841}
    assert languages == {"en", "de", "fr", "cs"}
    sentences = {found.arguments["task"]: found.kind for found in detect(DATA / "glue") if not found.problems}
    assert sentences == dict.fromkeys(("cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte"), "sentences")


def test_fights_are_videos_of_two_classes() -> None:
    readers = {part: VideoList(DATA / "surv_fight" / f"{part}.csv", frames=Frames(4)) for part in ("train", "val")}
    assert [(len(reader), reader.names) for reader in readers.values()] == [
        (194, ("fight", "noFight")),
        (14, ("fight", "noFight")),
    ]
    frames = [Image.open(io.BytesIO(image.read())) for image in readers["val"][0].images]
    assert len(frames) == 4
    assert {min(frame.size) for frame in frames} == {128}
    assert frames[0].tobytes() != frames[3].tobytes()
