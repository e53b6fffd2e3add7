"""Referring expressions and pointing by their keys: splits, missing images, files that are something else."""

import json
from pathlib import Path
from typing import Any

from user_folders import images, summaries, write

from motet.data.detect import detect


def visual7w(root: Path, *splits: str) -> None:
    entries = [
        {
            "image_id": number,
            "filename": f"v7w_{number}.jpg",
            "split": split,
            "qa_pairs": [
                {"qa_id": number, "question": "Which one?", "answer": number, "multiple_choices": [], "type": "which"}
            ],
        }
        for number, split in enumerate(splits)
    ]
    boxes = [{"box_id": n, "x": 0, "y": 0, "width": 2, "height": 2, "name": "dog"} for n in range(len(splits))]
    write(root / "dataset_v7w_pointing.json", {"dataset": "visual7w-pointing", "boxes": boxes, "images": entries})


def game(**changes: Any) -> str:
    values = {"id": 1, "qas": [], "objects": [], "object_id": 1, "status": "success", "image": {"file_name": "9.jpg"}}
    return json.dumps(values | changes) + "\n"


def test_visual7w_has_an_entry_per_split_in_a_fixed_order(tmp_path: Path) -> None:
    visual7w(tmp_path, "val", "train", "val", "unknown")
    assert [(reader, kind, split) for reader, kind, _, split, _ in summaries(tmp_path)] == [
        ("Visual7wPointing", "pointing", "train"),
        ("Visual7wPointing", "pointing", "val"),
    ]


def test_missing_images_are_a_problem_with_the_name_of_one(tmp_path: Path) -> None:
    visual7w(tmp_path, "train")
    (found,) = detect(tmp_path)
    assert "got no folder with the image v7w_0.jpg" in found.problems[0]


def test_guesswhat_needs_all_its_keys(tmp_path: Path) -> None:
    images(tmp_path, "train2014/9.jpg", "val2014/8.jpg")
    write(tmp_path / "guesswhat.train.jsonl", game())
    (found,) = detect(tmp_path)
    assert (found.reader, found.split) == ("GuessWhat", "train")
    assert found.arguments["images"] == tmp_path  # games have images of both folders
    write(tmp_path / "guesswhat.train.jsonl", game().replace("object_id", "target"))
    assert detect(tmp_path) == ()


def test_a_json_that_only_looks_like_pointing_is_ignored(tmp_path: Path) -> None:
    write(tmp_path / "pointing.json", {"images": {}, "boxes": []})
    write(tmp_path / "pointing_broken.json", "{")
    assert detect(tmp_path) == ()
