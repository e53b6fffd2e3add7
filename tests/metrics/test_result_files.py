import json
from pathlib import Path

import pytest

from motet.core import MetricError
from motet.metrics.result_files import answer_results, box_results, caption_results, write_results


def test_ids_that_are_no_number_stay_names() -> None:
    assert caption_results([("flickr8k/val/1000268201_693b.jpg", "a child")]) == [
        {"image_id": "1000268201_693b.jpg", "caption": "a child"}
    ]


def test_names_that_end_alike_stay_whole() -> None:
    boxes = {"boxes_xyxy": [[1.0, 2.0, 4.0, 8.0]], "labels": [0], "scores": [0.5]}
    ids = ("scenes/test/0/06cd", "scenes/test/1/06cd")
    assert [box["image_id"] for box in box_results([(row_id, boxes) for row_id in ids], (1,))] == list(ids)
    with pytest.raises(MetricError, match="image_id 'a': got a second set of boxes; want one per image"):
        box_results([("x/a", boxes), ("x/a", boxes)], (1,))


def test_two_answers_to_one_question_are_an_error() -> None:
    with pytest.raises(MetricError, match="question_id 7: got a second answer; want one per question_id"):
        answer_results([("vqa/val/7", "yes"), ("vqa/val/7", "no")])


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "captions.json"
    write_results(path, caption_results([("coco/val/5", "ein Hund läuft")]))
    assert json.loads(path.read_text()) == [{"image_id": 5, "caption": "ein Hund läuft"}]
    assert [entry.name for entry in path.parent.iterdir()] == ["captions.json"]


def test_a_path_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MetricError, match=r"result file: got .*; want a writable path"):
        write_results(tmp_path / "file" / "x.json", [])
