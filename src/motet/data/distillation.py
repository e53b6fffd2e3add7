"""Labels of a teacher model as annotations, for distillation into a model that learns to name images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from motet.core import Example, ImageFile, Reader

LABEL = "teacher"

Teacher: TypeAlias = Callable[[ImageFile], int]
"""Names the class of an image by its index."""


@dataclass(frozen=True)
class TeacherLabels:
    """The rows of a reader with one more annotation, "teacher": the class that a teacher gives the row's first image.

    Source: Touvron et al., "Training data-efficient image transformers & distillation through attention" (DeiT), 2021,
    section 4, "Hard-label distillation": the teacher's best class is learned as an annotation is. Their student reads it
    from a token of its own; here it is a task beside the others, and the teacher sees the whole image, not its crops.

    Args:
        reader: the rows.
        teacher: asked when a task reads the annotation.
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
    """A row's annotations and the teacher's, computed only when it is read."""

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
