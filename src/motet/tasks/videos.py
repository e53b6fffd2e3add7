"""Tasks on short videos: classification, captioning and retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from motet.core import Task
from motet.core.task import InputKind
from motet.tasks.captioning import captioning
from motet.tasks.classification import classification
from motet.tasks.retrieval import retrieval

VIDEO: frozenset[InputKind] = frozenset({"video"})


def video_classification(
    name: str, names: Sequence[str], *, label: str = "class", hflip: bool = True, crop: bool = True
) -> Task:
    """Returns a video classification task; see `classification`.

    Examples:
        >>> video_classification("action", ("run", "jump")).inputs
        frozenset({'video'})
    """
    return replace(classification(name, names, label=label, hflip=hflip, crop=crop), inputs=VIDEO)


def video_captioning(
    name: str = "video_caption", *, label: str = "captions", max_words: int = 30, crop: bool = True
) -> Task:
    """Returns a video captioning task; see `captioning`.

    Examples:
        >>> video_captioning().inputs
        frozenset({'video'})
    """
    return replace(captioning(name, label=label, max_words=max_words, crop=crop), inputs=VIDEO)


def video_retrieval(
    name: str = "video_retrieval",
    *,
    among: Literal["images", "texts"] = "images",
    label: str = "captions",
    crop: bool = False,
) -> Task:
    """Returns a task that ranks all videos per caption, or all captions per video; see `retrieval`.

    Examples:
        >>> sorted(video_retrieval().inputs)
        ['text', 'video']
    """
    return replace(retrieval(name, among=among, label=label, crop=crop), inputs=VIDEO | {"text"})
