"""The archives of sites with data sets: Roboflow, Kaggle, Open Images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from drawn_things import HEIGHT, NAMES, WIDTH, Thing, draw
from layouts import Found, Layout
from layouts_of_annotation_tools import yolo_line
from user_folders import write

_PARTS = {"train": range(8), "valid": range(8, 10), "test": range(10, 12)}
_ROWS = {"train": 8, "val": 2, "test": 2}


def _hash(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def _exported(number: int) -> str:
    """Returns the name that Roboflow gives to an image."""
    return f"IMG_{number:04d}_jpg.rf.{_hash(number)}"


def _readmes(root: Path, form: str) -> None:
    write(
        root / "README.dataset.txt",
        "# pets > 2025-03-01 10:20am\nhttps://universe.roboflow.com/me/pets-ab1cd\n\n"
        "Provided by a Roboflow user\nLicense: CC BY 4.0\n\n",
    )
    write(
        root / "README.roboflow.txt",
        "\npets - v1 2025-03-01 10:20am\n==============================\n\nThis dataset was exported via roboflow.com "
        f"on March 1, 2025 at 10:20 AM GMT\n\nThe dataset includes 12 images.\nPets are annotated in {form} format.\n\n"
        "The following pre-processing was applied to each image:\n* Auto-orientation of pixel data (with "
        "EXIF-orientation stripping)\n\nNo image augmentation techniques were applied.\n\n\n",
    )


def _drawn(root: Path, folder: str = "{}") -> Iterator[tuple[str, int, tuple[Thing, ...]]]:
    """Draws the images of every part, and yields the part, the number, and what the image shows."""
    for part, numbers in _PARTS.items():
        for number in numbers:
            yield part, number, draw(root / folder.format(part) / f"{_exported(number)}.jpg", number)


def write_roboflow_coco(root: Path) -> None:
    """Roboflow, COCO: the first category groups the others and has no box."""
    parts: dict[str, tuple[list[object], list[object]]] = {part: ([], []) for part in _PARTS}
    for part, number, things in _drawn(root):
        images, annotations = parts[part]
        place = len(images)
        images.append(
            {"id": place, "license": 1, "file_name": f"{_exported(number)}.jpg", "height": HEIGHT, "width": WIDTH,
             "date_captured": "2025-03-01T10:20:30+00:00", "extra": {"name": f"IMG_{number:04d}.jpg"}}
        )  # fmt: skip
        annotations += [
            {"id": len(annotations) + one, "image_id": place, "category_id": NAMES.index(thing.name) + 1,
             "bbox": [thing.left, thing.top, thing.width, thing.height], "area": thing.width * thing.height,
             "segmentation": [], "iscrowd": 0}
            for one, thing in enumerate(things)
        ]  # fmt: skip
    for part, (images, annotations) in parts.items():
        content = {
            "info": {"year": "2025", "version": "1", "description": "Exported from roboflow.com", "contributor": "",
                     "url": "https://public.roboflow.com/object-detection/undefined",
                     "date_created": "2025-03-01T10:20:30+00:00"},
            "licenses": [{"id": 1, "url": "https://creativecommons.org/licenses/by/4.0/", "name": "CC BY 4.0"}],
            "categories": [
                {"id": 0, "name": "pets", "supercategory": "none"},
                *({"id": place + 1, "name": name, "supercategory": "pets"} for place, name in enumerate(NAMES)),
            ],
            "images": images,
            "annotations": annotations,
        }  # fmt: skip
        write(root / part / "_annotations.coco.json", content)
    _readmes(root, "COCO")


def write_roboflow_yolo(root: Path) -> None:
    """Roboflow, YOLOv8: data.yaml has paths from another folder."""
    for part, number, things in _drawn(root, "{}/images"):
        lines = "\n".join(yolo_line(thing, NAMES, 16) for thing in things)
        write(root / part / "labels" / f"{_exported(number)}.txt", lines)
    write(
        root / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['cat', 'dog']\n\n"
        "roboflow:\n  workspace: me\n  project: pets-ab1cd\n  version: 1\n  license: CC BY 4.0\n"
        "  url: https://universe.roboflow.com/me/pets-ab1cd/dataset/1",
    )
    _readmes(root, "YOLOv8")


def write_roboflow_voc(root: Path) -> None:
    """Roboflow, Pascal VOC: the XML beside the images, without folders of VOC's own."""
    for part, number, things in _drawn(root):
        name = f"{_exported(number)}.jpg"
        objects = "".join(
            f"\t<object>\n\t\t<name>{thing.name}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
            "\t\t<difficult>0</difficult>\n\t\t<occluded>0</occluded>\n\t\t<bndbox>\n"
            f"\t\t\t<xmin>{thing.left + 1}</xmin>\n\t\t\t<xmax>{thing.right}</xmax>\n"
            f"\t\t\t<ymin>{thing.top + 1}</ymin>\n\t\t\t<ymax>{thing.bottom}</ymax>\n\t\t</bndbox>\n\t</object>\n"
            for thing in things
        )
        write(
            root / part / f"{_exported(number)}.xml",
            f"<annotation>\n\t<folder></folder>\n\t<filename>{name}</filename>\n\t<path>{name}</path>\n\t<source>\n"
            f"\t\t<database>roboflow.com</database>\n\t</source>\n\t<size>\n\t\t<width>{WIDTH}</width>\n"
            f"\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n{objects}"
            "</annotation>\n",
        )
    _readmes(root, "Pascal VOC")


def write_roboflow_csv(root: Path) -> None:
    """Roboflow, TensorFlow object detection CSV."""
    rows: dict[str, list[str]] = {part: ["filename,width,height,class,xmin,ymin,xmax,ymax"] for part in _PARTS}
    for part, number, things in _drawn(root):
        rows[part] += [
            f"{_exported(number)}.jpg,{WIDTH},{HEIGHT},{thing.name},{thing.left},{thing.top},{thing.right},{thing.bottom}"
            for thing in things
        ]
    for part, lines in rows.items():
        write(root / part / "_annotations.csv", "\n".join(lines))
    _readmes(root, "Tensorflow Object Detection")


def write_kaggle_table(root: Path) -> None:
    """Kaggle's "Dog Breed Identification": ids without an ending; the sample submission has every class as a column."""
    breeds = "beagle", "boxer", "pug"
    rows = ["id,breed"]
    for number in range(15):
        draw(root / "train" / f"{_hash(number)}.jpg", number)
        rows.append(f"{_hash(number)},{breeds[number % 3]}")
    write(root / "labels.csv", "\n".join(rows) + "\n")
    sample = ["id,beagle,boxer,pug"]
    for number in range(15, 19):
        draw(root / "test" / f"{_hash(number)}.jpg", number)
        sample.append(f"{_hash(number)},0.3333333,0.3333333,0.3333333")
    write(root / "sample_submission.csv", "\n".join(sample) + "\n")


def write_kaggle_folders(root: Path) -> None:
    """Kaggle's "Intel Image Classification": class folders in folders within folders, and images without a class."""
    for number in range(15):
        for part, count in (("train", 12), ("test", 3)):
            if number < count:
                name = ("buildings", "forest", "sea")[number % 3]
                draw(root / f"seg_{part}" / f"seg_{part}" / name / f"{number + 20000 * (part == 'test')}.jpg", number)
    for number in range(4):
        draw(root / "seg_pred" / "seg_pred" / f"{number + 50}.jpg", number)


def write_kaggle_boxes(root: Path) -> None:
    """Kaggle's "Global Wheat Detection": four numbers in a cell, images without wheat in no row."""
    rows = ["image_id,width,height,bbox,source"]
    for number in range(12):
        for thing in draw(root / "train" / f"{_hash(number)[:9]}.jpg", number):
            box = f"[{thing.left:.1f}, {thing.top:.1f}, {thing.width:.1f}, {thing.height:.1f}]"
            rows.append(f'{_hash(number)[:9]},{WIDTH},{HEIGHT},"{box}",usask_1')
    draw(root / "train" / f"{_hash(12)[:9]}.jpg", 12)
    write(root / "train.csv", "\n".join(rows) + "\n")
    sample = ["image_id,PredictionString"]
    for number in range(13, 15):
        draw(root / "test" / f"{_hash(number)[:9]}.jpg", number)
        sample.append(f"{_hash(number)[:9]},1.0 0 0 50 50")
    write(root / "sample_submission.csv", "\n".join(sample) + "\n")


def write_open_images(root: Path) -> None:
    """Open Images V7: boxes as shares of the image, classes as machine ids, and files about the images."""
    ids = {"cat": "/m/01yrx", "dog": "/m/0bt9lr"}
    columns = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
    )
    for part, numbers in (("train", range(9)), ("validation", range(9, 12))):
        boxes, labels, urls = [columns], ["ImageID,Source,LabelName,Confidence"], ["ImageID,Subset,OriginalURL"]
        for number in numbers:
            image = _hash(number)[:16]
            for thing in draw(root / part / f"{image}.jpg", number):
                sides = thing.left / WIDTH, thing.right / WIDTH, thing.top / HEIGHT, thing.bottom / HEIGHT
                values = ",".join(f"{side:.6f}" for side in sides)
                boxes.append(f"{image},xclick,{ids[thing.name]},1,{values},0,0,0,0,0")
                labels.append(f"{image},verification,{ids[thing.name]},1")
            urls.append(f"{image},{part},https://farm1.staticflickr.com/1/{number}_o.jpg")
        write(root / f"{'oidv6-' if part == 'train' else ''}{part}-annotations-bbox.csv", "\n".join(boxes) + "\n")
        write(root / f"{part}-annotations-human-imagelabels-boxable.csv", "\n".join(labels) + "\n")
        write(root / f"{part}-images-with-rotation.csv", "\n".join(urls) + "\n")
    write(root / "oidv7-class-descriptions-boxable.csv", "LabelName,DisplayName\n/m/01yrx,Cat\n/m/0bt9lr,Dog\n")


LAYOUTS = (
    Layout(
        "Roboflow, COCO", write_roboflow_coco,
        (Found("boxes", "detection", _ROWS, NAMES, (f"test/{_exported(10)}.jpg",)),),
    ),
    Layout(
        "Roboflow, YOLOv8", write_roboflow_yolo,
        (Found("boxes", "detection", _ROWS, NAMES, (f"test/images/{_exported(10)}.jpg",)),),
    ),
    Layout(
        "Roboflow, Pascal VOC", write_roboflow_voc,
        (Found("boxes", "detection", _ROWS, NAMES, (f"test/{_exported(10)}.jpg",)),),
    ),
    Layout(
        "Roboflow, TensorFlow CSV", write_roboflow_csv,
        (Found("boxes", "detection", _ROWS, NAMES, (f"test/{_exported(10)}.jpg",)),),
    ),
    Layout(
        "Kaggle, table of ids and classes", write_kaggle_table,
        (Found("kind", "classification", {"": 15}, ("beagle", "boxer", "pug"), (f"test/{_hash(15)}.jpg",)),),
        told=("sample_submission.csv", "test"),
    ),
    Layout(
        "Kaggle, class folders", write_kaggle_folders,
        (Found("kind", "classification", {"train": 12, "test": 3}, ("buildings", "forest", "sea"),
               ("seg_pred/seg_pred/50.jpg",)),),
        told=("seg_pred/seg_pred",),
    ),
    Layout(
        "Kaggle, table of boxes", write_kaggle_boxes,
        (Found("boxes", "detection", {"train": 12}, ("object",), (f"test/{_hash(13)[:9]}.jpg",)),),
        told=("sample_submission.csv", "test"),
    ),
    Layout(
        "Open Images V7", write_open_images,
        (Found("boxes", "detection", {"train": 9, "val": 3}, ("Cat", "Dog"), (f"train/{_hash(1)[:16]}.jpg",)),),
        told=tuple(f"{part}-annotations-human-imagelabels-boxable.csv" for part in ("train", "validation")),
    ),
)  # fmt: skip
