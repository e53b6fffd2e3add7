"""Predictions of a teacher model as annotations, for distillation into a classification task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from motet.core import Example, ImageFile, Reader

LABEL = "teacher"

Teacher: TypeAlias = Callable[[ImageFile], int]
"""Predicts the class of an image, as its index."""


@dataclass(frozen=True)
class TeacherLabels:
    """The rows of a reader with one more annotation, "teacher": the class the teacher predicts for the first image.

    Source: Touvron et al., "Training data-efficient image transformers & distillation through attention" (DeiT), 2021,
    section 4, "Hard-label distillation": the student learns the teacher's most probable class like an annotation.
    Departures: their student predicts it from a separate distillation token, here it is a task beside the others; their
    teacher is given the student's crop, here the whole image.

    Args:
        reader: the rows.
        teacher: called when a task reads the annotation, not before.
    """

    reader: Reader
    teacher: Teacher

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(example, labels=_WithTeacher(example.labels, example.images[0], self.teacher))


class _WithTeacher(Mapping[str, Any]):
    """The annotations of a row and the teacher's, which is computed only when it is read."""

    def __init__(self, own: Mapping[str, Any], image: ImageFile, teacher: Teacher) -> None:
        self.own, self.image, self.teacher = own, image, teacher

    def __getitem__(self, name: str) -> Any:
        return self.teacher(self.image) if name == LABEL else self.own[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield LABEL

    def __len__(self) -> int:
        return len(self.own) + 1

    def __contains__(self, name: object) -> bool:
        return name == LABEL or name in self.own
