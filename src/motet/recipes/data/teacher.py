"""A teacher's ImageNet class of every training image as one more task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from motet.core import Task
from motet.data.distillation import LABEL, TeacherLabels
from motet.data.source import Source
from motet.tasks import classification
from motet.training.lite0_teacher import Lite0Teacher

NUM_CLASSES = 1000


def teacher_class_task() -> Task:
    """Returns the task of naming an image as the teacher does; ImageNet's classes by their numbers."""
    return classification("teacher", [f"ImageNet {number}" for number in range(NUM_CLASSES)], label=LABEL, crop=False)


def with_teacher(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Returns the sources with the teacher's task added to those of role "train"."""
    return tuple(
        replace(
            source, reader=TeacherLabels(source.reader, Lite0Teacher()), tasks=(*source.tasks, teacher_class_task())
        )
        if source.role == "train"
        else source
        for source in sources
    )
