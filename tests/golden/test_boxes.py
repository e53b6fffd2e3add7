"""COCO's numbers against pycocotools' own, and against faster-coco-eval on made-up pictures."""

import json
from pathlib import Path

import numpy as np
import pytest

from motet.core import Boxes, BoxSet, rng_for
from motet.metrics import COCO_TWELVE, BoxAP
from motet.metrics.coco_official import official_twelve

GOLDEN = json.loads((Path(__file__).parent / "coco_map.json").read_text())
NAMES = tuple(category["name"] for category in GOLDEN["gt"]["categories"])


def box_set(entries, *, annotation: bool) -> BoxSet:
    sides = np.array([entry["bbox"] for entry in entries], dtype=np.float64).reshape(-1, 4)
    return BoxSet(
        np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1),
        np.array([entry["category_id"] - 1 for entry in entries], dtype=np.int64),
        np.array([1.0 if annotation else entry["score"] for entry in entries]),
        crowd=np.array([bool(entry["iscrowd"]) for entry in entries] if annotation else [], dtype=bool),
        areas=np.array([entry["area"] for entry in entries] if annotation else [], dtype=np.float64),
    )


def golden_pairs():
    for image in GOLDEN["gt"]["images"]:
        said = [d for d in GOLDEN["detections"] if d["image_id"] == image["id"]]
        true = [a for a in GOLDEN["gt"]["annotations"] if a["image_id"] == image["id"]]
        yield box_set(said, annotation=False), box_set(true, annotation=True)


def filled(metric, pairs, names):
    for number, (said, true) in enumerate(pairs):
        metric.update(f"{number:03d}", said, true, Boxes(names))
    return metric


@pytest.mark.parametrize("place", range(12), ids=GOLDEN["stats_names"])
def test_the_twelve_numbers_are_those_of_pycocotools(place: int) -> None:
    metric = filled(COCO_TWELVE[place](), golden_pairs(), NAMES)
    want = GOLDEN["stats"][place]
    assert metric.compute() == pytest.approx(want if want == -1 else 100 * want, abs=1e-9)


def test_each_class_has_the_ap_of_pycocotools() -> None:
    found = filled(BoxAP(), golden_pairs(), NAMES).by_class()
    want = {int(name) - 1: 100 * ap for name, ap in GOLDEN["ap_per_category"].items() if ap is not None}
    assert found == pytest.approx(want, abs=1e-9)


def made_up(seed: int, images: int = 25, names: int = 4):
    """Crowds, sizes of all kinds, doubles, scores that tie, images without truth or without detections."""
    rng = rng_for("made-up boxes", seed)
    for _ in range(images):
        count = int(rng.integers(0, 7))
        corner, sides = rng.uniform(0, 300, (count, 2)), rng.uniform(4, 160, (count, 2))
        true = np.concatenate([corner, corner + sides], axis=1)
        labels = rng.integers(0, names, count)
        again = rng.integers(0, count, int(rng.integers(0, 12))) if count else np.zeros(0, dtype=np.int64)
        near = true[again] + rng.normal(0, 6, (len(again), 4))
        near = np.concatenate([np.minimum(near[:, :2], near[:, 2:]), np.maximum(near[:, :2], near[:, 2:])], axis=1)
        guessed = np.where(rng.random(len(again)) < 0.8, labels[again], rng.integers(0, names, len(again)))
        scores = np.round(rng.random(len(again)), 1)
        crowd, areas = rng.random(count) < 0.2, sides.prod(axis=1) * rng.uniform(0.3, 1, count)
        yield BoxSet(near, guessed, scores), BoxSet(true, labels, np.ones(count), crowd=crowd, areas=areas)


@pytest.mark.parametrize("seed", range(4))
def test_the_twelve_numbers_are_those_of_faster_coco_eval(seed: int) -> None:
    pairs = list(made_up(seed))
    ours = [filled(metric(), pairs, tuple("abcd")).compute() for metric in COCO_TWELVE]
    assert ours == pytest.approx(official_twelve(pairs, num_names=4), abs=1e-9)
    assert 5 < ours[0] < 95


def test_a_set_drawn_with_repetition_has_the_numbers_of_the_repeated_set() -> None:
    pairs = list(made_up(9, images=12))
    # Scores of their own, since copies of equal scores stand together here and apart there.
    rng = rng_for("scores", 0)
    pairs = [(BoxSet(s.boxes_xyxy, s.labels, rng.permutation(len(s.labels)) + rng.random()), t) for s, t in pairs]
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=5)
    counts[0] = 1
    ids = [f"{number:03d}" for number in range(12)]
    drawn = [[pair for pair, times in zip(pairs, row.tolist(), strict=True) for _ in range(times)] for row in counts]
    official = np.array([official_twelve(some, num_names=4) for some in drawn])
    for place, metric in enumerate(COCO_TWELVE):
        whole = filled(metric(), pairs, tuple("abcd"))
        known = official[:, place] != -1
        assert known.sum() > 2
        assert whole.draws(ids, counts) == pytest.approx(official[known, place], abs=1e-9)
        alone = [whole.compute(np.repeat(ids, row).tolist()) for row in counts]
        assert alone == pytest.approx(official[:, place], abs=1e-9)


def test_no_detection_at_all_is_nought() -> None:
    nothing = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
    pairs = [(nothing, true) for _, true in golden_pairs()]
    assert filled(BoxAP(), pairs, NAMES).compute() == official_twelve(pairs, num_names=4)[0] == 0.0
