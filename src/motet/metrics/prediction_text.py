"""The text of a prediction, generated or the name of a predicted class."""

from __future__ import annotations

from typing import Any

from motet.core import Answer, ClassPrediction, Label, MetricError, Prediction, TargetSpec, TextPrediction
from motet.core.normalised_text import normalise


def prediction_text(prediction: Prediction, target: TargetSpec, metric: str) -> str:
    """Returns the text of a prediction, normalised as tokenisers do (see `core.normalised_text`).

    Args:
        prediction: `TextPrediction`, or a `ClassPrediction` of one of the target's names.
        target: the task's target.
        metric: name of the metric, for error messages.

    Raises:
        MetricError: a prediction without a text, or an index beyond the target's names.

    Examples:
        >>> pets = Label(("cat", "dog"))
        >>> prediction_text(TextPrediction(" a dog"), pets, "accuracy")
        'a dog'
        >>> prediction_text(ClassPrediction(1), pets, "accuracy")
        'dog'
    """
    return normalise(raw_text(prediction, target, metric))


def raw_text(prediction: Prediction, target: TargetSpec, metric: str) -> str:
    """Returns the text of a prediction as it is; see `prediction_text`."""
    names = target.names if isinstance(target, Label | Answer) else ()
    match prediction:
        case TextPrediction(text=text):
            return text
        case ClassPrediction(index=index, name=name):
            if not names:
                return name
            if not 0 <= index < len(names):
                raise MetricError(f"metric {metric}: ClassPrediction.index: got {index}; want 0 to {len(names) - 1}")
            return names[index]
        case _:
            raise MetricError(
                f"metric {metric}: prediction: got a {type(prediction).__name__}; "
                "want a TextPrediction or a ClassPrediction"
            )


def references(annotation: Any, metric: str) -> tuple[str, ...]:
    """Returns the annotation as a tuple of strings, normalised as predictions are.

    Raises:
        MetricError: a single string, another type, or no text at all.
    """
    return tuple(normalise(text) for text in raw_references(annotation, metric))


def raw_references(annotation: Any, metric: str) -> tuple[str, ...]:
    """Returns the annotation as a tuple of strings as they are; see `references`."""
    if isinstance(annotation, str) or not all(isinstance(text, str) for text in annotation):
        raise MetricError(f"metric {metric}: annotation: got {annotation!r}; want a tuple of strings")
    if not annotation:
        raise MetricError(f"metric {metric}: annotation: got no text; want at least one reference text")
    return tuple(annotation)
