"""Masked words and regions: what counts, and what is refused."""

import pytest

from motet.core import Masked, MetricError, ScalarPrediction, TextPrediction
from motet.metrics import MaskedAccuracy, MaskedRegionAccuracy


@pytest.mark.parametrize(
    ("text", "right"),
    [("a red dog", 1.0), ("A RED  dog", 1.0), ("ared dog", 1.0), ("a red do", 0.0), ("one dog", 0.0)],
)
def test_the_whole_first_text_must_be_right(text, right) -> None:
    metric = MaskedAccuracy()
    metric.update("a", TextPrediction(text), ("A red dog", "one dog"), Masked("words"))
    assert metric.rows == {"a": right}


def test_one_string_is_an_annotation_too() -> None:
    metric = MaskedAccuracy()
    metric.update("a", TextPrediction("a dog"), "a dog", Masked("words"))
    assert metric.compute() == 100.0


def test_worse_than_the_mean_region_is_below_0() -> None:
    metric = MaskedRegionAccuracy()
    metric.update("a", ScalarPrediction(-0.5), None, Masked("regions"))
    assert metric.compute() == -50.0


@pytest.mark.parametrize(
    ("prediction", "target", "line"),
    [
        (ScalarPrediction(1.0), Masked("words"), r"target: got Masked\(what='words'\); want Masked\('regions'\)"),
        (TextPrediction("a"), Masked("regions"), "prediction: got a TextPrediction; want a ScalarPrediction"),
        (ScalarPrediction(1.1), Masked("regions"), "got 1.1; want a finite number up to 1"),
        (ScalarPrediction(float("nan")), Masked("regions"), "got nan; want a finite number up to 1"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(prediction, target, line) -> None:
    with pytest.raises(MetricError, match=f"metric masked_region_accuracy: .*{line}"):
        MaskedRegionAccuracy().update("a", prediction, None, target)
