"""The candidates of `motet predict --candidate`: texts, boxes or images to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motet.core import TargetSpec


@dataclass(frozen=True)
class ChosenCandidates:
    """The candidates that a prediction chooses from.

    Args:
        values: the candidates as the task's rows have them.
        labels: a text for each.
        boxes_xyxy: each as a box, if they are regions.
    """

    values: tuple[Any, ...] = ()
    labels: tuple[str, ...] = ()
    boxes_xyxy: tuple[tuple[float, ...], ...] = ()


def candidates_of(texts: Sequence[str], target: TargetSpec, images: Sequence[str]) -> ChosenCandidates:
    """Parses the candidates of the command line; for a task that chooses an image, the images are the candidates.

    Raises:
        ConfigError: candidates for a task without any, none for a task that needs them, or a text that is no box.
    """
    from motet.core import ConfigError, Match

    if not isinstance(target, Match):
        if texts:
            raise ConfigError(f"--candidate: got {texts[0]!r}; want none, since this task chooses from no candidates")
        return ChosenCandidates()
    if target.among == "images":
        if texts:
            raise ConfigError(f"--candidate: got {texts[0]!r}; want --image for each image to choose from")
        return ChosenCandidates(labels=tuple(images))
    if not texts:
        what = "LEFT,TOP,RIGHT,BOTTOM of each box" if target.among == "regions" else "each text to choose from"
        raise ConfigError(f"--candidate: got none; want {what}")
    if target.among == "texts":
        return ChosenCandidates(tuple(texts), tuple(texts))
    boxes = tuple(_box(one) for one in texts)
    labels = tuple(f"box {place + 1} of {len(boxes)}: {corners_text(box)}" for place, box in enumerate(boxes))
    return ChosenCandidates(boxes, labels, boxes)


def _box(text: str) -> tuple[float, ...]:
    from motet.core import ConfigError

    try:
        sides = tuple(float(side) for side in text.split(","))
    except ValueError:
        sides = ()
    if len(sides) != 4 or not (sides[0] < sides[2] and sides[1] < sides[3]):
        raise ConfigError(f"--candidate: got {text!r}; want LEFT,TOP,RIGHT,BOTTOM in pixels, as 10,20,110,90")
    return sides


def corners_text(box: Sequence[float]) -> str:
    """Returns left, top, right and bottom in pixels with one decimal."""
    return " ".join(f"{side:.1f}" for side in box)
