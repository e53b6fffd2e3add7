"""Statements and what is meant: each format in its published layout is recognised, and its recipe can be run."""

import json
import os
import pickle
from pathlib import Path

import pytest
from PIL import Image

from motet.config.recipe_files import load_recipe
from motet.data.detect import detect
from motet.data.detect.dataset import DetectedDataset
from motet.scaffold.init import write_recipe
from motet.systems.twelve_in_one.config import TwelveInOneConfig


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), (len(path.name) * 7 % 256, 90, 30)).save(path)


def lines(path: Path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def nlvr2(root: Path) -> None:
    for part in ("train", "dev"):
        rows = [
            {"identifier": f"{part}-{n}-0-{n % 2}", "sentence": f"two dogs {n}", "label": "True", "directory": n}
            for n in range(6)
        ]
        lines(root / "data" / f"{part}.json", rows)
        for n in range(6):
            for side in (0, 1):
                folder = f"images/train/{n}" if part == "train" else "dev"
                picture(root / folder / f"{part}-{n}-0-img{side}.png")


def nlvr(root: Path) -> None:
    for part in ("train", "dev", "test"):
        rows = [
            {"identifier": f"{n}-0", "sentence": f"a box {n}", "label": "true", "directory": str(n % 2)}
            for n in range(6)
        ]
        lines(root / part / f"{part}.json", rows)
        for n in range(6):
            picture(root / part / "images" / str(n % 2) / f"{part}-{n}-0-0.png")


def vsr(root: Path) -> None:
    for part in ("train", "dev", "test"):
        rows = [
            {
                "image": f"{n:012d}.jpg", "image_link": f"http://images.cocodataset.org/train2017/{n:012d}.jpg",
                "caption": f"the cat is behind {n}", "label": n % 2, "relation": "behind",
            }
            for n in range(12)
        ]  # fmt: skip
        lines(root / "splits" / f"{part}.jsonl", rows)
    for n in range(12):
        picture(root / "images" / "train2017" / f"{n:012d}.jpg")


def refcoco(root: Path) -> None:
    splits = ("train",) * 6 + ("val", "testA", "testB")
    refs = [
        {
            "ref_id": n, "image_id": n, "ann_id": n, "split": split, "category_id": 1, "file_name": f"x_{n}_{n}.jpg",
            "sent_ids": [n], "sentences": [{"sent_id": n, "sent": f"the left one {n}", "raw": "", "tokens": []}],
        }
        for n, split in enumerate(splits)
    ]  # fmt: skip
    folder = root / "refcoco"
    folder.mkdir(parents=True)
    (folder / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    images = [{"id": n, "file_name": f"COCO_train2014_{n:012d}.jpg", "height": 40, "width": 60} for n in range(9)]
    boxes = [{"id": n, "image_id": n, "bbox": [2, 2, 30, 20], "category_id": 1} for n in range(9)]
    categories = [{"id": 1, "name": "cat"}]
    whole = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(whole))
    for image in images:
        picture(root / "images" / "train2014" / image["file_name"])


def refcocos(root: Path) -> None:
    rows = [
        {
            "annotation_id": f"a{n}", "image": f"val2017/{n:012d}.jpg", "width": 60, "height": 40,
            "normal_caption": f"nobody {n}", "solution": None if n % 3 == 0 else [1, 2, 30, 20],
        }
        for n in range(30)
    ]  # fmt: skip
    (root / "refcocos_test.json").write_text(json.dumps(rows))
    for n in range(30):
        picture(root / "val2017" / f"{n:012d}.jpg")


def visual7w(root: Path) -> None:
    boxes = [
        {"box_id": n, "x": 2 + n % 4, "y": 3, "width": 20, "height": 10, "image_id": n // 4, "name": "cat"}
        for n in range(36)
    ]
    splits = ("train",) * 6 + ("val", "test", "test")
    images = [
        {
            "image_id": n, "filename": f"v7w_{n}.jpg", "split": split, "dataset": "visual7w-pointing",
            "qa_pairs": [
                {
                    "qa_id": n, "image_id": n, "question": f"which one is it, {n}?", "answer": 4 * n, "type": "which",
                    "multiple_choices": [4 * n + 1, 4 * n + 2, 4 * n + 3],
                }
            ],
        }
        for n, split in enumerate(splits)
    ]  # fmt: skip
    whole = {"dataset": "visual7w-pointing", "images": images, "boxes": boxes}
    (root / "dataset_v7w_pointing.json").write_text(json.dumps(whole))
    for image in images:
        picture(root / "images" / image["filename"])


def guesswhat(root: Path) -> None:
    for part in ("train", "valid", "test"):
        games = [
            {
                "id": n, "status": "success", "object_id": 1, "questioner_id": 1, "qas": [
                    {"id": n, "question": "is it a cat?", "answer": "Yes"}
                ],
                "objects": [
                    {"id": 1, "bbox": [2, 2, 20, 20], "category": "cat", "category_id": 1, "area": 400},
                    {"id": 2, "bbox": [30, 2, 20, 20], "category": "dog", "category_id": 2, "area": 400},
                ],
                "image": {"id": n, "file_name": f"COCO_train2014_{n:012d}.jpg", "width": 60, "height": 40},
            }
            for n in range(6)
        ]  # fmt: skip
        lines(root / f"guesswhat.{part}.jsonl", games)
    for n in range(6):
        picture(root / "train2014" / f"COCO_train2014_{n:012d}.jpg")


SETS = {
    "nlvr2": (nlvr2, "Nlvr2", "pairs", {"train", "val"}),
    "nlvr": (nlvr, "Nlvr", "verification", {"train", "val", "test"}),
    "vsr": (vsr, "Vsr", "verification", {"train", "val", "test"}),
    "refcoco": (refcoco, "ReferCoco", "referring", {"train", "val", "test"}),
    "refcocos": (refcocos, "RefCocos", "referring", {"test"}),
    "visual7w": (visual7w, "Visual7wPointing", "pointing", {"train", "val", "test"}),
    "guesswhat": (guesswhat, "GuessWhat", "pointing", {"train", "val", "test"}),
}


def one_kind(found: tuple[DetectedDataset, ...], reader: str, kind: str) -> None:
    assert {(one.reader, one.kind) for one in found} == {(reader, kind)}
    assert not any(one.problems for one in found)
    assert all(one.rows > 0 for one in found)


@pytest.mark.parametrize("name", SETS)
def test_a_published_layout_is_recognised_and_becomes_a_run_of_12_in_1(tmp_path: Path, name: str) -> None:
    make, reader, kind, parts = SETS[name]
    make(tmp_path)
    found = detect(tmp_path)
    one_kind(found, reader, kind)
    assert {one.split for one in found} == parts
    recipe = tmp_path / f"recognised_{name}.py"  # a module has its name once
    assert write_recipe(tmp_path, recipe).runs == ("run",)
    run = load_recipe(f"{recipe}:run")
    assert isinstance(run.system, TwelveInOneConfig)
    assert {source.role for source in run.sources} >= {"train"}
    assert run.system.pairs == (("pair",) if kind == "pairs" else ())
    for source in run.sources:
        assert source.tasks[0].label in source.reader[0].labels


@pytest.mark.parametrize("name", [name for name in SETS if name != "nlvr"])
def test_images_that_are_not_there_are_told(tmp_path: Path, name: str) -> None:
    SETS[name][0](tmp_path)
    for file in [*tmp_path.rglob("*.jpg"), *tmp_path.rglob("*.png")]:
        file.unlink()
    found = detect(tmp_path)
    assert found
    assert all("got no folder with the image" in one.problems[0] for one in found)


def test_a_pickle_that_is_no_list_of_references_is_told(tmp_path: Path) -> None:
    refcoco(tmp_path)
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.")
    (found,) = detect(tmp_path)
    assert "refs(unc).p" in found.problems[0]


def test_other_lines_of_json_and_dialogs_are_left_to_others(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", [{"image": "p.jpg", "caption": "a cat"}])
    lines(tmp_path / "b.json", [{"identifier": "none", "sentence": "a", "label": "True"}])
    picture(tmp_path / "p.jpg")
    assert {one.kind for one in detect(tmp_path)} == {"captioning"}


DATA = os.environ.get("MOTET_DATA", "")


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="MOTET_DATA is not set")
@pytest.mark.parametrize(
    ("folder", "reader", "kind"),
    [
        ("nlvr", "Nlvr", "verification"), ("nlvr2_sample", "Nlvr2", "pairs"), ("vsr", "Vsr", "verification"),
        ("refcocos", "RefCocos", "referring"), ("guesswhat_sample", "GuessWhat", "pointing"),
    ],
)  # fmt: skip
def test_real_sets_are_recognised(tmp_path: Path, folder: str, reader: str, kind: str) -> None:
    (tmp_path / folder).symlink_to(Path(DATA) / folder)
    (tmp_path / "coco").symlink_to(Path(DATA) / "coco")
    found = [one for one in detect(tmp_path) if one.reader == reader]
    assert found
    assert {one.kind for one in found} == {kind}
    told = [problem for one in found for problem in one.problems]
    assert all("got no folder with the image" in problem for problem in told), told
    assert told or all(one.rows > 0 for one in found)
