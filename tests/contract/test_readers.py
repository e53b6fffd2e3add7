"""What every reader promises, run over the table of readers: a new one is tested once it has a layout here."""

import gzip
import io
import json
import pickle
import re
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import published_maps
import published_videos
import pytest
from PIL import Image

from motet.core import DataError, DiskImage, Example, MemoryImage, Reader
from motet.core.codec import from_json, to_json
from motet.data.counts import count
from motet.data.formats.video_file import VideoFrame
from motet.data.formats.video_rows import Frames
from motet.data.readers import (
    READERS,
    Ade20k,
    BoxTable,
    Bsds500,
    CamVid,
    Cityscapes,
    CocoCaptions,
    CocoInstances,
    CocoPanoptic,
    CocoStuff,
    Conversations,
    Cvat,
    EasyVqa,
    ESnliVe,
    Flickr8k,
    Flickr30k,
    Glue,
    Gqa,
    GuessWhat,
    HfDataset,
    Idx,
    ImageFolder,
    Kinetics,
    LabelMe,
    LabelStudio,
    MapFolders,
    Msvd,
    Multi30k,
    Nlvr,
    Nlvr2,
    NyuV2,
    OcrLines,
    PascalVoc,
    RefCocos,
    ReferCoco,
    SevenScenes,
    SnliVe,
    Synthia,
    Table,
    Taskonomy,
    TextLines,
    VideoFolder,
    VideoList,
    VirtualKitti2,
    Visual7wPointing,
    VisualGenomeObjects,
    VisualGenomeQA,
    VocSegmentation,
    VocXml,
    Vqav2,
    Vsr,
    WebDataset,
    WebDatasetStream,
    YoloLabels,
)
from motet.data.readers.idx import FASHION
from motet.training.saved_names import saved_names


@dataclass(frozen=True)
class Layout:
    """A tiny data set on disk: how to read it, and which of its files can be damaged.

    Args:
        read: makes the reader.
        tables: files whose damage is found when they are read.
        images: image files.
        sentences: rows have no images.
        optional: tables that may be empty or not there: no box, no row.
        maps: files that are decoded only when their annotation is asked for.
        own_rows: tables with one row each: where one is not there, its row is not either.
    """

    read: Callable[[], Reader]
    tables: tuple[Path, ...] = ()
    images: tuple[Path, ...] = ()
    sentences: bool = False
    optional: tuple[Path, ...] = ()
    maps: tuple[Path, ...] = ()
    own_rows: tuple[Path, ...] = ()


def encoded(shade: int, form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), (shade, 255 - shade, 40)).save(file, form)
    return file.getvalue()


def image_file(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(shade, "PNG" if path.suffix == ".png" else "JPEG"))
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def image_folder(root: Path) -> Layout:
    images = [image_file(root / kind / f"{place}.png", place) for kind in ("cat", "dog") for place in range(2)]
    return Layout(lambda: ImageFolder(root), images=tuple(images))


def idx(root: Path) -> Layout:
    images, labels = root / "train-images-idx3-ubyte.gz", root / "train-labels-idx1-ubyte.gz"
    images.write_bytes(gzip.compress(struct.pack(">4I", 0x803, 3, 4, 5) + bytes(range(60))))
    labels.write_bytes(gzip.compress(struct.pack(">2I", 0x801, 3) + bytes([9, 0, 1])))
    return Layout(lambda: Idx(images, labels), tables=(images, labels))


def coco_captions(root: Path) -> Layout:
    files = [image_file(root / "train2017" / f"{number:012d}.jpg", number) for number in (9, 25)]
    data = {
        "images": [{"id": number, "file_name": f"{number:012d}.jpg"} for number in (9, 25)],
        "annotations": [
            {"image_id": number, "id": place, "caption": "A dog."} for place, number in enumerate((25, 9, 9))
        ],
    }
    table = text(root / "annotations" / "captions_train2017.json", json.dumps(data))
    return Layout(lambda: CocoCaptions(table, root / "train2017"), tables=(table,), images=tuple(files))


def flickr8k(root: Path) -> Layout:
    names = ("1000268201_693b08cb0e.jpg", "1001773457_577c3a7d70.jpg")
    files = [image_file(root / "Images" / name, place) for place, name in enumerate(names)]
    rows = "".join(f'{name},"A dog , {place} ."\n' for name in names for place in range(5))
    table, split = text(root / "captions.txt", "image,caption\n" + rows), text(root / "train.txt", "\n".join(names))
    return Layout(lambda: Flickr8k(table, root / "Images", split), tables=(table, split), images=tuple(files))


def flickr30k(root: Path) -> Layout:
    files = [image_file(root / "flickr30k-images" / f"{name}.jpg", name) for name in (10, 36)]
    rows = "".join(f"{name}.jpg| {place}| A dog runs .\n" for name in (10, 36) for place in range(5))
    table = text(root / "results.csv", "image_name| comment_number| comment\n" + rows)
    return Layout(lambda: Flickr30k(table, root / "flickr30k-images"), tables=(table,), images=tuple(files))


def multi30k(root: Path) -> Layout:
    files = [image_file(root / "flickr30k-images" / f"{name}.jpg", name) for name in (10, 36)]
    folder = root / "data" / "task1"
    split = text(folder / "image_splits" / "val.txt", "10.jpg\n36.jpg\n")
    english = text(folder / "raw" / "val.en", "A dog.\nA cat.\n")
    german = text(folder / "raw" / "val.de.gz", "")
    german.write_bytes(gzip.compress("Ein Hund.\nEine Kätzin.\n".encode()))
    return Layout(lambda: Multi30k(root, "val"), tables=(split, english, german), images=tuple(files))


def vqav2(root: Path) -> Layout:
    files = [image_file(root / "train2014" / f"COCO_train2014_{number:012d}.jpg", number) for number in (9, 25)]
    asked = [
        {"image_id": number, "question_id": number * 1000 + place, "question": "What?"}
        for number in (9, 25)
        for place in range(2)
    ]
    given = [
        {
            "question_id": entry["question_id"], "image_id": entry["image_id"],
            "answer_type": "other", "question_type": "what", "multiple_choice_answer": "dog",
            "answers": [{"answer": "dog", "answer_id": place + 1, "answer_confidence": "yes"} for place in range(10)],
        }
        for entry in reversed(asked)
    ]  # fmt: skip
    questions = text(
        root / "v2_OpenEnded_mscoco_train2014_questions.json",
        json.dumps({"data_subtype": "train2014", "questions": asked}),
    )
    annotations = text(root / "v2_mscoco_train2014_annotations.json", json.dumps({"annotations": given}))
    return Layout(
        lambda: Vqav2(questions, annotations, root / "train2014"), tables=(questions, annotations), images=tuple(files)
    )


def visual_genome_qa(root: Path) -> Layout:
    files = (image_file(root / "VG_100K" / "4.jpg", 4), image_file(root / "VG_100K_2" / "5.jpg", 5))
    data = [
        {
            "id": number,
            "qas": [
                {"qa_id": number * 10 + place, "image_id": number, "question": "What?", "answer": "A dog."}
                for place in range(2)
            ],
        }
        for number in (4, 5)
    ]
    table = text(root / "question_answers.json", json.dumps(data))
    return Layout(lambda: VisualGenomeQA(table, root), tables=(table,), images=files)


def conversations(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"{number}.jpg", number) for number in range(2))
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "a dog"}]
    rows = [{"id": f"x{file.stem}", "image": file.name, "conversations": turns} for file in files]
    table = text(root / "train.json", json.dumps(rows))
    return Layout(lambda: Conversations(table, root / "images"), tables=(table,), images=files)


def gqa(root: Path) -> Layout:
    files = tuple(
        image_file(root / "images" / f"{name}.jpg", place) for place, name in enumerate(("2400861", "n578564"))
    )
    table = text(
        root / "questions.json",
        json.dumps(
            {
                f"0{place}": {"imageId": file.stem, "question": "What?", "answer": "dog"}
                for place, file in enumerate(files)
            }
        ),
    )
    return Layout(lambda: Gqa(table, root / "images"), tables=(table,), images=files)


def ocr_lines(root: Path) -> Layout:
    files = tuple(image_file(root / part / "000_000.jpg", place) for place, part in enumerate(("train", "val")))
    tables = tuple(text(root / f"{part}_gt.tsv", '000_000.jpg\t"TOTAL" 3,50\n') for part in ("train", "val"))
    return Layout(lambda: OcrLines(tables), tables=tables, images=files)


def easy_vqa(root: Path) -> Layout:
    files = tuple(image_file(root / "train" / "images" / f"{number}.png", number) for number in range(2))
    answers = text(root / "answers.txt", "circle\nyes\n")
    table = text(
        root / "train" / "questions.json", json.dumps([["what shape?", "circle", 1], ["is it red?", "yes", 0]])
    )
    return Layout(lambda: EasyVqa(root=root), tables=(answers, table), images=files)


def coco_things(root: Path) -> tuple[dict[str, Any], tuple[Path, ...]]:
    files = tuple(image_file(root / "train2014" / f"COCO_train2014_{number:012d}.jpg", number) for number in (9, 25))
    things = {
        "images": [
            {"id": int(file.stem[-12:]), "file_name": file.name, "height": 4, "width": 6} for file in files
        ],
        "annotations": [
            {"id": number * 10 + place, "image_id": number, "category_id": 1, "bbox": [place, 0, 3, 3.5]}
            for number in (9, 25) for place in range(2)
        ],
        "categories": [{"id": 1, "name": "dog"}],
    }  # fmt: skip
    return things, files


def lines_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    return text(path, "".join(json.dumps(row) + "\n" for row in rows))


def refer(root: Path) -> Layout:
    things, files = coco_things(root)
    refs = [
        {
            "ref_id": number, "ann_id": number * 10, "image_id": number, "split": "train", "category_id": 1,
            "file_name": f"COCO_train2014_{number:012d}_{number}.jpg",
            "sentences": [{"sent_id": number * 3 + place, "sent": "left dog", "raw": "Left dog"} for place in range(2)],
        }
        for number in (9, 25)
    ]  # fmt: skip
    instances = text(root / "refcoco" / "instances.json", json.dumps(things))
    table = root / "refcoco" / "refs(unc).p"
    table.write_bytes(pickle.dumps(refs, 2))
    return Layout(
        lambda: ReferCoco(table, instances, root / "train2014", "train"), tables=(table, instances), images=files
    )


def visual7w(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"v7w_{number}.jpg", number) for number in (4, 5))
    boxes = [{"box_id": place, "x": place % 3, "y": 0, "width": 2, "height": 2} for place in range(8)]
    asked = [
        {
            "image_id": number, "filename": f"v7w_{number}.jpg", "split": "train",
            "qa_pairs": [
                {"qa_id": number, "question": "Which dog?", "answer": first, "multiple_choices": [first + 1, first + 3]}
            ],
        }
        for number, first in ((4, 0), (5, 4))
    ]  # fmt: skip
    table = text(root / "dataset_v7w_pointing.json", json.dumps({"boxes": boxes, "images": asked}))
    return Layout(lambda: Visual7wPointing(table, root / "images", "train"), tables=(table,), images=files)


def guesswhat(root: Path) -> Layout:
    things, files = coco_things(root)
    games = [
        {
            "id": number, "status": "success", "object_id": number * 10 + 1,
            "image": {"id": number, "file_name": file.name, "height": 4, "width": 6},
            "objects": [one for one in things["annotations"] if one["image_id"] == number],
            "qas": [{"id": 1, "question": "Is it a dog?", "answer": "Yes"}],
        }
        for number, file in zip((9, 25), files, strict=True)
    ]  # fmt: skip
    table = lines_of(root / "guesswhat.train.jsonl.gz", games)
    table.write_bytes(gzip.compress(table.read_bytes()))
    return Layout(lambda: GuessWhat(table, root / "train2014"), tables=(table,), images=files)


def nlvr2(root: Path) -> Layout:
    files = tuple(image_file(root / "dev" / f"dev-{n}-0-img{side}.png", n) for n in (1, 2) for side in (0, 1))
    keys = [f"dev-{n}-0-{place}" for n in (1, 2) for place in (0, 1)]
    rows = [{"sentence": "Two dogs.", "label": "True", "identifier": key} for key in keys]
    table = lines_of(root / "dev.json", rows)
    return Layout(lambda: Nlvr2(table, root / "dev"), tables=(table,), images=files)


def nlvr(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / "3" / f"dev-{n}-0-0.png", n) for n in (1, 2))
    rows = [{"sentence": "A box.", "label": "false", "identifier": f"{n}-0", "directory": "3"} for n in (1, 2)]
    table = lines_of(root / "dev.json", rows)
    return Layout(lambda: Nlvr(table, root / "images"), tables=(table,), images=files)


def vsr(root: Path) -> Layout:
    files = tuple(image_file(root / "train2017" / f"{n:012d}.jpg", n) for n in (9, 25))
    rows = [
        {"image": file.name, "image_link": f"http://x/train2017/{file.name}", "caption": "It is left.", "label": 1,
         "relation": "left of"}
        for file in files
    ]  # fmt: skip
    table = lines_of(root / "train.jsonl", rows)
    return Layout(lambda: Vsr(table, root), tables=(table,), images=files)


def refcocos(root: Path) -> Layout:
    files = tuple(image_file(root / "val2017" / f"{n:012d}.jpg", n) for n in (9, 25))
    data = [
        {"normal_caption": "the dog", "solution": box, "image": f"val2017/{file.name}", "height": 4, "width": 6,
         "annotation_id": file.stem}
        for file, box in zip(files, ([0, 0, 3, 3.5], None), strict=True)
    ]  # fmt: skip
    table = text(root / "refcocos_test.json", json.dumps(data))
    return Layout(lambda: RefCocos(table, root), tables=(table,), images=files)


def table(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"{number}.jpg", number) for number in range(2))
    path = text(root / "qa.csv", 'file,question,answer\n0.jpg,What?,dog\n1.jpg,"Where, then?",there\n')
    read = lambda: Table(path, image="file", text="question", labels={"answers": "answer"}, image_root=root / "images")  # noqa: E731
    return Layout(read, tables=(path,), images=files)


def hf_dataset(root: Path) -> Layout:
    datasets = pytest.importorskip("datasets")
    rows = {"image": [{"bytes": encoded(place), "path": None} for place in range(3)], "label": [0, 1, 1]}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    datasets.Dataset.from_dict(rows, features=features, split="train").save_to_disk(str(root))
    arrow = next(root.glob("*.arrow"))
    return Layout(lambda: HfDataset(root, image="image", labels={"class": "label"}), tables=(arrow,))


def webdataset(root: Path) -> Layout:
    path = root / "000.tar"
    with tarfile.open(path, "w") as tar:
        for place in range(3):
            for ending, data in (("jpg", encoded(place)), ("txt", b"A dog."), ("json", b'{"lang": "en"}')):
                member = tarfile.TarInfo(f"rows/{place}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return Layout(lambda: WebDataset(path, labels={"captions": "txt", "language": "json.lang"}), tables=(path,))


def webdataset_stream(root: Path) -> Layout:
    webdataset(root)
    shards = root / "000.tar"
    return Layout(
        lambda: WebDatasetStream(shards, labels={"captions": "txt", "language": "json.lang"}),
        tables=(root / "000.tar",),
    )


def coco_instances(root: Path) -> Layout:
    files = [image_file(root / "train2017" / f"{number:012d}.jpg", number) for number in (9, 25)]
    data = {
        "images": [{"id": number, "file_name": f"{number:012d}.jpg", "width": 6, "height": 4} for number in (9, 25)],
        "annotations": [
            {"image_id": 25, "id": place, "category_id": 3, "bbox": [1, 1, place, 2], "iscrowd": 0, "area": 1.5}
            for place in (1, 2)
        ],
        "categories": [{"id": 3, "name": "car"}, {"id": 1, "name": "person"}],
    }
    table = text(root / "annotations" / "instances_train2017.json", json.dumps(data))
    return Layout(lambda: CocoInstances(table, root / "train2017"), tables=(table,), images=tuple(files))


def pascal_voc(root: Path) -> Layout:
    names = ("000005", "000007")
    files = [image_file(root / "JPEGImages" / f"{name}.jpg", place) for place, name in enumerate(names)]
    box = "<xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>4</ymax>"
    thing = f"<object><name>car</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
    tables = [
        text(
            root / "Annotations" / f"{name}.xml",
            f"<annotation><filename>{name}.jpg</filename><size><width>6</width><height>4</height></size>"
            f"{thing}</annotation>",
        )
        for name in names
    ]
    split = text(root / "ImageSets" / "Main" / "train.txt", "\n".join(names) + "\n")
    return Layout(lambda: PascalVoc(root, "train"), tables=(*tables, split), images=tuple(files))


def voc_xml(root: Path) -> Layout:
    names = ("road0", "road1")
    files = [image_file(root / "images" / f"{name}.png", place) for place, name in enumerate(names)]
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>4</ymax></bndbox>"
    tables = [
        text(
            root / "annotations" / f"{name}.xml",
            f"<annotation><filename>{name}.png</filename><object><name>stop</name>{box}</object></annotation>",
        )
        for name in names
    ]
    listed = text(root / "train.txt", "\n".join(names) + "\n")
    read = lambda: VocXml(root / "annotations", root / "images", listed)  # noqa: E731
    return Layout(read, tables=(*tables, listed), images=tuple(files))


def visual_genome_objects(root: Path) -> Layout:
    files = (image_file(root / "VG_100K" / "4.jpg", 4), image_file(root / "VG_100K_2" / "5.jpg", 5))
    things = [{"object_id": number * 10, "x": 0, "y": 1, "w": 3, "h": 2, "names": ["dog"]} for number in (4, 5)]
    objects = text(
        root / "objects.json",
        json.dumps([{"image_id": number, "objects": [thing]} for number, thing in zip((4, 5), things, strict=True)]),
    )
    described = [{**thing, "attributes": ["brown"]} for thing in things]
    attributes = text(
        root / "attributes.json",
        json.dumps([{"image_id": number, "attributes": [one]} for number, one in zip((4, 5), described, strict=True)]),
    )
    return Layout(lambda: VisualGenomeObjects(objects, root, attributes), tables=(objects, attributes), images=files)


def yolo_labels(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / "train" / f"{number}.jpg", number) for number in range(2))
    tables = tuple(text(root / "labels" / "train" / f"{number}.txt", "1 0.5 0.5 0.5 0.5\n") for number in range(2))
    names = text(root / "data.yaml", "train: images/train\nnames:\n  0: person\n  1: car\n")
    read = lambda: YoloLabels(root / "images" / "train", root / "labels" / "train", names_file=names)  # noqa: E731
    return Layout(read, tables=(*tables, names), images=files, optional=tables)


def box_table(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"{number}.jpg", number) for number in range(2))
    rows = "".join(f"{number}.jpg,6,4,person,1,1,4,3\n" for number in range(2))
    table = text(root / "train_labels.csv", f"filename,width,height,class,xmin,ymin,xmax,ymax\n{rows}")
    return Layout(lambda: BoxTable(table, root / "images"), tables=(table,), images=files)


def labelme(root: Path) -> Layout:
    files = tuple(image_file(root / f"{number}.jpg", number) for number in range(2))
    shape = {"label": "person", "points": [[1, 1], [4, 3]], "shape_type": "rectangle"}
    tables = tuple(text(root / f"{number}.json", json.dumps({"shapes": [shape]})) for number in range(2))
    return Layout(lambda: LabelMe(root), tables=tables, images=files, own_rows=tables)


def label_studio(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"0a1b2c3d-{number}.jpg", number) for number in range(2))
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["person"]}
    result = {"from_name": "label", "type": "rectanglelabels", "value": value}
    tasks = [
        {"id": number, "data": {"image": f"/data/upload/1/{file.name}"}, "annotations": [{"result": [result]}]}
        for number, file in enumerate(files)
    ]
    export = text(root / "project-1.json", json.dumps(tasks))
    return Layout(lambda: LabelStudio(export, root / "images"), tables=(export,), images=files)


def cvat(root: Path) -> Layout:
    files = tuple(image_file(root / "images" / f"{number}.jpg", number) for number in range(2))
    box = '<box label="person" xtl="1" ytl="1" xbr="4" ybr="3"/>'
    rows = "".join(f'<image id="{n}" name="{n}.jpg" width="6" height="4">{box}</image>' for n in range(2))
    table = text(root / "annotations.xml", f"<annotations>{rows}</annotations>")
    return Layout(lambda: Cvat(table, root / "images"), tables=(table,), images=files)


def camvid(root: Path) -> Layout:
    files, maps = published_maps.write_camvid(root)
    return Layout(lambda: CamVid(root), images=tuple(files), maps=tuple(maps))


def bsds500(root: Path) -> Layout:
    files, maps = published_maps.write_bsds500(root)
    return Layout(lambda: Bsds500(root), images=tuple(files), maps=tuple(maps))


def seven_scenes(root: Path) -> Layout:
    files, maps = published_maps.write_seven_scenes(root)
    read = lambda: SevenScenes(root, normals="depth")  # noqa: E731
    return Layout(read, tables=(root / "TrainSplit.txt",), images=tuple(files), maps=tuple(maps))


def nyuv2(root: Path) -> Layout:
    path, splits, mapping = published_maps.write_nyuv2(root)
    return Layout(lambda: NyuV2(path, mapping=mapping), tables=(path, splits, mapping))


def taskonomy(root: Path) -> Layout:
    files, maps = published_maps.write_taskonomy(root)
    return Layout(lambda: Taskonomy(root), images=tuple(files), maps=tuple(maps))


def cityscapes(root: Path) -> Layout:
    files, maps, _ = published_maps.write_cityscapes(root)
    return Layout(lambda: Cityscapes(root), images=tuple(files), maps=tuple(maps))


def coco_panoptic(root: Path) -> Layout:
    files = [image_file(root / "train2017" / f"{number:012d}.jpg", number) for number in (9, 25)]
    data: dict[str, Any] = {
        "images": [{"id": number, "file_name": f"{number:012d}.jpg", "width": 6, "height": 4} for number in (9, 25)],
        "annotations": [],
        "categories": [{"id": 3, "name": "car", "isthing": 1}, {"id": 1, "name": "sky", "isthing": 0}],
    }
    for number in (9, 25):
        ids = np.zeros((4, 6, 3), dtype=np.uint8)
        ids[:2, :, 1], ids[2:, 3:, 0] = 1, number
        published_maps.values(root / "annotations" / "panoptic_train2017" / f"{number:012d}.png", ids)
        segments = [{"id": 256, "category_id": 1, "iscrowd": 0}, {"id": number, "category_id": 3, "iscrowd": 1}]
        entry = {"image_id": number, "file_name": f"{number:012d}.png", "segments_info": segments}
        data["annotations"].append(entry)
    table = text(root / "annotations" / "panoptic_train2017.json", json.dumps(data))
    return Layout(lambda: CocoPanoptic(table, root / "train2017"), tables=(table,), images=tuple(files))


def synthia(root: Path) -> Layout:
    files, maps = published_maps.write_synthia(root)
    return Layout(lambda: Synthia(root), images=tuple(files), maps=tuple(maps))


def vkitti2(root: Path) -> Layout:
    files, maps, tables = published_maps.write_vkitti2(root)
    read = lambda: VirtualKitti2(root, normals="depth")  # noqa: E731
    return Layout(read, tables=tuple(tables), images=tuple(files), maps=tuple(maps))


def ade20k(root: Path) -> Layout:
    files, maps = published_maps.write_ade20k(root)
    return Layout(lambda: Ade20k(root), images=tuple(files), maps=tuple(maps))


def coco_stuff(root: Path) -> Layout:
    images, labels = root / "train2017", root / "stuffthingmaps" / "train2017"
    files, maps = published_maps.write_coco_stuff(images, labels)
    return Layout(lambda: CocoStuff(images, labels), images=tuple(files), maps=tuple(maps))


def voc_segmentation(root: Path) -> Layout:
    files = tuple(image_file(root / "JPEGImages" / f"2007_{number:06}.jpg", number) for number in range(2))
    maps = tuple(published_maps.values(root / "SegmentationClass" / f"{file.stem}.png", 255) for file in files)
    listed = text(root / "ImageSets" / "Segmentation" / "train.txt", "".join(f"{file.stem}\n" for file in files))
    return Layout(lambda: VocSegmentation(root), tables=(listed,), images=files, maps=maps)


def map_folders(root: Path) -> Layout:
    files, _ = published_maps.write_rooms(root)
    folders = {"segmentation": root / "labels", "depth": root / "depth"}
    return Layout(lambda: MapFolders(root / "images", folders, names=("wall", "floor")), images=tuple(files[1:]))


def video_list(root: Path) -> Layout:
    table, files = published_videos.write_list(root)
    return Layout(lambda: VideoList(table, frames=Frames(3)), tables=(table,), images=tuple(files))


def video_folder(root: Path) -> Layout:
    files = published_videos.write_classes(root)
    return Layout(lambda: VideoFolder(root, frames=Frames(3)), images=tuple(files))


def kinetics(root: Path) -> Layout:
    files = published_videos.write_kinetics(root)
    return Layout(lambda: Kinetics(root, frames=Frames(3)), images=tuple(files))


def msvd(root: Path) -> Layout:
    table, files = published_videos.write_msvd(root)
    listed = text(root / "train.txt", "".join(f"{file.stem}\n" for file in files))
    read = lambda: Msvd(table, root / "YouTubeClips", listed, frames=Frames(3))  # noqa: E731
    return Layout(read, tables=(table, listed), images=tuple(files))


def glue(root: Path) -> Layout:
    rows = '0\tHe said "no".\tHe said no.\tentailment\n1\tA dog.\tA cat.\tnot_entailment\n'
    table = text(root / "RTE" / "train.tsv", "index\tsentence1\tsentence2\tlabel\n" + rows)
    return Layout(lambda: Glue(root, "rte", "train"), tables=(table,), sentences=True)


def text_lines(root: Path) -> Layout:
    lines = text(root / "sentences.txt", "A dog runs.\n\n Two cats.  \r\n")
    return Layout(lambda: TextLines(lines), tables=(lines,), sentences=True)


def snli_ve(root: Path) -> Layout:
    files = tuple(image_file(root / "flickr30k-images" / f"{name}.jpg", name) for name in (10, 36))
    rows = [
        {"Flickr30K_ID": file.stem, "sentence1": "A dog.", "sentence2": "It sleeps.", "gold_label": "contradiction",
         "pairID": f"{file.stem}.jpg#0r1c"}
        for file in files
    ]  # fmt: skip
    table = text(root / "snli_ve_train.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return Layout(lambda: SnliVe(table, root / "flickr30k-images"), tables=(table,), images=files)


def esnlive(root: Path) -> Layout:
    files = tuple(image_file(root / "flickr30k-images" / f"{name}.jpg", name) for name in (10, 36))
    rows = "".join(
        f'{place},{file.name}#0r1e,{file.name},"A dog, running.",entailment,It runs.\n'
        for place, file in enumerate(files)
    )
    table = text(root / "esnlive_train.csv", ",pairID,Flickr30kID,hypothesis,gold_label,explanation\n" + rows)
    return Layout(lambda: ESnliVe(table, root / "flickr30k-images"), tables=(table,), images=files)


LAYOUTS: dict[str, Callable[[Path], Layout]] = {
    "ImageFolder": image_folder,
    "Idx": idx,
    "CocoCaptions": coco_captions,
    "Flickr8k": flickr8k,
    "Flickr30k": flickr30k,
    "Multi30k": multi30k,
    "Vqav2": vqav2,
    "VisualGenomeQA": visual_genome_qa,
    "Gqa": gqa,
    "Conversations": conversations,
    "OcrLines": ocr_lines,
    "EasyVqa": easy_vqa,
    "CocoInstances": coco_instances,
    "PascalVoc": pascal_voc,
    "VocXml": voc_xml,
    "VisualGenomeObjects": visual_genome_objects,
    "YoloLabels": yolo_labels,
    "BoxTable": box_table,
    "LabelMe": labelme,
    "LabelStudio": label_studio,
    "Cvat": cvat,
    "CamVid": camvid,
    "Bsds500": bsds500,
    "SevenScenes": seven_scenes,
    "NyuV2": nyuv2,
    "Taskonomy": taskonomy,
    "Cityscapes": cityscapes,
    "Synthia": synthia,
    "VirtualKitti2": vkitti2,
    "Ade20k": ade20k,
    "CocoStuff": coco_stuff,
    "CocoPanoptic": coco_panoptic,
    "VocSegmentation": voc_segmentation,
    "MapFolders": map_folders,
    "VideoList": video_list,
    "VideoFolder": video_folder,
    "Kinetics": kinetics,
    "Msvd": msvd,
    "Glue": glue,
    "TextLines": text_lines,
    "SnliVe": snli_ve,
    "ESnliVe": esnlive,
    "ReferCoco": refer,
    "Visual7wPointing": visual7w,
    "GuessWhat": guesswhat,
    "Nlvr2": nlvr2,
    "Nlvr": nlvr,
    "Vsr": vsr,
    "RefCocos": refcocos,
    "Table": table,
    "HfDataset": hf_dataset,
    "WebDataset": webdataset,
    "WebDatasetStream": webdataset_stream,
}


@pytest.fixture(params=sorted(READERS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    return LAYOUTS[request.param](tmp_path)


def rows_of(reader: Reader) -> list[Example]:
    return [reader[index] for index in range(len(reader))]


def labels_of(rows: list[Example]) -> list[dict[str, Any]]:
    """All annotations, the maps decoded."""
    return [dict(row.labels) for row in rows]


def test_every_reader_has_a_layout() -> None:
    assert set(LAYOUTS) == set(READERS)


def test_rows_and_their_order_are_the_same_every_time(layout: Layout) -> None:
    first, second = layout.read(), layout.read()
    assert len(first) >= 2
    assert rows_of(first) == rows_of(second) == rows_of(first)


def test_ids_are_unique(layout: Layout) -> None:
    ids = [row.id for row in rows_of(layout.read())]
    assert len(set(ids)) == len(ids)


def test_keys_are_the_image_ids_one_an_image(layout: Layout) -> None:
    reader = layout.read()
    for index, row in enumerate(rows_of(reader)):
        assert reader.keys(index) == row.image_ids
        assert len(row.images) == len(row.image_ids)
        assert bool(row.images) != layout.sentences


def test_a_row_past_the_end_is_an_index_error(layout: Layout) -> None:
    reader = layout.read()
    with pytest.raises(IndexError):
        reader[len(reader)]
    with pytest.raises(IndexError):
        reader.keys(len(reader))


def test_images_decode_to_rgb(layout: Layout) -> None:
    for row in rows_of(layout.read()):
        for file in row.images:
            with Image.open(io.BytesIO(file.read())) as image:
                assert np.asarray(image.convert("RGB")).dtype == np.uint8


def test_images_are_files_or_bytes(layout: Layout) -> None:
    kinds = DiskImage | MemoryImage | VideoFrame
    assert all(isinstance(file, kinds) for row in rows_of(layout.read()) for file in row.images)


def test_readers_pickle_and_compare_by_what_they_were_given(layout: Layout) -> None:
    reader = layout.read()
    copy = pickle.loads(pickle.dumps(reader))
    assert copy == reader
    assert rows_of(copy) == rows_of(reader)


def test_readers_are_stored_as_data_and_come_back_with_the_same_rows(layout: Layout) -> None:
    reader, names = layout.read(), saved_names()
    data = json.loads(json.dumps(to_json(reader, base=Path.cwd())))
    names.check(data)
    again = from_json(data, names)
    assert again == reader
    assert rows_of(again) == rows_of(reader)


def test_readers_are_frozen(layout: Layout) -> None:
    reader = layout.read()
    field = next(iter(vars(reader)))
    with pytest.raises(AttributeError):
        setattr(reader, field, "another")


def test_counting_touches_no_image(layout: Layout) -> None:
    reader = layout.read()
    for file in layout.images:
        file.unlink()
    found = count(reader, reader)
    assert found.rows == 2 * len(reader)
    assert found.pairs == (0 if layout.sentences else found.rows)
    assert found.images == 2 * found.unique_images


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty"])
def test_a_damaged_table_is_an_error_that_names_it(layout: Layout, damage: str) -> None:
    for file in layout.tables:
        whole = file.read_bytes()
        match damage:
            case "missing":
                file.unlink()
            case "garbage":
                file.write_bytes(b"\xff\xfe\xf0\x00 no such format")
            case _:
                file.write_bytes(b"")
        if (file in layout.optional and damage != "garbage") or (file in layout.own_rows and damage == "missing"):
            rows_of(layout.read())
            file.write_bytes(whole)
            continue
        with pytest.raises(DataError) as caught:
            rows_of(layout.read())
        assert caught.value.path is not None
        assert (
            str(file).startswith(str(caught.value.path)) or damage == "empty"
        )  # the file, or the folder that needs it
        assert "\n" not in str(caught.value)
        assert "got" in str(caught.value)
        assert "want" in str(caught.value)
        file.write_bytes(whole)
    rows_of(layout.read())


def test_a_missing_image_is_an_error_that_names_the_row(layout: Layout) -> None:
    for file in layout.images:
        reader, whole = layout.read(), file.read_bytes()
        file.unlink()
        with pytest.raises(DataError, match=file.name) as caught:
            rows_of(reader)
        assert caught.value.row is not None
        file.write_bytes(whole)


@pytest.mark.parametrize("damage", [b"\xff\xfe\xf0\x00 no such format", b""])
def test_a_damaged_map_is_an_error_that_names_it_when_it_is_asked_for(layout: Layout, damage: bytes) -> None:
    for file in layout.maps:
        whole = file.read_bytes()
        file.write_bytes(damage)
        rows = rows_of(layout.read())
        with pytest.raises(DataError) as caught:
            labels_of(rows)
        assert caught.value.path == file
        assert "\n" not in str(caught.value)
        assert "got" in str(caught.value)
        assert "want" in str(caught.value)
        file.write_bytes(whole)
    labels_of(rows_of(layout.read()))


def test_a_missing_map_is_an_error_that_names_it_and_its_row(layout: Layout) -> None:
    for file in layout.maps:
        reader, whole = layout.read(), file.read_bytes()
        file.unlink()
        with pytest.raises(DataError, match=file.name) as caught:
            rows_of(reader)
        assert caught.value.row is not None
        file.write_bytes(whole)


# Where docs/DATA.md says that the files of a reader lie.
FOLDERS = {
    "ImageFolder": "data/pets/train",
    "Idx": "data/fashion_mnist",
    "CocoCaptions": "data/coco",
    "Flickr8k": "data/flickr8k",
    "Flickr30k": "data/flickr30k",
    "Multi30k": "data/multi30k",
    "Vqav2": "data/vqav2",
    "VisualGenomeQA": "data/vg",
    "Gqa": "data/gqa",
    "Conversations": "data/chats",
    "OcrLines": "data/receipts",
    "EasyVqa": "data/easy_vqa",
    "CocoInstances": "data/coco",
    "PascalVoc": "data/VOC2012",
    "VocXml": "data/roads",
    "VisualGenomeObjects": "data/vg",
    "YoloLabels": "data/traffic",
    "BoxTable": "data/streets",
    "LabelMe": "data/shapes",
    "LabelStudio": "data/project",
    "Cvat": "data/job",
    "CamVid": "data/CamVid",
    "Bsds500": "data/BSDS500/data",
    "SevenScenes": "data/chess",
    "NyuV2": "data/nyu",
    "Taskonomy": "data/taskonomy",
    "Cityscapes": "data/cityscapes",
    "Synthia": "data/synthia",
    "VirtualKitti2": "data/vkitti2",
    "Ade20k": "data/ADEChallengeData2016",
    "CocoStuff": "data/coco",
    "CocoPanoptic": "data/coco",
    "VocSegmentation": "data/VOC2012",
    "MapFolders": "data/rooms",
    "VideoList": "data/fights",
    "VideoFolder": "data/actions/train",
    "Kinetics": "data/kinetics400",
    "Msvd": "data/msvd",
    "Glue": "data/glue",
    "TextLines": "data/text",
    "SnliVe": "data/snli_ve",
    "ESnliVe": "data/esnlive",
    "ReferCoco": "data/refer",
    "Visual7wPointing": "data/visual7w",
    "GuessWhat": "data/guesswhat",
    "Nlvr2": "data/nlvr2",
    "Nlvr": "data/nlvr/dev",
    "Vsr": "data/vsr",
    "RefCocos": "data/refcocos",
    "Table": "data/mine",
    "HfDataset": "data/pets_hf",
    "WebDataset": "data/shards",
    "WebDatasetStream": "data/shards",
}
PAGE = (Path(__file__).parents[2] / "docs" / "DATA.md").read_text(encoding="utf-8")


def code_of(section: str) -> str:
    """The Python of a section of the page."""
    found = re.search(rf"^#+ {section}\n.*?^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, f"docs/DATA.md: no section {section} with a line of Python"
    return found[1]


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_page_shows_a_line_that_reads_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / FOLDERS[name]
    folder.mkdir(parents=True)
    LAYOUTS[name](folder)
    known: dict[str, Any] = {**READERS, "FASHION": FASHION, "Frames": Frames}
    exec(code_of(name), known)
    assert isinstance(known["reader"], READERS[name])
    assert len(rows_of(known["reader"])) == len(known["reader"]) >= 1


def test_the_page_recognises_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "flickr8k").mkdir(parents=True)
    flickr8k(tmp_path / "data" / "flickr8k")
    exec(code_of("Recognising a folder"), {})
    assert capsys.readouterr().out.startswith("Flickr8k captioning captions train 2 ")


def test_the_page_begins_with_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "flickr8k").mkdir(parents=True)
    flickr8k(tmp_path / "data" / "flickr8k")
    known: dict[str, Any] = {}
    exec(code_of("Data"), known)
    assert known["reader"].keys(0) == ("flickr/1000268201",)


def test_the_page_counts(tmp_path: Path) -> None:
    known: dict[str, Any] = {"reader": flickr8k(tmp_path).read()}
    exec(code_of("Counting"), known)
    assert known["count"](known["reader"]).unique_images == 2
