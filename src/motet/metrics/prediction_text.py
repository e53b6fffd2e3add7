"""What a prediction says in words, whichever way a system answered."""

from __future__ import annotations

from typing import Any

from motet.core import Answer, ClassPrediction, Label, MetricError, Prediction, TargetSpec, TextPrediction


def prediction_text(prediction: Prediction, target: TargetSpec, metric: str) -> str:
    """The words of an answer, without white space at its ends.

    Args:
        prediction: `TextPrediction`, or a `ClassPrediction` of one of the target's names.
        target: what was asked.
        metric: who asks, for the error.

    Raises:
        MetricError: an answer that is not words, or the index of a name that is not there.

    Examples:
        >>> pets = Label(("cat", "dog"))
        >>> prediction_text(TextPrediction(" a dog"), pets, "accuracy"), prediction_text(ClassPrediction(1), pets, "accuracy")
        ('a dog', 'dog')
    """
    names = target.names if isinstance(target, Label | Answer) else ()
    match prediction:
        case TextPrediction(text=text):
            return text.strip()
        case ClassPrediction(index=index, name=name):
            if not names:
                return name.strip()
            if not 0 <= index < len(names):
                raise MetricError(f"metric {metric}: Choice.index: got {index}; want 0 to {len(names) - 1}")
            return names[index]
        case _:
            raise MetricError(f"metric {metric}: prediction: got a {type(prediction).__name__}; want Words or a Choice")


def references(annotation: Any, metric: str) -> tuple[str, ...]:
    """The truth as a tuple of strings.

    Raises:
        MetricError: one string alone, something else, or no text at all.
    """
    if isinstance(annotation, str) or not all(isinstance(text, str) for text in annotation):
        raise MetricError(f"metric {metric}: truth: got {annotation!r}; want a tuple of strings")
    if not annotation:
        raise MetricError(f"metric {metric}: truth: got no text; want at least one")
    return tuple(annotation)
