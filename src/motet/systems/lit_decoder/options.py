"""The alternatives that the paper compares, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from motet.core import ConfigError


@dataclass(frozen=True)
class ByTask:
    """Every task has a prompt token of its own: ``flowers: primrose`` (section 4.2).

    Args:
        prompts: the prompt of a task, where it is not the task's name; tasks of one prompt share its token. Languages
            as tasks (section 5.4.3): ``{"caption_de": "de", "caption_en": "en"}``.
    """

    prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ByCategory:
    """The tasks of one category share a prompt: classification, captioning, text reading, questions (section 5.1)."""


@dataclass(frozen=True)
class Unconditioned:
    """No prompt and no separator: the model has to see from image and question what is wanted (section 5.1)."""


@dataclass(frozen=True)
class ByTaskPositions:
    """No prompt; every task has its own table of position embeddings (end of section 5.6).

    Args:
        add: the task's table is added to a shared one; else it takes its place, as we read the paper.
    """

    add: bool = False


Conditioning: TypeAlias = ByTask | ByCategory | Unconditioned | ByTaskPositions


@dataclass(frozen=True)
class MapPooling:
    """The image becomes one token, by attention pooling (section 5.9).

    Args:
        heads: of the attention; a divisor of the encoder's width.
    """

    heads: int = 8


@dataclass(frozen=True)
class LinearProjection:
    """Every image token becomes narrower, by one linear layer; the decoder reads the narrow tokens (section 5.9).

    Args:
        factor: 8, 16 or 32 in the paper.
    """

    factor: int = 8

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ConfigError(f"Linear.factor: got {self.factor}; want at least 1")


Bottleneck: TypeAlias = MapPooling | LinearProjection | None


@dataclass(frozen=True)
class ClassStrings:
    """A class is answered by its name, cut into pieces as any text."""


@dataclass(frozen=True)
class ClassTokens:
    """Every class of every `Label` task is one new token without a meaning of its own (section 5.4.2)."""


Classes: TypeAlias = ClassStrings | ClassTokens


@dataclass(frozen=True)
class RandomText:
    """One of a row's texts, drawn anew each time in training, the first in evaluation ("OCR Random", section 5.4.1)."""


@dataclass(frozen=True)
class ConcatTexts:
    """All of a row's texts, in their order. "OCR Concat": from top left to bottom right, as readers keep them.

    Args:
        between: what stands between two of them.
    """

    between: str = " "


@dataclass(frozen=True)
class SplitCap:
    """As `RandomText`, but the text's first token stands in the prompt, to say which one is meant ("OCR SplitCap")."""


TextTarget: TypeAlias = RandomText | ConcatTexts | SplitCap
