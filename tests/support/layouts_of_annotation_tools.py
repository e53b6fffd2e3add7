"""The files that annotation tools on one's own computer save: LabelImg, LabelMe, Ultralytics."""

from __future__ import annotations

import base64
from pathlib import Path

from drawn_things import HEIGHT, NAMES, WIDTH, Thing, draw
from layouts import Found, Layout
from user_folders import write

COUNT = 12
LABELIMG_CLASSES = (
    "dog", "person", "cat", "tv", "car", "meatballs", "marinara sauce", "tomato soup", "chicken noodle soup",
    "french onion soup", "chicken breast", "ribs", "pulled pork", "hamburger", "cavity",
)  # fmt: skip
"""LabelImg's predefined_classes.txt, which it writes into every classes.txt."""


def yolo_line(thing: Thing, names: tuple[str, ...], digits: int = 6) -> str:
    """Returns the line of a box: class, centre, width and height, as shares of the image."""
    shares = (
        (thing.left + thing.right) / 2 / WIDTH,
        (thing.top + thing.bottom) / 2 / HEIGHT,
        thing.width / WIDTH,
        thing.height / HEIGHT,
    )
    return " ".join([str(names.index(thing.name)), *(f"{share:.{digits}f}" for share in shares)])


def write_labelimg_voc(root: Path) -> None:
    """LabelImg, format PascalVOC: the XML beside the image."""
    for number in range(COUNT):
        name = f"IMG_{number:04d}.jpg"
        objects = "".join(
            f"\t<object>\n\t\t<name>{thing.name}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
            f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{thing.left + 1}</xmin>\n"
            f"\t\t\t<ymin>{thing.top + 1}</ymin>\n\t\t\t<xmax>{thing.right}</xmax>\n\t\t\t<ymax>{thing.bottom}</ymax>\n"
            "\t\t</bndbox>\n\t</object>\n"
            for thing in draw(root / name, number)
        )
        write(
            root / f"IMG_{number:04d}.xml",
            f"<annotation>\n\t<folder>holiday</folder>\n\t<filename>{name}</filename>\n"
            f"\t<path>C:\\Users\\me\\Desktop\\holiday\\{name}</path>\n\t<source>\n\t\t<database>Unknown</database>\n"
            f"\t</source>\n\t<size>\n\t\t<width>{WIDTH}</width>\n\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n"
            f"\t</size>\n\t<segmented>0</segmented>\n{objects}</annotation>\n",
        )


def write_labelimg_yolo(root: Path) -> None:
    """LabelImg, format YOLO: the text and classes.txt beside the image."""
    for number in range(COUNT):
        things = draw(root / f"IMG_{number:04d}.jpg", number)
        lines = "".join(f"{yolo_line(thing, LABELIMG_CLASSES)}\n" for thing in things)
        write(root / f"IMG_{number:04d}.txt", lines)
    write(root / "classes.txt", "".join(f"{name}\n" for name in LABELIMG_CLASSES))


def write_labelme(root: Path) -> None:
    """LabelMe 5: a JSON per image, which has the image in it, too."""
    for number in range(COUNT):
        name = f"photo {number}.jpg"
        shapes: list[dict[str, object]] = [
            {"label": thing.name, "points": [[thing.left, thing.top], [thing.right, thing.bottom]], "group_id": None,
             "description": "", "shape_type": "rectangle", "flags": {}, "mask": None}
            for thing in draw(root / name, number)
        ]  # fmt: skip
        data = base64.b64encode((root / name).read_bytes()).decode()
        write(
            root / f"photo {number}.json",
            {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": name, "imageData": data,
             "imageHeight": HEIGHT, "imageWidth": WIDTH},
        )  # fmt: skip


def write_ultralytics(root: Path) -> None:
    """The data sets of Ultralytics YOLO, such as coco8: images/ and labels/ in the same splits, and a data.yaml."""
    for number in range(COUNT):
        split = "val" if number % 4 == 3 else "train"
        things = draw(root / "images" / split / f"{number:012d}.jpg", number)
        lines = "\n".join(yolo_line(thing, NAMES) for thing in things)
        write(root / "labels" / split / f"{number:012d}.txt", lines)
    for split in ("train", "val"):
        (root / "labels" / f"{split}.cache").write_bytes(b"\x93NUMPY\x01\x00")
    write(root / "LICENSE", "GNU AFFERO GENERAL PUBLIC LICENSE\n")
    write(root / "README.md", "# Pets\n")
    yaml = "# Ultralytics YOLO\npath: ../datasets/pets\ntrain: images/train # train images\nval: images/val\n"
    write(root / "data.yaml", f"{yaml}test: # test images (optional)\n\n# Classes\nnames:\n  0: cat\n  1: dog\n")


LAYOUTS = (
    Layout(
        "LabelImg, PascalVOC", write_labelimg_voc,
        (Found("boxes", "detection", {"": 12}, NAMES, ("IMG_0001.jpg",)),),
    ),
    Layout(
        "LabelImg, YOLO", write_labelimg_yolo,
        (Found("boxes", "detection", {"": 12}, LABELIMG_CLASSES, ("IMG_0001.jpg",)),),
    ),
    Layout(
        "LabelMe", write_labelme,
        (Found("boxes", "detection", {"": 12}, NAMES, ("photo 1.jpg",)),),
    ),
    Layout(
        "Ultralytics YOLO", write_ultralytics,
        (Found("boxes", "detection", {"train": 9, "val": 3}, NAMES, ("images/train/000000000001.jpg",)),),
    ),
)  # fmt: skip
