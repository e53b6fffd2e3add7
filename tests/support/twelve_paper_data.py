"""The twelve data sets of 12-in-1 in their published layouts, a few rows each, and the regions of a picture."""

import gzip
import json
import pickle
from pathlib import Path

import numpy as np
from published_files import image, write_json, write_lines, write_vqav2

from motet.data.formats.regions import write_lmdb
from motet.preprocess.regions import ImageRegions

COUNT = 12
REGIONS = {
    "COCO_trainval": "0", "vg": "1", "gqa": "1", "flickr30k": "1000", "refcoco": "0", "refcoco+": "0", "refcocog": "0",
    "visual7w": "1", "visual7w_gt": "1", "guesswhat_gt": "0", "nlvr2": "train-1-0-img0",
}  # fmt: skip
"""The published databases of regions, and the key of one image in each."""


def write_twelve_paper_data(root: Path) -> None:
    """Writes them all under one folder, as `twelve_in_one:paper` reads them."""
    write_vqav2(root / "vqav2", COUNT)
    _genome(root)
    _captions(root)
    _places(root)
    _statements(root)
    found = ImageRegions(np.ones((1, 2048), np.float32), np.array([[0, 0, 8, 8]], np.float32), (8, 8))
    for name, key in REGIONS.items():
        write_lmdb(root / "regions" / f"{name}_resnext152_faster_rcnn_genome.lmdb", {key: found})


def _genome(root: Path) -> None:
    numbers = range(1, COUNT + 1)
    genome, gqa = root / "visual_genome", root / "gqa"
    for number in numbers:
        image(genome / "VG_100K" / f"{number}.jpg", number)
        image(gqa / "images" / f"{number}.jpg", number)
    asked = [{"id": n, "qas": [{"qa_id": n, "image_id": n, "question": "what?", "answer": "square"}]} for n in numbers]
    write_json(genome / "question_answers.json", asked)
    write_json(genome / "image_data.json", [{"image_id": n, "coco_id": None} for n in numbers])
    known = {str(n): {"imageId": str(n), "question": "what?", "answer": "square"} for n in numbers}
    for part, chosen_numbers in (("train", range(1, 8)), ("val", range(8, 11)), ("testdev", range(11, 13))):
        chosen = {f"{part}{number}": known[str(number)] for number in chosen_numbers}
        write_json(gqa / f"{part}_balanced_questions.json", chosen)


def _captions(root: Path) -> None:
    parts = {"train": range(6), "restval": range(2000, 2002), "val": range(2002, 2007), "test": range(2007, 2012)}
    entries = [{"cocoid": n, "split": part} for part, numbers in parts.items() for n in numbers]
    write_json(root / "coco" / "annotations" / "dataset_coco.json", {"images": entries})
    for part, first in (("train", 0), ("val", 2000)):
        numbers = range(first, first + COUNT)
        images = [{"id": n, "file_name": f"COCO_{part}2014_{n:012d}.jpg"} for n in numbers]
        captions = [{"id": 2 * n + k, "image_id": n, "caption": f"square {n} {k}"} for n in numbers for k in range(2)]
        write_json(
            root / "coco" / "annotations" / f"captions_{part}2014.json", {"images": images, "annotations": captions}
        )
        for number in numbers:
            image(root / "coco" / f"{part}2014" / f"COCO_{part}2014_{number:012d}.jpg", number)
    flickr, lines = root / "flickr30k", []
    for place, part in enumerate(("train", "val", "test")):
        names = [str(1000 + 100 * place + n) for n in range(COUNT)]
        for name in names:
            image(flickr / "flickr30k-images" / f"{name}.jpg", int(name))
            lines += [f"{name}.jpg#{k}\tsquare {name} {k}\n" for k in range(5)]
        (flickr / f"{part}.txt").write_text("\n".join(names))
    (flickr / "results_20130124.token").write_text("".join(lines))


def _places(root: Path) -> None:
    photos = [{"id": n, "file_name": f"COCO_train2014_{n:012d}.jpg", "height": 8, "width": 8} for n in range(COUNT)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 5, 5]} for n in range(COUNT)]
    for name, by, parts in (
        ("refcoco", "unc", ("train", "val", "testA", "testB")),
        ("refcoco+", "unc", ("train", "val", "testA", "testB")),
        ("refcocog", "umd", ("train", "val", "test")),
    ):
        refs = [
            {"ref_id": n, "ann_id": n, "image_id": n, "split": part, "sentences": [{"sent_id": n, "sent": "left"}]}
            for n, part in enumerate(parts)
        ]
        write_json(root / name / "instances.json", {"images": photos, "annotations": boxes})
        (root / name / f"refs({by}).p").write_bytes(pickle.dumps(refs, 2))
    choices = [{"box_id": n, "x": n % 4, "y": 0, "width": 2, "height": 2} for n in range(12)]
    pointed = []
    for place, part in enumerate(("train", "val", "test")):
        image(root / "visual7w" / "images" / f"v7w_{place + 1}.jpg", place)
        first, *others = range(4 * place, 4 * place + 4)
        asked = {"qa_id": place, "question": "Which?", "answer": first, "multiple_choices": others}
        pointed.append({"image_id": place + 1, "filename": f"v7w_{place + 1}.jpg", "split": part, "qa_pairs": [asked]})
    write_json(root / "visual7w" / "dataset_v7w_pointing.json", {"boxes": choices, "images": pointed})
    for place, part in enumerate(("train", "valid", "test")):
        game = {
            "id": place, "status": "failure" if place == 1 else "success", "object_id": place,
            "image": {"id": place, "file_name": photos[place]["file_name"], "height": 8, "width": 8},
            "objects": [{"id": place, "bbox": [1, 1, 4, 4]}, {"id": 99, "bbox": [0, 0, 3, 3]}],
            "qas": [{"id": 1, "question": "Is it a dog?", "answer": "Yes"}],
        }  # fmt: skip
        path = root / "guesswhat" / f"guesswhat.{part}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps(game).encode()))


def _statements(root: Path) -> None:
    for part, start in (("train", "train"), ("dev", "dev"), ("test1", "test1")):
        for side in (0, 1):
            image(root / "nlvr2" / "images" / f"{start}-1-0-img{side}.png", side)
        write_lines(
            root / "nlvr2" / f"{part}.json",
            [{"sentence": "Two dogs.", "label": "True", "identifier": f"{start}-1-0-0"}],
        )
    for place, part in enumerate(("train", "dev", "test")):
        image(root / "snli_ve" / "flickr30k-images" / f"{1000 + 100 * place}.jpg", place)
        row = {"Flickr30K_ID": str(1000 + 100 * place), "sentence1": "a square", "sentence2": "a shape"}
        write_lines(
            root / "snli_ve" / f"snli_ve_{part}.jsonl", [row | {"gold_label": "entailment", "pairID": "1.jpg#0r1e"}]
        )
