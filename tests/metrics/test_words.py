"""Word accuracy and perplexity over all words, with rows that say nothing."""

import math

import numpy as np
import pytest

from motet.core import ClassPrediction, Masked, MetricError, TextPrediction, WordScores
from motet.metrics import Perplexity, WordAccuracy

ROWS = {"a": WordScores(3, 4, -2.0), "b": WordScores(0, 1, -6.0), "c": None}


@pytest.mark.parametrize(("kind", "wanted"), [(WordAccuracy, 60.0), (Perplexity, math.exp(8 / 5))])
def test_every_word_counts_one_and_rows_without_scores_none(kind, wanted) -> None:
    metric = kind()
    for name, words in ROWS.items():
        metric.update(name, TextPrediction("", words=words), None, Masked("words"))
    assert metric.compute() == pytest.approx(wanted)
    assert metric.is_defined()
    assert metric.remarks() == ()
    draws = metric.draws(["a", "b", "c"], np.array([[1, 1, 1], [0, 2, 1]]))
    assert draws.tolist() == pytest.approx([wanted, metric.compute(["b", "b", "c"])])


def test_texts_alone_have_no_number() -> None:
    metric = Perplexity()
    metric.update("a", TextPrediction("a dog"), ("a dog",), Masked("words"))
    assert not metric.is_defined()
    assert math.isnan(metric.compute())
    assert metric.remarks() == ("no perplexity: the predictions are texts without scores of the annotation's words",)


def test_other_predictions_are_refused() -> None:
    with pytest.raises(MetricError, match="word_accuracy: prediction: got a ClassPrediction; want a TextPrediction"):
        WordAccuracy().update("a", ClassPrediction(0), None, Masked("words"))
