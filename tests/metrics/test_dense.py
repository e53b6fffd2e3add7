"""Metrics of maps, worked out by hand, and what they refuse."""

import numpy as np
import pytest

from motet.core import ClassPrediction, Dense, DenseMap, Label, MetricError
from motet.metrics import (
    METRICS,
    AngleWithin11,
    AngleWithin30,
    DepthAbsRel,
    DepthRMSE,
    DepthRMSEScaled,
    DepthWithin,
    EdgeF1,
    EdgeF1Positive,
    MeanAngleDeg,
    MeanIoU,
    PixelAccuracy,
)

CLASSES = Dense(3, "class", ("ground", "cat", "dog"))
METRES, NORMALS, EDGES = Dense(1, "metre"), Dense(3, "unit vector"), Dense(1, "probability")
NAN = float("nan")
OF_UNIT = {"class": CLASSES, "metre": METRES, "unit vector": NORMALS, "probability": EDGES}
ALL = {
    "miou": CLASSES, "pixel_accuracy": CLASSES, "rmse": METRES, "rmse_scaled": METRES, "abs_rel": METRES,
    "abs_rel_scaled": METRES, "delta1": METRES, "mean_angle_deg": NORMALS, "within_11": NORMALS, "within_30": NORMALS,
    "edge_f1": EDGES, "edge_f1_positive": EDGES,
}  # fmt: skip


def some_map(target: Dense, rng: np.random.Generator, size_hw=(5, 6)) -> np.ndarray:
    match target.unit:
        case "class":
            return rng.integers(0, 3, size_hw)
        case "metre":
            return rng.uniform(1, 9, size_hw)
        case "unit vector":
            vectors = rng.normal(size=(*size_hw, 3))
            return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return rng.random(size_hw)


def filled(metric, target: Dense, rows: int = 6):
    rng = np.random.default_rng(0)
    for row in range(rows):
        metric.update(f"r{row}", DenseMap(some_map(target, rng)), some_map(target, rng), target)
    return metric


@pytest.mark.parametrize("name", ALL)
def test_a_perfect_map_has_the_best_number(name: str) -> None:
    metric, rng = METRICS[name](), np.random.default_rng(0)
    annotation = some_map(ALL[name], rng)
    metric.update("a", DenseMap(annotation), annotation, ALL[name])
    assert metric.compute() == pytest.approx(100.0 if metric.higher_is_better else 0.0, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_ranks_merge_and_draws_are_numbers_over_repeated_rows(name: str) -> None:
    whole = filled(METRICS[name](), ALL[name])
    first, second = METRICS[name](), METRICS[name]()
    first.rows = {row: kept for row, kept in whole.rows.items() if row < "r3"}
    second.rows = {row: kept for row, kept in whole.rows.items() if row >= "r3"}
    first.merge(second)
    assert first.compute() == pytest.approx(whole.compute())
    ids, counts = sorted(whole.rows), np.array([[1, 1, 1, 1, 1, 1], [3, 0, 0, 1, 2, 0]])
    expected = [whole.compute(), whole.compute(["r0", "r0", "r0", "r3", "r4", "r4"])]
    assert whole.draws(ids, counts).tolist() == pytest.approx(expected)
    alone = whole.row_scores(ids)
    assert alone.tolist() == pytest.approx([whole.compute([row]) for row in ids])


@pytest.mark.parametrize("name", ALL)
def test_a_map_without_an_annotated_pixel_changes_nothing_and_is_in_the_remarks(name: str) -> None:
    target, metric = ALL[name], filled(METRICS[name](), ALL[name])
    before = metric.compute()
    some = some_map(target, np.random.default_rng(1))
    empty = np.full_like(some, -1) if target.unit == "class" else np.full_like(some, NAN)
    metric.update("empty", DenseMap(some), empty, target)
    assert metric.compute() == before
    assert np.isnan(metric.row_scores(["empty"])[0])
    assert metric.remarks() == (f"{name}: 1 of 7 maps have no annotated pixel",)
    ids = sorted(metric.rows)
    only_empty = np.array([[int(row == "empty") for row in ids], [1] * 7])
    assert metric.draws(ids, only_empty).tolist() == pytest.approx([before])
    with pytest.raises(MetricError, match=f"metric {name}: got 1 maps without an annotated pixel"):
        metric.compute(["empty"])


def test_iou_is_counted_over_the_whole_set() -> None:
    miou = MeanIoU()
    # Ground: 2 right, predicted 3, annotated 3: 2 / 4. Cat: 1 right, predicted 2, annotated 2: 1 / 3. No dog anywhere.
    miou.update("a", DenseMap(np.array([[0, 0, 1]])), np.array([[0, 1, 1]]), CLASSES)
    miou.update("b", DenseMap(np.array([[0, 1, 2]])), np.array([[0, 0, -1]]), CLASSES)
    assert miou.compute() == pytest.approx(100 * (2 / 4 + 1 / 3) / 2)
    assert miou.by_class() == pytest.approx({0: 50.0, 1: 100 / 3})
    accuracy = PixelAccuracy()
    accuracy.update("a", DenseMap(np.array([[0, 0, 1]])), np.array([[0, 1, 1]]), CLASSES)
    accuracy.update("b", DenseMap(np.array([[0, 1, 2]])), np.array([[0, 0, -1]]), CLASSES)
    assert accuracy.compute() == pytest.approx(60.0)


def test_a_class_that_is_only_predicted_counts_0() -> None:
    miou = MeanIoU()
    miou.update("a", DenseMap(np.array([[0, 2]])), np.array([[0, 0]]), CLASSES)
    assert miou.compute() == pytest.approx(25.0)
    assert miou.by_class() == {0: 50.0}
    assert miou.remarks() == ("miou: 1 of 3 classes are predicted but nowhere annotated; each counts 0 in the mean",)


def test_the_root_is_taken_after_the_mean_over_images() -> None:
    rmse = DepthRMSE()
    rmse.update("a", DenseMap(np.full((2, 2), 3.0)), np.full((2, 2), 1.0), METRES)
    rmse.update("b", DenseMap(np.full((1, 1, 1), 1.0)), np.full((1, 1, 1), 1.0), METRES)
    assert rmse.compute() == pytest.approx(np.sqrt(2.0))
    scaled = DepthRMSEScaled()
    scaled.update("a", DenseMap(np.array([[1.0, 2.0, 3.0]])), np.array([[2.0, 4.0, 6.0]]), METRES)
    assert scaled.compute() == pytest.approx(0.0)


def test_relative_errors_of_depth() -> None:
    rel, within = DepthAbsRel(), DepthWithin()
    for metric in (rel, within):
        metric.update("a", DenseMap(np.array([[1.0, 3.0, 2.0, -4.0]])), np.array([[2.0, 3.0, NAN, 4.0]]), METRES)
    assert rel.compute() == pytest.approx(100 * (0.5 + 0.0 + 2.0) / 3)
    assert within.compute() == pytest.approx(100 / 3)


def test_angles_are_of_directions_whatever_their_length() -> None:
    predicted = np.array([[[0.0, 0.0, 7.0], [0.0, 0.0, 0.0], [0.0, np.sin(0.4), np.cos(0.4)]]])
    annotated = np.array([[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    off = np.degrees(0.4)
    for metric, number in (
        (MeanAngleDeg(), (0 + 90 + off) / 3),
        (AngleWithin11(), 100 / 3),
        (AngleWithin30(), 200 / 3),
    ):
        metric.update("a", DenseMap(predicted), annotated, NORMALS)
        assert metric.compute() == pytest.approx(number)


def test_edges_in_both_ways_of_counting() -> None:
    predicted = np.array([[0.9, 0.5, 0.1, 0.0, 0.2]])
    annotated = np.array([[1.0, 0.0, 1.0, 0.0, NAN]])
    both, positive = EdgeF1(), EdgeF1Positive()
    for metric in (both, positive):
        metric.update("a", DenseMap(predicted), annotated, EDGES)
    assert positive.compute() == pytest.approx(50.0)
    assert both.compute() == pytest.approx(50.0)
    both.update("b", DenseMap(np.zeros((1, 4))), np.zeros((1, 4)), EDGES)
    assert both.compute() == pytest.approx(100 * (0.5 + 2 * 5 / 12) / 2)


@pytest.mark.parametrize(
    ("name", "predicted", "annotated", "message"),
    [
        ("rmse", np.ones((4, 5)), np.ones((5, 4)), "prediction: got 4 x 5 pixels; want the annotation.s 5 x 4"),
        ("rmse", np.ones((4, 5, 2)), np.ones((4, 5)), r"got a map of shape \(4, 5, 2\); want \(h, w\)"),
        ("rmse", np.full((2, 2), NAN), np.ones((2, 2)), "prediction: got 4 values that are no number"),
        ("mean_angle_deg", np.ones((4, 5)), np.ones((4, 5, 3)), r"got a map of shape \(4, 5\); want \(h, w, 3\)"),
        ("miou", np.zeros((2, 2), int), np.full((2, 2), 3), "annotation: got class 3; want 0 to 2"),
        ("miou", np.full((2, 2), -1), np.zeros((2, 2), int), "prediction: got class -1; want 0 to 2"),
        ("miou", np.zeros((2, 2)), np.zeros((2, 2), int), "prediction: got float64 numbers; want integers"),
        ("edge_f1", np.zeros((2, 2)), [[0.0]], "annotation: got a list; want an array"),
    ],
)
def test_maps_that_do_not_fit_are_one_line(name: str, predicted, annotated, message: str) -> None:
    with pytest.raises(MetricError, match=f"metric {name}: {message}"):
        METRICS[name]().update("a", DenseMap(predicted), annotated, ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_another_unit_or_kind_of_target_is_one_line(name: str) -> None:
    other = NORMALS if ALL[name].unit != "unit vector" else METRES
    some = some_map(other, np.random.default_rng(0))
    with pytest.raises(MetricError, match=f"metric {name}: target: got a map in '{other.unit}'; want one"):
        METRICS[name]().update("a", DenseMap(some), some, other)
    with pytest.raises(MetricError, match=f"metric {name}: target: got a Label; want a Dense"):
        METRICS[name]().update("a", DenseMap(some), some, Label(("a",)))
    with pytest.raises(MetricError, match=f"metric {name}: prediction: got a ClassPrediction; want a DenseMap"):
        METRICS[name]().update("a", ClassPrediction(0), some, ALL[name])
