"""The plan of a task counts its training rows, and the most boxes of an image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from motet.data.detect import DetectedDataset, detect
from motet.scaffold.task_plan import TaskPlan


def coco(folder: Path, boxes_per_image: list[int]) -> Path:
    """A folder of COCO boxes, with so many of them per image."""
    images, annotations = [], []
    for index, count in enumerate(boxes_per_image):
        Image.new("RGB", (32, 32)).save(folder / f"{index}.jpg")
        images.append({"id": index, "file_name": f"{index}.jpg", "width": 32, "height": 32})
        annotations += [
            {
                "id": 100 * index + box,
                "image_id": index,
                "category_id": 1,
                "bbox": [1, 1, 5, 5],
                "area": 25,
                "iscrowd": 0,
            }
            for box in range(count)
        ]
    categories = [{"id": 1, "name": "cell"}]
    (folder / "boxes.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return folder


@pytest.fixture
def entry(tmp_path: Path) -> DetectedDataset:
    (found,) = [one for one in detect(coco(tmp_path, [1, 4, 2])) if one.kind == "detection"]
    return found


def test_most_boxes_is_the_most_of_one_image(entry: DetectedDataset) -> None:
    assert TaskPlan("boxes", (entry,)).most_boxes() == 4


def test_only_training_splits_count_as_rows_and_are_trained_on(entry: DetectedDataset) -> None:
    from dataclasses import replace

    train, test = replace(entry, split="train", rows=7), replace(entry, split="test", rows=5)
    plan = TaskPlan("boxes", (test, train))
    assert plan.rows == 7
    assert plan.training is train
    assert (plan.kind, plan.reader) == ("detection", entry.reader)
