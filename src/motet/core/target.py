"""What kind of answer is asked: a closed union; every `match` on it ends in `assert_never`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core.errors import ConfigError


@dataclass(frozen=True)
class Label:
    """One of a list of names. Truth: the index of the right name."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ConfigError(f"Label.names: got {twice} more than once; want every name once")
        if not self.names:
            raise ConfigError("Label.names: got none; want at least one name")


@dataclass(frozen=True)
class Answer:
    """A short answer to a question. Truth: the annotators' answers, a tuple of strings (ten in VQAv2).

    Args:
        names: the closed list a classifier chooses from; empty for open answers.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Free words. Truth: the reference texts, a tuple of strings.

    Args:
        max_words: an answer is cut after so many words.
    """

    max_words: int


@dataclass(frozen=True)
class Boxes:
    """Things with their boxes. Truth and prediction: a `BoxSet`."""

    names: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """The place a phrase means. Right at IoU > 0.5.

    Truth: (x0, y0, x1, y1) in pixels of the file, or None where nothing is meant.
    """


@dataclass(frozen=True)
class Dense:
    """A value a pixel.

    Truth: an array of the file's size, (h, w) or (h, w, channels); invalid pixels are NaN, or -1 for classes.
    """

    channels: int
    unit: Literal["class", "metre", "unit vector", "probability"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """The candidates that fit.

    Args:
        among: what the candidates are.
        pool: "row": among the row's own candidates; the truth is the set of right places. "split": over all rows of a
            source, each a picture with the texts that fit it, which are the truth; "texts" ranks all texts for each
            picture, "images" all pictures for each text. Training rows of it are made with candidates of their own.
    """

    among: Literal["texts", "images", "regions"]
    pool: Literal["row", "split"] = "row"


@dataclass(frozen=True)
class Masked:
    """Hidden parts of the input, to be told from the rest.

    Truth: the input itself; evaluation masks are keyed by the Example's id.
    """

    what: Literal["words", "regions"]


@dataclass(frozen=True)
class Score:
    """A number between low and high. Truth: float."""

    low: float
    high: float


TargetSpec: TypeAlias = Label | Answer | Text | Boxes | Region | Dense | Match | Masked | Score
