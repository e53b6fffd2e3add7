"""The kind of a task's predictions as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from motet.core.target import Answer, Boxes, Dense, Label, Masked, Match, Panoptic, Region, Score, TargetSpec, Text

_MAX_NAMES = 8


def describe_target(target: TargetSpec) -> str:
    """Returns the kind of a task's predictions as text, for a reader who does not know the code."""
    match target:
        case Label(names=names):
            return f"one of {len(names)} names: {_some(names)}"
        case Answer(names=()):
            return "a short answer as free text"
        case Answer(names=names):
            return f"one of {len(names)} answers: {_some(names)}"
        case Text(max_words=limit):
            return f"a text of up to {limit} words"
        case Boxes(names=names):
            return f"boxes of {len(names)} class{'' if len(names) == 1 else 'es'}: {_some(names)}"
        case Region():
            return "the box that a phrase refers to"
        case Dense(channels=channels, unit=unit):
            return f"a map of {channels} channel{'s' if channels != 1 else ''} ({unit})"
        case Panoptic(names=names):
            return f"segments of {len(names)} classes: {_some(names)}"
        case Match(among=among):
            return f"the {among} that fit"
        case Masked(what=what):
            return f"masked {what}"
        case Score(low=low, high=high):
            return f"a number from {low:g} to {high:g}"
    assert_never(target)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_NAMES]) + (", ..." if len(names) > _MAX_NAMES else "")
