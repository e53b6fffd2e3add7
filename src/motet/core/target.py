"""The kinds of target a task can have: a closed union; every `match` on it ends in `assert_never`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core.errors import ConfigError, repeated


@dataclass(frozen=True)
class Label:
    """One of a list of names. Annotation: the index of the right name."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = repeated(self.names)
            raise ConfigError(f"Label.names: got {twice} more than once; want every name once")
        if not self.names:
            raise ConfigError("Label.names: got none; want at least one class name")


@dataclass(frozen=True)
class Answer:
    """A short answer to a question. Annotation: the annotators' answers, a tuple of strings (ten in VQAv2).

    Args:
        names: the closed list a classifier chooses from; empty for open answers.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A free text. Annotation: the reference texts, a tuple of strings.

    Args:
        max_words: a prediction is cut after this number of words.
    """

    max_words: int


@dataclass(frozen=True)
class Boxes:
    """Objects with their boxes. Annotation and prediction: a `BoxSet`."""

    names: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """The region that a phrase refers to. A prediction is right at IoU > 0.5.

    Annotation: (x0, y0, x1, y1) in pixels of the file, or None where the phrase refers to nothing in the image.
    """


@dataclass(frozen=True)
class Dense:
    """One value per pixel.

    Annotation: an array of the file's size, (h, w) or (h, w, channels); invalid pixels are NaN, or -1 for classes.
    """

    channels: int
    unit: Literal["class", "metre", "unit vector", "probability"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A ranking of candidates.

    Args:
        among: the kind of candidates.
        pool: "row": the row's own candidates; the annotation is the set of indices of the right ones. "split": all rows
            of a source, each an image with its matching texts, which are the annotation; "texts" ranks all texts for
            each image, "images" all images for each text. Training rows get candidates of their own.
    """

    among: Literal["texts", "images", "regions"]
    pool: Literal["row", "split"] = "row"


@dataclass(frozen=True)
class Masked:
    """Masked parts of the input, to be predicted from the rest.

    Annotation: the input itself; evaluation masks are drawn by the Example's id.
    """

    what: Literal["words", "regions"]


@dataclass(frozen=True)
class Score:
    """A number between low and high. Annotation: float."""

    low: float
    high: float


@dataclass(frozen=True)
class Panoptic:
    """A segment for every thing and for every kind of stuff. Annotation and prediction: a `PanopticMap`.

    Args:
        names: the classes.
        things: for each class whether it is countable; all parts of one kind of stuff are one segment.
    """

    names: tuple[str, ...]
    things: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.things) or len(set(self.names)) < len(self.names):
            raise ConfigError(
                f"Panoptic: got {len(self.names)} names, {len(set(self.names))} of them different, and "
                f"{len(self.things)} things; want each name once, and for each whether it is a thing"
            )


TargetSpec: TypeAlias = Label | Answer | Text | Boxes | Region | Dense | Panoptic | Match | Masked | Score
