"""Metrics of masked words and masked regions."""

from __future__ import annotations

import math
from typing import Any

from motet.core import Masked, MeanMetric, MetricError, Prediction, ScalarPrediction, TargetSpec
from motet.metrics.prediction_text import prediction_text, references


class MaskedRegionAccuracy(MeanMetric):
    """The explained share of the masked regions of an image, the mean over images.

    The system predicts one number per row: 1 if it restores the masked regions exactly, 0 if it does no better than the
    mean of the visible regions, below 0 if it does worse; so 0 is the trivial baseline. The system itself knows what
    was masked, so no annotation is needed.

    Source: the losses are those of Lu et al. 2019 (ViLBERT), section 2.1. Dividing them by the loss of the mean of the
    visible regions is ours, since neither a squared error nor nats show by themselves whether a region was restored.

    Examples:
        >>> accuracy = MaskedRegionAccuracy()
        >>> accuracy.update("a", ScalarPrediction(0.5), None, Masked("regions"))
        >>> accuracy.update("b", ScalarPrediction(0.0), None, Masked("regions"))
        >>> accuracy.compute()
        25.0
    """

    name = "masked_region_accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        del annotation
        if target != Masked("regions"):
            raise MetricError(f"metric {self.name}: target: got {target}; want Masked('regions')")
        if not isinstance(prediction, ScalarPrediction):
            raise MetricError(
                f"metric {self.name}: prediction: got a {type(prediction).__name__}; want a ScalarPrediction"
            )
        if not (math.isfinite(prediction.value) and prediction.value <= 1):
            raise MetricError(
                f"metric {self.name}: ScalarPrediction.value: got {prediction.value}; want a finite number up to 1"
            )
        return prediction.value


class MaskedAccuracy(MeanMetric):
    """The share of texts in which every masked word is predicted rightly; case and white space do not count.

    The prediction is the whole text with the predicted words in it. Only the system knows which words it masked, so
    this is a share of texts, not of words. Of several texts of a row the first one counts.

    Examples:
        >>> from motet.core import TextPrediction
        >>> accuracy = MaskedAccuracy()
        >>> accuracy.update("a", TextPrediction("a red dog"), ("A red dog", "one dog"), Masked("words"))
        >>> accuracy.update("b", TextPrediction("a red cat"), ("A red dog", "one dog"), Masked("words"))
        >>> accuracy.compute()
        50.0
    """

    name = "masked_accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        whole = annotation if isinstance(annotation, str) else references(annotation, self.name)[0]
        return float(_letters(prediction_text(prediction, target, self.name)) == _letters(whole))


def _letters(text: str) -> str:
    return "".join(text.casefold().split())
