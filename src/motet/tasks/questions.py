"""Visual question answering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motet.core import Answer, Metric, Task
from motet.metrics import AnswerMatch, VqaAccuracy

ONE_ANSWER_METRICS: tuple[Callable[[], Metric], ...] = (AnswerMatch,)
TEN_ANSWERS_METRICS: tuple[Callable[[], Metric], ...] = (VqaAccuracy, AnswerMatch)


def question_answering(
    name: str,
    *,
    answers: Sequence[str] = (),
    metrics: tuple[Callable[[], Metric], ...] = ONE_ANSWER_METRICS,
    label: str = "answers",
    prompt: str = "{text}",
    crop: bool = True,
    category: str = "qa",
) -> Task:
    """Returns a question answering task; its images are never mirrored, since questions contain "left" and "right".

    Args:
        name: the task's key.
        answers: the closed list that a classifier chooses from; empty for answers as free text.
        metrics: `ONE_ANSWER_METRICS` compares with the most frequent answer, `TEN_ANSWERS_METRICS` begins with the VQA
            accuracy over ten annotators.
        label: the annotation that holds the annotators' answers, a tuple of one or more.
        prompt: template of the text input, with ``{text}`` for the question.
        crop: whether the answer remains valid for a crop of the image.
        category: "ocr" for questions about text in the image, which the LiT decoder answers by beam search.

    Examples:
        >>> question_answering("vqav2", metrics=TEN_ANSWERS_METRICS).main_metric
        'vqa_accuracy'
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Answer(tuple(answers)),
        metrics=metrics,
        prompt=prompt,
        category=category,
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )
