"""The decoding of each task (section 5.8): a text is generated, or every name of a list is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from motet.core import Answer, ConfigError, Label, Task, Text
from motet.nn.generate import BeamSearch, Greedy, Strategy


@dataclass(frozen=True)
class Scoring:
    """Scores every name of a `Label` or a closed `Answer` and predicts the most likely one."""


Decoding: TypeAlias = Strategy | Scoring


def default_decoding(task: Task) -> Decoding:
    """Returns beam search with 4 beams for texts and text reading, greedy for names and answers, as in the paper."""
    return BeamSearch() if isinstance(task.target, Text) or task.category == "ocr" else Greedy()


def answer_names(task: Task) -> tuple[str, ...]:
    """Returns the closed list of answers; empty for a task with free text."""
    return task.target.names if isinstance(task.target, Label | Answer) else ()


def names_to_score(task: Task) -> tuple[str, ...]:
    """Returns the names that `Scoring` chooses from. Raises ConfigError for a task without names."""
    names = answer_names(task)
    if not names:
        raise ConfigError(
            f"task {task.name!r}: Scoring: got {type(task.target).__name__} without names; want a task with "
            "a closed list of answers, or another decoding"
        )
    return names


def decoding_by_task(chosen: Mapping[str, Decoding], tasks: Sequence[Task]) -> dict[str, Decoding]:
    """Returns the decoding of tasks whose answer is generated: the chosen one, or the default.

    Raises:
        ConfigError: a name that is none of them; scoring for a task without names.
    """
    names = [task.name for task in tasks]
    if unknown := sorted(set(chosen) - set(names)):
        raise ConfigError(
            f"LiTDecoderConfig.decoding: got {unknown}; want tasks whose answer is generated: {', '.join(names)}"
        )
    for task in tasks:
        if chosen.get(task.name) == Scoring():
            names_to_score(task)
    return {task.name: chosen.get(task.name, default_decoding(task)) for task in tasks}
