"""Accuracies of short answers to questions, as in the VQA challenge and in the LiT decoder's paper."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from motet.core import MeanMetric, MetricError, Prediction, TargetSpec
from motet.metrics.prediction_text import prediction_text, raw_references, raw_text, references
from motet.metrics.vqa_words import normalise, tidy

_MIN_ANSWERS = 4  # with three answers or fewer no prediction can reach 1


class VqaAccuracy(MeanMetric):
    """The accuracy of the VQA challenge: an answer that three annotators gave is fully right.

        accuracy = mean over annotators i of min(1, |{j != i : answer_j = prediction}| / 3)

    Prediction and answers are normalised (`vqa_words.normalise`) only where the annotators do not all agree word for
    word: against ten times "yes", "Yes" scores 0. That is what the official script does.

    Source: Antol et al. 2015, section 3; GT-Vision-Lab/VQA, `vqaEval.py`.

    Examples:
        >>> from motet.core import Answer, TextPrediction
        >>> vqa = VqaAccuracy()
        >>> vqa.update("q", TextPrediction("blue"), ("blue",) * 2 + ("red",) * 8, Answer())
        >>> round(vqa.compute(), 6)
        60.0
    """

    name = "vqa_accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        answers = raw_references(annotation, self.name)
        if len(answers) < _MIN_ANSWERS:
            raise MetricError(
                f"metric {self.name}: answers: got {len(answers)}; want ten per question "
                "(use answer_match for a data set with one answer)"
            )
        return vqa_accuracy(raw_text(prediction, target, self.name), answers)


def vqa_accuracy(prediction: str, answers: Sequence[str]) -> float:
    """Returns the accuracy of one row, 0 to 1; white space counts as in the official script, and texts are made NFC."""
    prediction, *answers = (tidy(unicodedata.normalize("NFC", text)) for text in (prediction, *answers))
    if len(set(answers)) > 1:
        prediction, answers = normalise(prediction), [normalise(answer) for answer in answers]
    return leave_one_out(answers.count(prediction), len(answers))


def leave_one_out(matches: int, answers: int) -> float:
    """Returns the accuracy of an answer that `matches` of `answers` annotators gave, each annotator left out in turn.

    Examples:
        >>> [round(leave_one_out(n, 10), 2) for n in (0, 1, 2, 3, 4)]
        [0.0, 0.3, 0.6, 0.9, 1.0]
    """
    among, outside = min(1.0, (matches - 1) / 3), min(1.0, matches / 3)
    return (matches * among + (answers - matches) * outside) / answers


class AnswerMatch(MeanMetric):
    """The share of rows whose answer equals, normalised but letter by letter, the most frequent
    annotated one (the first of a tie).

    Source: Beyer et al. 2023 (arXiv 2303.17376), section 4: answers to VQAv2 and GQA by exact match, no soft accuracy.

    Examples:
        >>> from motet.core import Answer, TextPrediction
        >>> match = AnswerMatch()
        >>> match.update("q", TextPrediction("red"), ("blue", "red", "red"), Answer())
        >>> match.compute()
        100.0
    """

    name = "answer_match"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        answer = prediction_text(prediction, target, self.name)
        return float(answer == majority(references(annotation, self.name)))


def majority(answers: Sequence[str]) -> str:
    """Returns the most frequent answer, in a tie the one given first.

    Examples:
        >>> majority(("no", "yes", "yes", "no", "maybe"))
        'no'
    """
    return Counter(answers).most_common(1)[0][0]
