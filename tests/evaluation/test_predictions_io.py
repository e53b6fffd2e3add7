import json
from pathlib import Path

import numpy as np
import pytest

from motet.core import (
    Boxes,
    BoxSet,
    ClassPrediction,
    ConfigError,
    DataError,
    Dense,
    DenseMap,
    Label,
    Match,
    ScalarPrediction,
    Score,
    TextPrediction,
)
from motet.evaluation.predictions_io import (
    annotation_to_json,
    confidence,
    prediction_to_json,
    read_lines,
    value_to_json,
    write_lines,
)

PETS = Label(("cat", "dog"))


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (TextPrediction("a cat"), PETS, "a cat"),
        (ClassPrediction(1), PETS, "dog"),
        (ClassPrediction(3, "third"), Match("texts"), "third"),
        (ClassPrediction(3), Match("texts"), 3),
        (ScalarPrediction(0.5), Score(0, 1), 0.5),
        (DenseMap(np.zeros((4, 6))), PETS, {"size": [4, 6]}),
    ],
)
def test_a_prediction_is_written_in_the_tasks_own_words(prediction, target, expected) -> None:
    assert prediction_to_json(prediction, target) == expected
    json.dumps(expected)


def test_annotations_are_names_tuples_and_sizes() -> None:
    assert annotation_to_json(1, PETS) == "dog"
    assert annotation_to_json(("a", "b"), Score(0, 1)) == ["a", "b"]
    assert annotation_to_json(frozenset({2, 1}), Match("texts")) == [1, 2]
    assert annotation_to_json(np.zeros((2, 3, 1)), Dense(1, "metre")) == {"size": [2, 3, 1]}


def test_boxes_are_written_as_lists() -> None:
    boxes = BoxSet(np.array([[0.0, 1.0, 2.0, 3.0]]), np.array([1]), np.array([0.5]))
    assert value_to_json(boxes) == {"boxes_xyxy": [[0, 1, 2, 3]], "labels": [1], "scores": [0.5], "attributes": []}


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    lines = [{"id": "a", "prediction": "ein Hund läuft"}, {"id": "b", "prediction": ""}]
    write_lines(path, lines)
    assert list(read_lines(path)) == lines


def test_a_failed_write_leaves_the_earlier_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    write_lines(path, [{"id": "a"}])

    def fails():
        yield {"id": "b"}
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigError, match="predictions: got No space left on device; want a writable path"):
        write_lines(path, fails())
    assert list(read_lines(path)) == [{"id": "a"}]


def test_the_error_of_a_damaged_file_has_its_row(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    with pytest.raises(DataError, match=r"got No such file .*; want a readable file \(.*predictions\.jsonl\)"):
        list(read_lines(path))
    path.write_text('{"id": "a"}\n[1]\n')
    with pytest.raises(DataError, match=r"got no object; want one JSON object per line .*row 1"):
        list(read_lines(path))
    path.write_text('{"id"')
    with pytest.raises(DataError, match=r"want a whole JSON value, one object per line .*row 0"):
        list(read_lines(path))


def test_ids_from_file_names_that_are_not_utf_8_come_back(tmp_path: Path) -> None:
    write_lines(tmp_path / "p.jsonl", [{"id": "f\udcfcr.jpg"}])
    assert [line["id"] for line in read_lines(tmp_path / "p.jsonl")] == ["f\udcfcr.jpg"]


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (ClassPrediction(1, scores=(0.0, 1.0)), PETS, 0.7311),
        (ClassPrediction(0, scores=(0.0, 1.0)), PETS, 0.2689),
        (ClassPrediction(0, scores=(1e5, 0.0)), PETS, 1.0),
        (ClassPrediction(0), PETS, None),
        (ClassPrediction(5, scores=(0.0, 1.0)), PETS, None),
        (ClassPrediction(0, scores=(0.0, float("nan"))), PETS, None),
        (ClassPrediction(0, scores=(0.0, 1.0)), Match("texts"), None),
        (TextPrediction("cat", log_prob=float(np.log(0.25))), PETS, 0.25),
        (TextPrediction("cat"), PETS, None),
        (ScalarPrediction(0.5), Score(0, 1), None),
        (BoxSet(np.zeros((2, 4)), np.zeros(2, dtype=int), np.array([0.2, 0.6])), Boxes(("cat",)), 0.6),
        (BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=int), np.zeros(0)), Boxes(("cat",)), None),
    ],
)
def test_the_confidence_is_a_probability_or_the_surest_box(prediction, target, expected) -> None:
    assert confidence(prediction, target) == expected


def test_crowds_are_written_where_there_are_some() -> None:
    corners, labels, ones = np.array([[0.0, 1.0, 2.0, 3.0]]), np.array([0]), np.ones(1)
    one = BoxSet(corners, labels, ones, crowd=np.array([True]))
    assert annotation_to_json(one, Boxes(("cat",)))["crowd"] == [True]
    assert "crowd" not in annotation_to_json(BoxSet(corners, labels, ones, crowd=np.array([False])), Boxes(("cat",)))
