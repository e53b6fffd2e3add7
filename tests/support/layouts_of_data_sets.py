"""Data sets of images as they are published, and as libraries save them: VOC, COCO, CamVid, ImageNet, Hugging Face."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from drawn_things import HEIGHT, NAMES, WIDTH, draw, things_of
from layouts import Found, Layout
from PIL import Image
from user_folders import write

VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_SYNSETS = ("n01440764", "tench, Tinca tinca"), ("n02102040", "English springer, English springer spaniel")
_ROADS = {"Sky": (128, 128, 128), "Road": (128, 64, 128), "Car": (64, 0, 128), "Void": (0, 0, 0)}


def caption(number: int) -> str:
    """Returns what image `number` shows, as a sentence."""
    first, *others = things_of(number)
    return f"A {first.name} in front of a {others[0].name}." if others else f"A {first.name} alone."


def _lines(path: Path, lines: list[str]) -> None:
    write(path, "".join(f"{line}\n" for line in lines))


def write_voc2012(root: Path) -> None:
    """Pascal VOC 2012: boxes and classes of pixels, each with lists of its own, and lists per class."""
    voc = root / "VOCdevkit" / "VOC2012"
    keys = [f"2007_{number:06d}" for number in range(12)]
    palette = [part for value in range(256) for part in (value, 255 - value, value // 2)]
    for number, key in enumerate(keys):
        objects = "".join(
            f"\t<object>\n\t\t<name>{thing.name}</name>\n\t\t<pose>Left</pose>\n\t\t<truncated>0</truncated>\n"
            f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{thing.left + 1}</xmin>\n"
            f"\t\t\t<ymin>{thing.top + 1}</ymin>\n\t\t\t<xmax>{thing.right}</xmax>\n\t\t\t<ymax>{thing.bottom}</ymax>\n"
            "\t\t</bndbox>\n\t</object>\n"
            for thing in draw(voc / "JPEGImages" / f"{key}.jpg", number)
        )
        write(
            voc / "Annotations" / f"{key}.xml",
            f"<annotation>\n\t<folder>VOC2012</folder>\n\t<filename>{key}.jpg</filename>\n\t<source>\n"
            "\t\t<database>The VOC2007 Database</database>\n\t\t<annotation>PASCAL VOC2007</annotation>\n"
            f"\t\t<image>flickr</image>\n\t</source>\n\t<size>\n\t\t<width>{WIDTH}</width>\n"
            f"\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>1</segmented>\n{objects}"
            "</annotation>\n",
        )
        for folder in ("SegmentationClass", "SegmentationObject"):
            values = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
            for place, thing in enumerate(things_of(number)):
                box = np.s_[thing.top : thing.bottom, thing.left : thing.right]
                values[box] = 255
                inner = np.s_[thing.top + 1 : thing.bottom - 1, thing.left + 1 : thing.right - 1]
                values[inner] = VOC_NAMES.index(thing.name) if folder == "SegmentationClass" else place + 1
            image = Image.fromarray(values, "P")
            image.putpalette(palette)
            (voc / folder).mkdir(exist_ok=True)
            image.save(voc / folder / f"{key}.png")
    for part, part_keys in {"train": keys[:8], "val": keys[8:], "trainval": keys}.items():
        for folder in ("Main", "Segmentation"):
            _lines(voc / "ImageSets" / folder / f"{part}.txt", part_keys)
        for name in NAMES:
            shown = [any(thing.name == name for thing in things_of(int(key[5:]))) for key in part_keys]
            marks = [f"{key} {' 1' if mark else '-1'}" for key, mark in zip(part_keys, shown, strict=True)]
            _lines(voc / "ImageSets" / "Main" / f"{name}_{part}.txt", marks)
        _lines(voc / "ImageSets" / "Layout" / f"{part}.txt", [f"{key}  1" for key in part_keys])


def write_camvid(root: Path) -> None:
    """CamVid as Kaggle has it: label images in colours, called _L, and class_dict.csv."""
    for part, numbers in {"train": range(8), "val": range(8, 10), "test": range(10, 12)}.items():
        for number in numbers:
            name = f"0001TP_{number:06d}"
            draw(root / part / f"{name}.png", number)
            colours = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
            colours[: HEIGHT // 2], colours[HEIGHT // 2 :] = _ROADS["Sky"], _ROADS["Road"]
            for thing in things_of(number):
                colours[thing.top : thing.bottom, thing.left : thing.right] = _ROADS["Car"]
            colours[:2, :2] = _ROADS["Void"]
            (root / f"{part}_labels").mkdir(exist_ok=True)
            Image.fromarray(colours).save(root / f"{part}_labels" / f"{name}_L.png")
    rows = [f"{name}, {red}, {green}, {blue}" for name, (red, green, blue) in _ROADS.items()]
    _lines(root / "class_dict.csv", ["name,r,g,b", *rows])


def write_coco2017(root: Path) -> None:
    """COCO 2017: captions, instances and keypoints of the same images."""
    head = {
        "info": {"description": "COCO 2017 Dataset", "url": "http://cocodataset.org", "version": "1.0", "year": 2017,
                 "contributor": "COCO Consortium", "date_created": "2017/09/01"},
        "licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "Attribution License"}],
    }  # fmt: skip
    categories = [
        {"supercategory": "animal", "id": 17, "name": "cat"},
        {"supercategory": "animal", "id": 18, "name": "dog"},
    ]
    for part, numbers in {"train2017": range(1, 10), "val2017": range(10, 13)}.items():
        images, captions, instances, keypoints = [], [], [], []
        for number in numbers:
            name = f"{number:012d}.jpg"
            images.append(
                {"license": 4, "file_name": name, "coco_url": f"http://images.cocodataset.org/{part}/{name}",
                 "height": HEIGHT, "width": WIDTH, "date_captured": "2013-11-14 17:02:52",
                 "flickr_url": "http://farm7.staticflickr.com/1/1_z.jpg", "id": number}
            )  # fmt: skip
            for place, thing in enumerate(draw(root / part / name, number)):
                corners = [thing.left, thing.top, thing.right, thing.top, thing.right, thing.bottom]
                box = {
                    "segmentation": [[float(side) for side in corners]], "area": 0.5 * thing.width * thing.height,
                    "iscrowd": 0, "image_id": number, "category_id": 17 + NAMES.index(thing.name),
                    "bbox": [float(thing.left), float(thing.top), float(thing.width), float(thing.height)],
                    "id": 10 * number + place,
                }  # fmt: skip
                instances.append(box)
                keypoints.append({**box, "num_keypoints": 1, "keypoints": [4, 5, 2]})
            for place in range(5):
                captions.append({"image_id": number, "id": 10 * number + place, "caption": caption(number)})
        files = {
            "captions": {**head, "images": images, "annotations": captions},
            "instances": {**head, "images": images, "annotations": instances, "categories": categories},
            "person_keypoints": {**head, "images": images, "annotations": keypoints, "categories": categories},
        }
        for name, content in files.items():
            write(root / "annotations" / f"{name}_{part}.json", content)


def write_imagenet(root: Path) -> None:
    """ImageNet in torchvision's folders: a folder per synset, in train/ and val/."""
    for number in range(15):
        synset = _SYNSETS[number % 2][0]
        if number < 12:
            draw(root / "train" / synset / f"{synset}_{number}.JPEG", number)
        else:
            draw(root / "val" / synset / f"ILSVRC2012_val_{number:08d}.JPEG", number)
    (root / "meta.bin").write_bytes(b"PK\x03\x04")
    _lines(root / "LOC_synset_mapping.txt", [f"{synset} {words}" for synset, words in _SYNSETS])


def write_imagenette(root: Path) -> None:
    """fastai's Imagenette: the folders of ImageNet, and a table of the same images with wrong labels."""
    rows = ["path,noisy_labels_0,noisy_labels_1,noisy_labels_5,noisy_labels_25,noisy_labels_50,is_valid"]
    for number in range(15):
        part, synset = ("val" if number >= 12 else "train"), _SYNSETS[number % 2][0]
        place = f"{part}/{synset}/{synset}_{number}.JPEG"
        draw(root / place, number)
        rows.append(
            f"{place},{synset},{synset},{synset},{_SYNSETS[number % 3 % 2][0]},{_SYNSETS[0][0]},{part == 'val'}"
        )
    _lines(root / "noisy_imagenette.csv", rows)


def write_flower_photos(root: Path) -> None:
    """TensorFlow's flower_photos, as Keras unpacks it: class folders and a licence."""
    for number in range(12):
        draw(root / ("daisy", "roses", "tulips")[number % 3] / f"{100080576 + number}_f52e8ee070_n.jpg", number)
    write(
        root / "LICENSE.txt",
        "All images in this archive are licensed under the Creative Commons By-Attribution License\n",
    )


def write_autogluon(root: Path) -> None:
    """AutoGluon's Shopee data: paths and numbers of classes, with the index that pandas writes."""
    for part, numbers in {"train": range(12), "test": range(12, 15)}.items():
        rows = [",image,label"]
        for place, number in enumerate(numbers):
            image = f"{part}/{('BabyPants', 'BabyShirt', 'womencasualshoes')[number % 3]}_{number}.jpg"
            draw(root / "data" / image, number)
            rows.append(f"{place},data/{image},{number % 3}")
        _lines(root / f"{part}.csv", rows)


def write_hf_imagefolder(root: Path) -> None:
    """A Hugging Face imagefolder with metadata.jsonl: the texts are captions."""
    for part, numbers in {"train": range(12), "test": range(12, 15)}.items():
        rows = []
        for number in numbers:
            draw(root / part / f"{number:04d}.png", number)
            rows.append(json.dumps({"file_name": f"{number:04d}.png", "text": caption(number)}))
        _lines(root / part / "metadata.jsonl", rows)
    write(root / "README.md", "---\nlicense: cc-by-4.0\ntask_categories:\n- image-to-text\n---\n# Pets\n")


def write_hf_saved(root: Path) -> None:
    """A Hugging Face data set of two splits with images, saved with `save_to_disk`."""
    parts = {}
    for part, numbers in {"train": range(12), "test": range(12, 15)}.items():
        images = []
        for number in numbers:
            file = io.BytesIO()
            draw(root.parent / "drawn.png", number)
            with Image.open(root.parent / "drawn.png") as image:
                image.save(file, "PNG")
            images.append({"bytes": file.getvalue(), "path": f"{number}.png"})
        features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(NAMES))})
        rows = {"image": images, "label": [number % 2 for number in numbers]}
        parts[part] = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict(parts).save_to_disk(str(root / "pets_hf"))


def write_img2dataset(root: Path) -> None:
    """WebDataset tars of img2dataset, which writes what it knows of each image a second time, as Parquet."""
    for shard in range(2):
        about = []
        (root / "laion").mkdir(parents=True, exist_ok=True)
        with tarfile.open(root / "laion" / f"{shard:05d}.tar", "w") as tar:
            for place in range(6):
                number, key = 6 * shard + place, f"{shard:05d}{place:04d}"
                draw(root.parent / "drawn.jpg", number)
                known = {
                    "caption": caption(number), "url": f"https://example.org/{number}.jpg", "key": key,
                    "status": "success", "error_message": None, "width": WIDTH, "height": HEIGHT,
                    "original_width": WIDTH, "original_height": HEIGHT, "exif": "{}", "sha256": f"{number:064x}",
                }  # fmt: skip
                about.append(known)
                members = {
                    "jpg": (root.parent / "drawn.jpg").read_bytes(),
                    "json": json.dumps(known, indent=4).encode(),
                    "txt": caption(number).encode(),
                }
                for ending, content in members.items():
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        pq.write_table(pa.Table.from_pylist(about), root / "laion" / f"{shard:05d}.parquet")
        stats = {"count": 6, "successes": 6, "failed_to_download": 0, "failed_to_resize": 0, "duration": 1.5,
                 "start_time": 1.0, "end_time": 2.5, "status_dict": {"success": 6}}  # fmt: skip
        write(root / "laion" / f"{shard:05d}_stats.json", json.dumps(stats, indent=4))


_CLASSES = ("n01440764", "n02102040")
LAYOUTS = (
    Layout(
        "Pascal VOC 2012", write_voc2012,
        (
            Found("boxes", "detection", {"train": 8, "val": 4}, NAMES,
                  ("VOCdevkit/VOC2012/JPEGImages/2007_000001.jpg",)),
            Found("segment", "segmentation", {"train": 8, "val": 4}, VOC_NAMES,
                  ("VOCdevkit/VOC2012/JPEGImages/2007_000001.jpg",)),
        ),
    ),
    Layout(
        "CamVid", write_camvid,
        (Found("segment", "segmentation", {"train": 8, "val": 2, "test": 2}, tuple(_ROADS),
               ("test/0001TP_000010.png",)),),
    ),
    Layout(
        "COCO 2017", write_coco2017,
        (
            Found("caption", "captioning", {"train": 9, "val": 3}, (), ("val2017/000000000010.jpg",)),
            Found("boxes", "detection", {"train": 9, "val": 3}, NAMES, ("val2017/000000000010.jpg",)),
        ),
        told=("annotations/person_keypoints_train2017.json and 1 more",),
    ),
    Layout(
        "ImageNet, torchvision", write_imagenet,
        (Found("kind", "classification", {"train": 12, "val": 3}, _CLASSES,
               ("val/n01440764/ILSVRC2012_val_00000012.JPEG",)),),
    ),
    Layout(
        "Imagenette, fastai", write_imagenette,
        (Found("kind", "classification", {"train": 12, "val": 3}, _CLASSES, ("val/n01440764/n01440764_12.JPEG",)),),
        told=("noisy_imagenette.csv",),
    ),
    Layout(
        "flower_photos, Keras", write_flower_photos,
        (Found("kind", "classification", {"": 12}, ("daisy", "roses", "tulips"),
               ("daisy/100080576_f52e8ee070_n.jpg",)),),
    ),
    Layout(
        "AutoGluon, table of paths", write_autogluon,
        (Found("kind", "classification", {"train": 12, "test": 3}, ("0", "1", "2"), ("data/test/BabyPants_12.jpg",)),),
    ),
    Layout(
        "Hugging Face, imagefolder", write_hf_imagefolder,
        (Found("caption", "captioning", {"train": 12, "test": 3}, (), ("test/0012.png",)),),
    ),
    Layout(
        "Hugging Face, save_to_disk", write_hf_saved,
        (Found("kind", "classification", {"train": 12, "test": 3}, NAMES, ("../drawn.png",)),),
    ),
    Layout(
        "WebDataset, img2dataset", write_img2dataset,
        (Found("caption", "captioning", {"": 12}, (), ("../drawn.jpg",)),),
    ),
)  # fmt: skip
