"""The archives that annotation servers export: Label Studio and CVAT."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from drawn_things import HEIGHT, NAMES, WIDTH, Thing, draw, things_of
from layouts import Found, Layout
from layouts_of_annotation_tools import yolo_line
from PIL import Image
from user_folders import write

COUNT = 12
_DATE = "2025-03-01T10:20:30.123456Z"
_COLOURS = {"background": (0, 0, 0), "cat": (250, 50, 83), "dog": (51, 221, 255)}


def _uploaded(number: int) -> str:
    """Returns the name that an upload to Label Studio gives to an image."""
    return f"{0x1A2B3C40 + number:08x}-{number}.jpg"


def _task(number: int, result: list[dict[str, object]]) -> dict[str, object]:
    """Returns a task of Label Studio's export "JSON"."""
    annotation = {
        "id": 100 + number, "completed_by": 1, "result": result, "was_cancelled": False, "ground_truth": False,
        "created_at": _DATE, "updated_at": _DATE, "draft_created_at": _DATE, "lead_time": 4.2, "prediction": {},
        "result_count": len(result), "unique_id": f"00000000-0000-0000-0000-{number:012d}", "import_id": None,
        "last_action": None, "bulk_created": False, "task": number + 1, "project": 7, "updated_by": 1,
        "parent_prediction": None, "parent_annotation": None, "last_created_by": None,
    }  # fmt: skip
    return {
        "id": number + 1, "annotations": [annotation], "file_upload": _uploaded(number), "drafts": [],
        "predictions": [], "data": {"image": f"/data/upload/7/{_uploaded(number)}"}, "meta": {}, "created_at": _DATE,
        "updated_at": _DATE, "allow_skip": True, "inner_id": number + 1, "total_annotations": 1,
        "cancelled_annotations": 0, "total_predictions": 0, "comment_count": 0, "unresolved_comment_count": 0,
        "last_comment_updated_at": None, "project": 7, "updated_by": 1, "comment_authors": [],
    }  # fmt: skip


def _studio_box(thing: Thing) -> dict[str, object]:
    """Returns the value of a box: percent of the image's sides."""
    return {
        "x": 100 * thing.left / WIDTH, "y": 100 * thing.top / HEIGHT, "width": 100 * thing.width / WIDTH,
        "height": 100 * thing.height / HEIGHT, "rotation": 0, "rectanglelabels": [thing.name],
    }  # fmt: skip


def write_label_studio_json(root: Path) -> None:
    """Label Studio, JSON: boxes; the images are the user's own, as they were before the upload."""
    tasks = []
    for number in range(COUNT):
        result: list[dict[str, object]] = [
            {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "value": _studio_box(thing),
             "id": f"r{number}{place}", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
             "origin": "manual"}
            for place, thing in enumerate(draw(root / "images" / f"{number}.jpg", number))
        ]  # fmt: skip
        tasks.append(_task(number, result))
    write(root / "project-7-at-2025-03-01-10-20-1a2b3c4d.json", tasks)


def write_label_studio_json_min(root: Path) -> None:
    """Label Studio, JSON-MIN: one choice per image; the images are those of the server's upload folder."""
    rows = []
    for number in range(COUNT):
        draw(root / "media" / "upload" / "7" / _uploaded(number), number)
        rows.append(
            {"image": f"/data/upload/7/{_uploaded(number)}", "id": number + 1, "choice": NAMES[number % 2],
             "annotator": 1, "annotation_id": 100 + number, "created_at": _DATE, "updated_at": _DATE,
             "lead_time": 4.2}
        )  # fmt: skip
    write(root / "project-7-at-2025-03-01-10-20-1a2b3c4d.json", rows)


def write_label_studio_yolo(root: Path) -> None:
    """Label Studio, YOLO with images: notes.json has the classes a second time."""
    for number in range(COUNT):
        things = draw(root / "images" / _uploaded(number), number)
        lines = "".join(f"{yolo_line(thing, NAMES, 17)}\n" for thing in things)
        write((root / "labels" / _uploaded(number)).with_suffix(".txt"), lines)
    write(root / "classes.txt", "cat\ndog\n")
    categories = [{"id": place, "name": name} for place, name in enumerate(NAMES)]
    write(
        root / "notes.json",
        {"categories": categories, "info": {"year": 2025, "version": "1.0", "contributor": "Label Studio"}},
    )


def write_cvat_images(root: Path) -> None:
    """CVAT, "CVAT for images 1.1"."""
    labels = "".join(
        f"          <label>\n            <name>{name}</name>\n            <color>#fa3253</color>\n"
        "            <type>any</type>\n            <attributes>\n            </attributes>\n          </label>\n"
        for name in NAMES
    )
    rows = []
    for number in range(COUNT):
        boxes = "".join(
            f'    <box label="{thing.name}" source="manual" occluded="0" xtl="{thing.left:.2f}" ytl="{thing.top:.2f}" '
            f'xbr="{thing.right:.2f}" ybr="{thing.bottom:.2f}" z_order="0">\n    </box>\n'
            for thing in draw(root / "images" / f"{number}.jpg", number)
        )
        rows.append(
            f'  <image id="{number}" name="{number}.jpg" width="{WIDTH}" height="{HEIGHT}">\n{boxes}  </image>\n'
        )
    write(
        root / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <job>\n'
        f"      <id>1</id>\n      <size>{COUNT}</size>\n      <mode>annotation</mode>\n      <overlap>0</overlap>\n"
        "      <bugtracker></bugtracker>\n      <created>2025-03-01 10:20:30.123456+00:00</created>\n"
        "      <updated>2025-03-01 10:20:30.123456+00:00</updated>\n      <subset>default</subset>\n"
        f"      <start_frame>0</start_frame>\n      <stop_frame>{COUNT - 1}</stop_frame>\n"
        "      <frame_filter></frame_filter>\n      <segments>\n        <segment>\n          <id>1</id>\n"
        f"          <start>0</start>\n          <stop>{COUNT - 1}</stop>\n          <url>http://localhost:8080/api/jobs/1"
        "</url>\n        </segment>\n      </segments>\n      <owner>\n        <username>me</username>\n"
        "        <email>me@example.org</email>\n      </owner>\n      <assignee></assignee>\n      <labels>\n"
        f"{labels}      </labels>\n    </job>\n    <dumped>2025-03-01 10:20:30.123456+00:00</dumped>\n  </meta>\n"
        f"{''.join(rows)}</annotations>\n",
    )


def write_cvat_coco(root: Path) -> None:
    """CVAT, "COCO 1.0"."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(COUNT):
        images.append(
            {"id": number + 1, "width": WIDTH, "height": HEIGHT, "file_name": f"{number}.jpg", "license": 0,
             "flickr_url": "", "coco_url": "", "date_captured": 0}
        )  # fmt: skip
        for thing in draw(root / "images" / "default" / f"{number}.jpg", number):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number + 1, "category_id": NAMES.index(thing.name) + 1,
                 "segmentation": [], "area": float(thing.width * thing.height),
                 "bbox": [float(thing.left), float(thing.top), float(thing.width), float(thing.height)], "iscrowd": 0,
                 "attributes": {"occluded": False, "rotation": 0.0}}
            )  # fmt: skip
    info = dict.fromkeys(("contributor", "date_created", "description", "url", "version", "year"), "")
    categories = [{"id": place + 1, "name": name, "supercategory": ""} for place, name in enumerate(NAMES)]
    content: Mapping[str, object] = {
        "licenses": [{"name": "", "id": 0, "url": ""}], "info": info, "categories": categories, "images": images,
        "annotations": annotations,
    }  # fmt: skip
    write(root / "annotations" / "instances_default.json", content)


def write_cvat_yolo(root: Path) -> None:
    """CVAT, "YOLO 1.1": the files of Darknet."""
    for number in range(COUNT):
        things = draw(root / "obj_train_data" / f"{number}.jpg", number)
        write(root / "obj_train_data" / f"{number}.txt", "".join(f"{yolo_line(thing, NAMES)}\n" for thing in things))
    write(root / "obj.names", "cat\ndog\n")
    write(
        root / "obj.data",
        "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n",
    )
    write(root / "train.txt", "".join(f"data/obj_train_data/{number}.jpg\n" for number in range(COUNT)))


def write_cvat_masks(root: Path) -> None:
    """CVAT, "Segmentation mask 1.1", with images: label images in colours, and labelmap.txt with what they mean."""
    for number in range(COUNT):
        draw(root / "JPEGImages" / f"{number}.jpg", number)
        classes = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        objects = classes.copy()
        for place, thing in enumerate(things_of(number)):
            box = np.s_[thing.top : thing.bottom, thing.left : thing.right]
            classes[box] = _COLOURS[thing.name]
            objects[box] = ((128, 0, 0), (0, 128, 0))[place]
        for folder, values in (("SegmentationClass", classes), ("SegmentationObject", objects)):
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(values).save(root / folder / f"{number}.png")
    lines = "".join(f"{name}:{red},{green},{blue}::\n" for name, (red, green, blue) in _COLOURS.items())
    write(root / "labelmap.txt", f"# label:color_rgb:parts:actions\n{lines}")
    write(root / "ImageSets" / "Segmentation" / "default.txt", "".join(f"{number}\n" for number in range(COUNT)))


LAYOUTS = (
    Layout(
        "Label Studio, JSON", write_label_studio_json,
        (Found("boxes", "detection", {"": 12}, NAMES, ("images/1.jpg",)),),
    ),
    Layout(
        "Label Studio, JSON-MIN", write_label_studio_json_min,
        (Found("kind", "classification", {"": 12}, NAMES, (f"media/upload/7/{_uploaded(1)}",)),),
    ),
    Layout(
        "Label Studio, YOLO with images", write_label_studio_yolo,
        (Found("boxes", "detection", {"": 12}, NAMES, (f"images/{_uploaded(1)}",)),),
    ),
    Layout(
        "CVAT for images 1.1", write_cvat_images,
        (Found("boxes", "detection", {"": 12}, NAMES, ("images/1.jpg",)),),
    ),
    Layout(
        "CVAT, COCO 1.0", write_cvat_coco,
        (Found("boxes", "detection", {"": 12}, NAMES, ("images/default/1.jpg",)),),
    ),
    Layout(
        "CVAT, YOLO 1.1 (Darknet)", write_cvat_yolo,
        (Found("boxes", "detection", {"train": 12}, NAMES, ("obj_train_data/1.jpg",)),),
    ),
    Layout(
        "CVAT, Segmentation mask 1.1", write_cvat_masks,
        (Found("segment", "segmentation", {"": 12}, ("background", *NAMES), ("JPEGImages/1.jpg",)),),
    ),
)  # fmt: skip
