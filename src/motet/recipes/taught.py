"""What a teacher calls a picture, as an annotation: distillation into a trunk that is trained to name pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

import timm
import torch
from torch import nn

from motet.core import Example, ImageFile, Reader, Task
from motet.data.source import Source
from motet.nn.lite0 import load_lite0
from motet.prep.crops import Whole
from motet.prep.images import ImageTransform
from motet.tasks import classification

LABEL, NUM_CLASSES = "teacher", 1000


@dataclass(frozen=True)
class Taught:
    """The rows of a reader, and what the bundled EfficientNet-Lite0 calls their picture: "teacher", 0 to 999.

    Source: Touvron et al., "Training data-efficient image transformers & distillation through attention" (DeiT), 2021,
    section 4, "Hard-label distillation": the teacher's best class is learned as a truth is. Their student reads it off
    a token of its own; here it is a task beside the others. The teacher sees the whole picture, once a process: what it
    says of crops of it, as in DeiT, is not asked.

    Args:
        reader: the rows.
        size: height and width of what the teacher is given.
    """

    reader: Reader
    size: int = 128

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(example, labels=_WithTeacher(example.labels, example.images[0], self.size))


def taught_class() -> Task:
    """Naming a picture as the teacher does; ImageNet's classes by their numbers."""
    return classification("teacher", [f"ImageNet {number}" for number in range(NUM_CLASSES)], label=LABEL, crop=False)


def with_teacher(sources: Sequence[Source]) -> tuple[Source, ...]:
    """The same sources, of which those for training also ask what the teacher says."""
    return tuple(
        replace(source, reader=Taught(source.reader), tasks=(*source.tasks, taught_class()))
        if source.role == "train"
        else source
        for source in sources
    )


class _WithTeacher(Mapping[str, Any]):
    """A row's annotations and the teacher's, who is asked when a task wants it."""

    def __init__(self, own: Mapping[str, Any], image: ImageFile, size: int) -> None:
        self.own, self.image, self.size = own, image, size

    def __getitem__(self, name: str) -> Any:
        if name != LABEL:
            return self.own[name]
        return _answer(_Asked(self.image.stamp(), self.size, self.image))

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield LABEL

    def __len__(self) -> int:
        return len(self.own) + 1

    def __contains__(self, name: object) -> bool:
        return name == LABEL or name in self.own


@dataclass(frozen=True)
class _Asked:
    """A picture by its stamp alone, so that epochs find what was said of it."""

    stamp: str
    size: int
    image: ImageFile = field(compare=False)


@lru_cache(maxsize=1 << 17)
def _answer(asked: _Asked) -> int:
    transform = ImageTransform((asked.size, asked.size), crop=Whole(), hflip=False)
    pixels = torch.from_numpy(transform.read(asked.image, frozenset(), None))
    with torch.inference_mode():
        return int(_teacher()(pixels[None]).argmax())


@cache
def _teacher() -> nn.Module:
    with torch.random.fork_rng([]):  # its first weights are drawn before they are replaced
        model: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    load_lite0(model)
    return model.eval()
