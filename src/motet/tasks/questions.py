"""Questions about an image, with short answers."""

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
) -> Task:
    """A question answering task; an image is never mirrored for it, since questions ask for left and right.

    Args:
        name: the task's key.
        answers: the closed list that a classifier chooses from; empty for answers in free words.
        metrics: `ONE_ANSWER_METRICS` judges by equality with the majority answer, `TEN_ANSWERS_METRICS` by the VQA accuracy first.
        label: the annotation that holds the annotators' answers, a tuple of one or more.
        prompt: how the question is put, with ``{text}`` in it.
        crop: whether the answer still holds on a part of the image.

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
        category="qa",
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )
