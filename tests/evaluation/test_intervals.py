import numpy as np

from motet.core import Label, TextPrediction, rng_for
from motet.evaluation.intervals import bootstrap
from motet.metrics import Accuracy, Cider

PETS = Label(("cat", "dog"))


def filled(right) -> Accuracy:
    """Rows that are right or wrong."""
    metric = Accuracy()
    for row, correct in enumerate(right):
        metric.update(f"{row:04d}", TextPrediction("cat" if correct else "dog"), 0, PETS)
    return metric


def test_the_interval_holds_the_value_and_is_as_wide_as_in_theory() -> None:
    right = rng_for("test", 1).random(400) < 0.7
    metric = filled(right)
    low, high = bootstrap(metric, {}).interval()
    value = metric.compute()
    assert low < value < high
    theory = 2 * 1.96 * 100 * np.sqrt(value / 100 * (1 - value / 100) / 400)
    assert abs((high - low) / theory - 1) < 0.15


def test_nineteen_of_twenty_intervals_cover_the_annotation() -> None:
    covered = 0
    for seed in range(200):
        low, high = bootstrap(filled(rng_for("cover", seed).random(100) < 0.6), {}, draws=300, seed=seed).interval()
        covered += low <= 60.0 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_rows_of_one_image_are_drawn_together() -> None:
    right = [number % 2 == 0 for number in range(50) for _ in range(8)]
    metric = filled(right)
    apart = bootstrap(metric, {}).interval()
    together = bootstrap(metric, {row: (f"image{int(row) // 8}",) for row in metric.rows}).interval()
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


def test_equal_seeds_give_equal_draws_and_chunks_change_nothing(monkeypatch) -> None:
    metric = filled([True, False, True, True] * 10)
    once = bootstrap(metric, {}, draws=100).interval()
    assert bootstrap(metric, {}, draws=100).interval() == once
    assert bootstrap(metric, {}, draws=100, seed=1).interval() != once
    monkeypatch.setattr("motet.evaluation.intervals._CHUNK_SIZE", 7 * 40)
    assert bootstrap(metric, {}, draws=100).interval() == once


def test_a_metric_that_is_no_mean_of_rows_has_an_interval_too() -> None:
    metric = Cider()
    for row, word in enumerate(["cat", "dog", "cow", "hen", "fox"]):
        metric.update(str(row), TextPrediction(f"a {word} runs"), (f"a {word} runs", "it runs"), PETS)
    low, high = bootstrap(metric, {}, draws=50).interval()
    assert low <= metric.compute() <= high
