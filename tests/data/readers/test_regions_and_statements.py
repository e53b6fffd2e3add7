"""Referring, pointing and statements: what is legal, what is refused, and where it is said to be."""

import json
import os
import pickle
from pathlib import Path

import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import GuessWhat, Nlvr, Nlvr2, RefCocos, ReferCoco, Visual7wPointing, Vsr
from motet.tasks import verification

PHOTO = "COCO_train2014_000000000009.jpg"


@pytest.fixture
def refer(tmp_path, image, write):
    def reader(box=(0, 0, 3, 3), *, data=None, form="p", **changes):
        image(tmp_path / "train2014" / PHOTO)
        things = {
            "images": [{"id": 9, "file_name": PHOTO, "height": 4, "width": 6}],
            "annotations": [
                {"id": 90, "image_id": 9, "bbox": list(box)}, {"id": 91, "image_id": 9, "bbox": [2, 0, 0, 0]},
                {"id": 92, "image_id": 9, "bbox": [3, 1, 2, 2]},
            ],
        }  # fmt: skip
        ref = {"ref_id": 5, "ann_id": 92, "image_id": 9, "split": "val", "sentences": [{"sent_id": 7, "sent": "left"}]}
        refs = [{**ref, **changes}]
        file = tmp_path / "refcoco+" / f"refs(unc).{form}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(
            json.dumps(refs).encode() if form == "json" else pickle.dumps(refs, 2) if data is None else data
        )
        return ReferCoco(file, write(file.parent / "instances.json", things), tmp_path / "train2014", "val")

    return reader


@pytest.mark.parametrize("form", ["p", "json"])
def test_an_expression_means_one_of_the_boxes_that_are_sound(refer, form) -> None:
    row = refer(form=form)[0]
    assert (row.id, row.image_ids, row.text) == ("refcoco+/unc/val/5/7", ("coco/9",), "left")
    assert row.candidates == ((0, 0, 3, 3), (3, 1, 5, 3))  # a box without an area is none
    assert row.labels == {"region": (3, 1, 5, 3), "match": frozenset({1})}


def test_an_unknown_ref_says_which(refer) -> None:
    with pytest.raises(DataError, match=r"box: got the id 77; want one of the 3 boxes of its image .*row 0\)"):
        refer(ann_id=77)[0]
    with pytest.raises(DataError, match=r"image_id: got 8; want the id of an image of .*instances.json \(.*row 0\)"):
        refer(image_id=8)[0]
    with pytest.raises(DataError, match=r"box: got \(2, 0, 2, 0\) as left, top, right, bottom; want one with an area"):
        refer(ann_id=91)[0]
    with pytest.raises(DataError, match=r"refs: got no expression of the part 'val'.*known: test"):
        refer(split="test")
    with pytest.raises(DataError, match=r"bbox: got \[1.0\]; want left, top, width, height"):
        refer(box=(1,))
    with pytest.raises(DataError, match=r"sent: got an empty text; want words \(.*row 0\)"):
        refer(sentences=[{"sent_id": 1, "sent": " "}])[0]


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_malicious_refer_file_is_one_line(refer, tmp_path) -> None:
    with pytest.raises(DataError, match=r"pickle: got one that asks for \w+\.mkdir; .*was run\) .*refs") as caught:
        refer(data=pickle.dumps([Runs(tmp_path / "made")]))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.fixture
def pointing(tmp_path, image, write):
    def reader(**changes):
        image(tmp_path / "images" / "v7w_4.jpg")
        boxes = [{"box_id": key, "x": key, "y": 0, "width": 1, "height": 2} for key in range(4)]
        asked = {"qa_id": 11, "question": "Which?", "answer": 2, "multiple_choices": [0, 1, 3], **changes}
        data = {
            "boxes": boxes,
            "images": [{"image_id": 4, "filename": "v7w_4.jpg", "split": "val", "qa_pairs": [asked]}],
        }
        return Visual7wPointing(write(tmp_path / "dataset_v7w_pointing.json", data), tmp_path / "images", "val")

    return reader


def test_four_boxes_in_an_order_of_their_own(pointing) -> None:
    row = pointing()[0]
    assert sorted(row.candidates) == [(0, 0, 1, 2), (1, 0, 2, 2), (2, 0, 3, 2), (3, 0, 4, 2)]
    (place,) = row.labels["match"]
    assert row.candidates[place] == row.labels["region"] == (2, 0, 3, 2)
    assert {next(iter(pointing(qa_id=key)[0].labels["match"])) for key in range(30)} == {0, 1, 2, 3}
    assert row.image_ids == ("vg/4",)


def test_a_choice_without_a_box_is_an_error(pointing) -> None:
    with pytest.raises(DataError, match=r"multiple_choices: got the box 9; want two or more .*row 0.qa_pairs.0\)"):
        pointing(multiple_choices=[9])[0]
    with pytest.raises(DataError, match="multiple_choices: got 1 box; want two or more"):
        pointing(multiple_choices=[2])[0]


@pytest.fixture
def game(tmp_path, image, write):
    def reader(**changes):
        image(tmp_path / PHOTO)
        data = {
            "id": 1, "status": "success", "object_id": 92,
            "image": {"id": 9, "file_name": PHOTO, "height": 4, "width": 6},
            "objects": [{"id": 90, "bbox": [0, 0, 3, 3]}, {"id": 92, "bbox": [3, 1, 2, 2]}],
            "qas": [{"question": "is it red? ", "answer": "No"}, {"question": "blue?", "answer": "N/A"}], **changes,
        }  # fmt: skip
        return GuessWhat(write(tmp_path / "guesswhat.valid.jsonl", json.dumps(data)), tmp_path)

    return reader


def test_a_dialog_ends_at_an_object(game) -> None:
    row = game()[0]
    assert row.text == ("start is it red? answer no stop", "start blue? answer n/a stop")
    assert (row.id, row.labels["match"], row.labels["region"]) == ("guesswhat/valid/1", frozenset({1}), (3, 1, 5, 3))


def test_games_are_played_on_photos_of_two_folders(game, tmp_path, image) -> None:
    reader = game()
    (tmp_path / PHOTO).unlink()
    image(tmp_path / "train2014" / PHOTO)
    assert reader[0].images[0].read()


def test_a_dialog_without_an_answer_is_an_error(game) -> None:
    with pytest.raises(DataError, match=r"key 'answer': got an object without it; want it .*row 0\)"):
        game(qas=[{"question": "is it red?"}])[0]
    with pytest.raises(DataError, match=r"qas: got a dialog without a question; want at least one \(.*row 0\)"):
        game(qas=[])[0]
    with pytest.raises(DataError, match="answer: got 'maybe'; want Yes, No or N/A"):
        game(qas=[{"question": "is it red?", "answer": "maybe"}])[0]
    with pytest.raises(DataError, match="box: got the id 5; want one of the 2 boxes"):
        game(object_id=5)[0]
    with pytest.raises(DataError, match="status: got no game with success; want at least one"):
        game(status="failure")
    with pytest.raises(DataError, match="size: got 60 x 40; want 6 x 4 pixels"):
        game(image={"id": 9, "file_name": PHOTO, "height": 40, "width": 60})[0]


def test_a_row_of_nlvr2_with_one_image_is_an_error(tmp_path, image, write) -> None:
    image(tmp_path / "train" / "50" / "train-1-0-img0.png")
    line = {"sentence": "Two dogs.", "label": "True", "identifier": "train-1-0-1", "directory": 50}
    reader = Nlvr2(write(tmp_path / "train.json", json.dumps(line)), tmp_path / "train")
    with pytest.raises(DataError, match=r"image: got no file .*train-1-0-img1.png; want .*train.json, row 0\)"):
        reader[0]
    image(tmp_path / "train" / "50" / "train-1-0-img1.png")
    row = reader[0]
    assert (row.id, row.image_ids) == ("nlvr2/train-1-0-1", ("nlvr2/train-1-0-img0", "nlvr2/train-1-0-img1"))
    assert (row.labels, reader.names) == ({"class": 1}, verification().target.names)
    with pytest.raises(DataError, match="identifier: got '7'; want one like train-10171-0-0"):
        Nlvr2(write(tmp_path / "bad.json", json.dumps({**line, "identifier": "7"})), tmp_path)


def test_nlvr_finds_folders_that_its_file_does_not_name(tmp_path, image, write) -> None:
    for order in (0, 2):
        image(tmp_path / "images" / "3" / f"hidden-1-0-{order}.png")
    line = {"sentence": "A box.", "label": "false", "identifier": "1-0"}
    file = write(tmp_path / "hidden.json", json.dumps(line))
    reader = Nlvr(file, tmp_path / "images", orders=(0, 2))
    assert [row.id for row in (reader[0], reader[1])] == ["nlvr/hidden/1-0/0", "nlvr/hidden/1-0/2"]
    assert reader.keys(1) == ("nlvr/hidden-1-0-2",)
    with pytest.raises(ConfigError, match=r"Nlvr.orders: got \(6,\)"):
        Nlvr(file, tmp_path / "images", orders=(6,))


def test_statements_and_expressions_with_wrong_values(tmp_path, image, write) -> None:
    image(tmp_path / "000000000009.jpg")
    line = {"image": "000000000009.jpg", "caption": "It is left.", "label": 2, "relation": "left of"}
    with pytest.raises(DataError, match=r"label: got 2; want 0 for false or 1 for true \(.*row 0\)"):
        Vsr(write(tmp_path / "train.jsonl", json.dumps(line)), tmp_path)[0]
    entry = {"normal_caption": "dog", "solution": [0, 0, 99, 3], "image": "000000000009.jpg", "height": 4, "width": 6,
             "annotation_id": "a"}  # fmt: skip
    with pytest.raises(DataError, match=r"box: got \(0, 0, 99, 3\) as left, top, right, bottom; want .*6 x 4 pixels"):
        RefCocos(write(tmp_path / "refcocos_test.json", [entry]), tmp_path)[0]
    with pytest.raises(DataError, match=r"solution: got \[1\.0\]; want left, top, right, bottom, or null"):
        RefCocos(write(tmp_path / "refcocos_test.json", [{**entry, "solution": [1]}]), tmp_path)[0]


DATA = Path(os.environ.get("MOTET_DATA", "no data"))
real = pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="MOTET_DATA names no folder of real data")
READ = {
    "nlvr": (lambda: Nlvr(DATA / "nlvr/dev/dev.json", DATA / "nlvr/dev/images"), 989),
    "nlvr/hidden": (lambda: Nlvr(DATA / "nlvr/hidden/hidden.json", DATA / "nlvr/hidden/images", (0, 3)), 1970),
    "nlvr2": (lambda: Nlvr2(DATA / "nlvr2_sample/dev.json", DATA / "nlvr2_sample/dev"), 8),
    "vsr": (lambda: Vsr(DATA / "vsr/all_vsr_validated_data.subset.jsonl", DATA / "coco"), 40),
    "refcocos": (lambda: RefCocos(DATA / "refcocos/refcocos_test.subset.json", DATA / "coco"), 31),
}


@real
@pytest.mark.real_data
@pytest.mark.parametrize("name", READ)
def test_published_files_are_read_to_the_last_row(name) -> None:
    make, count = READ[name]
    reader = make()
    rows = [reader[place] for place in range(len(reader))]
    assert len(rows) == count
    assert len({row.id for row in rows}) == count
    if name == "refcocos":
        assert sum(row.labels["region"] is None for row in rows) == 4
    if name == "vsr":
        assert sum(row.labels["class"] for row in rows) == 17


@real
@pytest.mark.real_data
def test_a_published_game_is_read_but_for_its_photo() -> None:
    reader = GuessWhat(DATA / "guesswhat_sample" / "guesswhat.sample.jsonl", DATA / "coco")
    assert reader.keys(0) == ("coco/175527",)
    with pytest.raises(DataError, match=r"image: got no file .*COCO_train2014_000000175527.jpg; want .*row 0\)"):
        reader[0]
