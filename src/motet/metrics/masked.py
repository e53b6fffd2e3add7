"""How much of what is hidden was told."""

from __future__ import annotations

import math
from typing import Any

from motet.core import Masked, MeanMetric, MetricError, Prediction, ScalarPrediction, TargetSpec
from motet.metrics.prediction_text import prediction_text, references


class MaskedRegionAccuracy(MeanMetric):
    """How much of a picture's hidden regions was told, the mean over pictures.

    A system says of each row 1 where it tells all, 0 where it tells no more than the mean of the regions in sight does,
    below that where it tells less; so 0 is the floor. The truth is what is hidden, which the system knows.

    Source: the losses are those of Lu et al. 2019 (ViLBERT), section 2.1; that they are taken as a share of what the
    mean leaves is ours, since neither squared errors nor nats say by themselves whether a region was told.

    Examples:
        >>> told = MaskedRegionAccuracy()
        >>> told.update("a", ScalarPrediction(0.5), None, Masked("regions"))
        >>> told.update("b", ScalarPrediction(0.0), None, Masked("regions"))
        >>> told.compute()
        25.0
    """

    name = "regions_told"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        del annotation
        if target != Masked("regions"):
            raise MetricError(f"metric {self.name}: target: got {target}; want Masked('regions')")
        if not isinstance(prediction, ScalarPrediction):
            raise MetricError(
                f"metric {self.name}: prediction: got a {type(prediction).__name__}; want a ScalarPrediction"
            )
        if not (math.isfinite(prediction.value) and prediction.value <= 1):
            raise MetricError(f"metric {self.name}: Real.value: got {prediction.value}; want a number up to 1")
        return prediction.value


class MaskedAccuracy(MeanMetric):
    """The share of texts of which every hidden word was told; letters' case and white space do not count.

    A system says the whole text with the words it tells in their places. Which words it hid it alone knows, so nothing
    is said of the share of words. Of several texts of a row the first is the one that is judged by.

    Examples:
        >>> from motet.core import TextPrediction
        >>> restored = MaskedTextAccuracy()
        >>> restored.update("a", TextPrediction("a red dog"), ("A red dog", "one dog"), Masked("words"))
        >>> restored.update("b", TextPrediction("a red cat"), ("A red dog", "one dog"), Masked("words"))
        >>> restored.compute()
        50.0
    """

    name = "restored"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        whole = annotation if isinstance(annotation, str) else references(annotation, self.name)[0]
        return float(_letters(prediction_text(prediction, target, self.name)) == _letters(whole))


def _letters(text: str) -> str:
    return "".join(text.casefold().split())
