"""The data sets that recipes read under $MOTET_DATA, a few small files each, in their own layouts."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from published_files import image, write_json, write_lines, write_vqav2
from published_maps import SIZE_HW, values, write_bsds500, write_camvid, write_drawn
from published_maps import image as map_image
from published_maps import text as write_text

PHOTOS = 120
"""Photographs that Flickr8k, Multi30k and e-SNLI-VE share here: flickr/1000, flickr/1001, ..."""

GLUE_ROWS = {
    "SST-2": ("sentence\tlabel", lambda n: f"a film {n}\t{n % 2}"),
    "QNLI": ("index\tquestion\tsentence\tlabel", lambda n: f"{n}\twhat {n}?\ta square.\tentailment"),
    "RTE": ("index\tsentence1\tsentence2\tlabel", lambda n: f"{n}\ta square {n}\ta shape\tentailment"),
    "MRPC": ("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", lambda n: f"{n % 2}\t1\t2\tdog {n} runs\tdogs run"),
}


def write_cifar10(root: Path) -> None:
    """Thirty images of three classes."""
    for number in range(30):
        image(root / "cifar10" / "train" / ("cat", "dog", "ship")[number % 3] / f"{number}.png", number)


def write_fashion(root: Path) -> None:
    """Garments of two by two pixels: as many as recipes take."""
    folder = root / "fashion_mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 4600), ("t10k", 1100)):
        labels = np.arange(count, dtype=np.uint8) % 10
        pixels = struct.pack(">4I", 0x803, count, 2, 2) + bytes(4 * count)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(pixels, 1))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">2I", 0x801, count) + labels.tobytes(), 1)
        )


def write_flickr8k(root: Path) -> None:
    """All photographs but the last five in a train list, those in a val list; two captions each."""
    names = [f"{1000 + number}_{number:x}.jpg" for number in range(PHOTOS)]
    folder = root / "flickr8k"
    for number, name in enumerate(names):
        image(folder / "Images" / name, number)
    lines = "".join(f"{name},A dog {place} of {name} .\n" for name in names for place in range(2))
    write_text(folder / "captions.txt", "image,caption\n" + lines)
    write_text(folder / "train_images.txt", "\n".join(names[:-5]))
    write_text(folder / "val_images.txt", "\n".join(names[-5:]))


def write_multi30k(root: Path) -> None:
    """Every second of Flickr8k's photographs, in English and German, and lines of text without images."""
    folder = root / "multi30k"
    numbers = {"train": range(1000, 1000 + PHOTOS - 6, 2), "val": range(1000 + PHOTOS - 6, 1000 + PHOTOS, 2)}
    for part, photos in numbers.items():
        for task, name in ((1, part), (2, f"{part}_images")):
            lines = [f"{photo}.jpg" for photo in photos]
            write_text(folder / "data" / f"task{task}" / "image_splits" / f"{name}.txt", _lines(lines))
        for language, word in (("en", "A man at"), ("de", "Ein Mann bei")):
            raw = folder / "data" / "task1" / "raw" / f"{part}.{language}"
            write_text(raw, _lines(f"{word} {photo}." for photo in photos))
            for place in range(1, 6):
                raw = folder / "data" / "task2" / "raw" / f"{part}.{place}.{language}"
                write_text(raw, _lines(f"{word} {photo}, {place}." for photo in photos))
    for photo in (*numbers["train"], *numbers["val"]):
        image(folder / "flickr30k-images" / f"{photo}.jpg", photo)
    told = [f"A  man at {photo} ." for photo in range(1000, 1000 + PHOTOS)]  # spaced otherwise than the captions
    others = [f"Nobody, {number} times." for number in range(140)]
    for part, lines in (("train", told + others), ("val", [*told, "Nobody at all."])):
        path = folder / "text_only_full" / f"{part}.en.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(_lines(lines).encode()))


def write_receipts(root: Path) -> None:
    """Lines of receipts; the images of the first of each part."""
    folder = root / "sroie" / "line_crops"
    for part, count in (("train", 40), ("val", 620)):
        write_text(folder / f"{part}_gt.tsv", "".join(f"{n:03d}_000.jpg\tTOTAL {n}\n" for n in range(count)))
        for number in range(40):
            image(folder / part / f"{number:03d}_000.jpg", number)


def write_cells(root: Path) -> None:
    """Blood cells: ten images to train on, three and four to evaluate."""
    folder, first = root / "bccd" / "BCCD", 0
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>"
    for part, count in (("train", 10), ("val", 3), ("test", 4)):
        names = [f"BloodImage_{number:05d}" for number in range(first, first + count)]
        for name in names:
            image(folder / "JPEGImages" / f"{name}.jpg")
            size = "<size><width>8</width><height>8</height></size>"
            write_text(
                folder / "Annotations" / f"{name}.xml",
                f"<annotation><filename>{name}.jpg</filename>{size}<object><name>RBC</name>{box}</object></annotation>",
            )
        write_text(folder / "ImageSets" / "Main" / f"{part}.txt", _lines(names))
        first += count


def write_coco(root: Path) -> None:
    """Dogs: twenty to train on, four to evaluate."""
    for part, numbers in (("train", range(20)), ("val", range(100, 104))):
        images = [{"id": n, "file_name": f"{n:012d}.jpg", "height": 8, "width": 8} for n in numbers]
        boxes = [{"id": n, "image_id": n, "category_id": 18, "bbox": [1, 1, 4, 4], "iscrowd": 0} for n in numbers]
        known = {"images": images, "annotations": boxes, "categories": [{"id": 18, "name": "dog"}]}
        write_json(root / "coco" / "annotations" / f"instances_{part}2017.json", known)
        for number in numbers:
            image(root / "coco" / f"{part}2017" / f"{number:012d}.jpg", number)


def write_entailment(root: Path) -> None:
    """Two sentences on each of Flickr8k's photographs."""
    rows = "".join(
        f"{2 * n + k},{1000 + n}.jpg#{k}r1e,{1000 + n}.jpg,A dog {n}.,{('entailment', 'neutral')[k]},It runs.\n"
        for n in range(PHOTOS)
        for k in range(2)
    )
    head = ",pairID,Flickr30kID,hypothesis,gold_label,explanation\n"
    write_text(root / "esnlive" / "esnlive_dev.csv", head + rows)
    for number in range(PHOTOS):
        image(root / "esnlive" / "flickr30k-images" / f"{1000 + number}.jpg", number)


def write_glue(root: Path, rows: int = 100, dev: int = 10) -> None:
    """Four tasks on sentences."""
    for name, (head, line) in GLUE_ROWS.items():
        for part, numbers in (("train", range(rows)), ("dev", range(rows, rows + dev))):
            write_text(root / "glue" / name / f"{part}.tsv", _lines([head, *map(line, numbers)]))


def write_statements(root: Path) -> None:
    """NLVR's drawings in four orders, and dozens of rows of VQAv2, VSR and RefCOCOs."""
    for part, count in (("dev", 20), ("hidden", 8)):
        folder = root / "nlvr" / part
        rows = [
            {"sentence": "A box.", "label": "false", "identifier": f"{n}-0", "directory": "3"} for n in range(count)
        ]
        write_lines(folder / f"{part}.json", rows)
        for number in range(count):
            for order in range(4):
                image(folder / "images" / "3" / f"{part}-{number}-0-{order}.png", number)
    write_vqav2(root / "vqav2", 40)
    names = [f"{n:012d}.jpg" for n in range(20)]
    said = [
        {
            "image": n,
            "image_link": f"http://x/train2017/{n}",
            "caption": "It is left.",
            "label": 1,
            "relation": "left of",
        }
        for n in names
    ]
    write_lines(root / "vsr" / "all_vsr_validated_data.subset.jsonl", said)
    meant = [
        {"normal_caption": "the dog", "solution": [0, 0, 3, 3], "image": f"train2017/{n}", "height": 8, "width": 8,
         "annotation_id": n}
        for n in names
    ]  # fmt: skip
    write_text(root / "refcocos" / "refcocos_test.subset.json", json.dumps(meant))


def write_fights(root: Path, count: int = 9) -> None:
    """Lists of clips; the clips are empty, since only the lists are read."""
    for part, many in (("train", count), ("val", 2)):
        rows = [f"{kind}/{part}{n}.mp4,{kind}" for kind in ("fight", "noFight") for n in range(many)]
        write_text(root / "surv_fight" / f"{part}.csv", _lines(rows))
        for row in rows:
            write_text(root / "surv_fight" / row.partition(",")[0], "")


def write_maps(root: Path, frames: int = 50) -> None:
    """A walk through a kitchen, streets, and boundaries."""
    kitchen = root / "sevenscenes_rgbd"
    depth = np.full(SIZE_HW, 2000, dtype=np.uint16)
    names = [f"frame-{number:06d}" for number in range(frames)]
    for name in names:
        map_image(kitchen / "data" / f"{name}.color.jpg")
        values(kitchen / "data" / f"{name}.depth.png", depth, np.uint16)
    write_text(kitchen / "train.txt", _lines(names[: frames * 4 // 5]))
    write_text(kitchen / "val.txt", _lines(names[frames * 4 // 5 :]))
    for part in ("train", "val", "test"):
        write_camvid(root / "camvid" / "CamVid", part)
    write_bsds500(root / "bsds500" / "data", "train")
    for number in range(20):
        map_image(root / "bsds500" / "data" / "images" / "val" / f"{number}.jpg")
        write_drawn(root / "bsds500" / "data" / "groundTruth" / "val" / f"{number}.mat")


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)
