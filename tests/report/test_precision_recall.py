import numpy as np
import pytest

from motet.core import Boxes, BoxSet, Report
from motet.evaluation.predictions_io import annotation_to_json, prediction_to_json
from motet.metrics.boxes import BoxAP50
from motet.report import RunRecord
from motet.report.precision_recall import boxes_of, f1_of, precision_recall

NAMES = ("cat", "<dog>", "cow")
TARGET = Boxes(NAMES)


def some_boxes(rng: np.random.Generator, count: int, near: np.ndarray | None = None) -> np.ndarray:
    corners = rng.uniform(0, 60, (count, 2)) if near is None else near[:, :2] + rng.normal(0, 2, (len(near), 2))
    return np.concatenate([corners, corners + rng.uniform(18, 30, (len(corners), 2))], axis=1)


def images(count: int, *, crowds: bool = False) -> list[tuple[BoxSet, BoxSet]]:
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        corners = some_boxes(rng, 4)
        labels = rng.integers(0, 2, 4)
        crowd = rng.random(4) < 0.3 if crowds else np.zeros(0, dtype=bool)
        annotated = BoxSet(corners, labels, np.ones(4), crowd=crowd)
        near = np.concatenate([some_boxes(rng, 4, corners), some_boxes(rng, 2)])
        predicted = BoxSet(near, np.append(labels, rng.integers(0, 3, 2)), rng.random(6).astype(np.float32))
        found.append((predicted, annotated))
    return found


def lines_of(pairs: list[tuple[BoxSet, BoxSet]]) -> list[dict]:
    return [
        {
            "task": "find",
            "source": "find/val",
            "id": str(place),
            "prediction": prediction_to_json(predicted, TARGET),
            "ground_truth": annotation_to_json(annotated, TARGET),
        }
        for place, (predicted, annotated) in enumerate(pairs)
    ]


@pytest.fixture
def run(tmp_path, make_result) -> RunRecord:
    report = Report(results=(make_result("find", 50.0, metric="ap"),))
    return RunRecord(folder=tmp_path, tasks=("find",), seed=0, report=report)


@pytest.mark.parametrize("crowds", [False, True])
def test_the_area_below_each_curve_is_the_metrics_own_ap50(run, crowds) -> None:
    pairs, metric = images(40, crowds=crowds), BoxAP50()
    for place, (predicted, annotated) in enumerate(pairs):
        metric.update(str(place), predicted, annotated, TARGET)
    curves = precision_recall(lines_of(pairs), run)
    assert [one.name for one in curves] == ["cat", "<dog>"]  # no cow is annotated
    expected = metric.by_class()
    assert 5 < min(expected.values()) < 95
    # The file has hundredths of a pixel, which may turn one pair in very many.
    assert {NAMES.index(one.name): one.ap50 for one in curves} == pytest.approx(expected, abs=0.2)
    assert sum(one.num_annotated for one in curves) == sum(
        int((~pair[1].crowd).sum()) if crowds else len(pair[1].labels) for pair in pairs
    )


def test_precision_and_recall_by_hand(run) -> None:
    box = np.array([[0.0, 0.0, 40.0, 40.0], [50.0, 50.0, 90.0, 90.0]])
    annotated = BoxSet(box, np.array([0, 0]), np.ones(2))
    predicted = BoxSet(np.array([box[0], [0.0, 60.0, 9.0, 69.0], box[1]]), np.zeros(3, int), np.array([0.9, 0.8, 0.4]))
    (line,) = lines_of([(predicted, annotated)])
    (curve,) = precision_recall([line], run)
    assert curve.precision.tolist() == [1, 1 / 2, 2 / 3]
    assert curve.recall.tolist() == [1 / 2, 1 / 2, 1]
    assert curve.scores.tolist() == [0.9, 0.8, 0.4]
    assert curve.best_f1 == (pytest.approx(80.0), 0.4)
    assert f1_of(line, min_score=0.3) == pytest.approx(80.0)
    assert f1_of(line, min_score=0.85) == pytest.approx(200 / 3)
    assert f1_of(line, min_score=1.0) == 0.0
    nothing = BoxSet(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert f1_of(lines_of([(nothing, nothing)])[0], min_score=0.3) == 100.0


def test_a_class_that_is_never_detected_has_a_curve_without_points(run) -> None:
    nothing = BoxSet(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    (curve,) = precision_recall(lines_of([(nothing, images(1)[0][1])])[:1], run)[:1]
    assert (curve.ap50, curve.best_f1, len(curve.recall)) == (0.0, (0.0, None), 0)


@pytest.mark.parametrize(
    "entry",
    [
        "a cat",
        None,
        {"boxes_xyxy": [[0, 0, 1]], "labels": [0], "scores": [1], "names": ["cat"]},
        {"boxes_xyxy": [[0, 0, 1, 1]], "labels": ["x"], "scores": [1], "names": ["cat"]},
        {"boxes_xyxy": [[0, 0, 1, 1]], "labels": [0], "scores": [1, 2], "names": ["cat"]},
    ],
)
def test_entries_that_are_no_boxes_are_left_out(run, entry) -> None:
    assert boxes_of(entry) is None
    (line,) = lines_of(images(1))
    assert f1_of({**line, "prediction": entry}, min_score=0.3) is None
    assert precision_recall([{**line, "prediction": entry}], run) == ()


def test_boxes_that_are_not_valid_are_left_out(run) -> None:
    (line,) = lines_of(images(1))
    line["prediction"]["boxes_xyxy"][0] = [4.0, 4.0, 0.0, 0.0]
    assert precision_recall([line], run) == ()
    assert f1_of(line, min_score=0.0) is None
