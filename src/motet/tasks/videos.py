"""Tasks on short videos: what happens in one, told by a name or in words, and which text belongs to it."""

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
    """Naming what happens in a video; see `classification`.

    Examples:
        >>> video_classification("action", ("run", "jump")).inputs
        frozenset({'video'})
    """
    return replace(classification(name, names, label=label, hflip=hflip, crop=crop), inputs=VIDEO)


def video_captioning(
    name: str = "video_caption", *, label: str = "captions", max_words: int = 30, crop: bool = True
) -> Task:
    """Saying what happens in a video; see `captioning`."""
    return replace(captioning(name, label=label, max_words=max_words, crop=crop), inputs=VIDEO)


def video_retrieval(
    name: str = "video_retrieval",
    *,
    among: Literal["images", "texts"] = "images",
    label: str = "captions",
    crop: bool = False,
) -> Task:
    """Finding the video of a caption among all, or the caption of a video; see `retrieval`.

    Examples:
        >>> sorted(video_retrieval().inputs)
        ['text', 'video']
    """
    return replace(retrieval(name, among=among, label=label, crop=crop), inputs=VIDEO | {"text"})
