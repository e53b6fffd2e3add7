"""The function that a system suggests for a recipe, run as Python over made-up sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from motet.data.formats.video_rows import Frames
from motet.data.source import Source
from motet.systems.base.suggestion import FRAMES, FunctionText, Suggestion
from motet.training.run import Run

LONGEST = 120
"""Characters of a line in a recipe."""


@dataclass(frozen=True)
class Planned:
    """A task that was detected in a folder of data.

    Args:
        name: its name.
        kind: of the task.
        rows: training rows.
        reader: the name of its reader.
        boxes: the most boxes in one of its images.
    """

    name: str
    kind: str
    rows: int = 500
    reader: str = "Table"
    boxes: int = 0

    def most_boxes(self) -> int:
        return self.boxes


def written(suggestion: Suggestion, tasks: Sequence[Planned]) -> FunctionText:
    """Returns the text of the suggested function, which is called "run" and reads SOURCES."""
    return suggestion.text("run", tasks, "SOURCES", "all of it")


def run_of(suggestion: Suggestion, tasks: Sequence[Planned], sources: tuple[Source, ...]) -> Run:
    """Imports what the text says it needs, defines the function, and returns the run that it makes."""
    text = written(suggestion, tasks)
    imports = ["from pathlib import Path"]  # every recipe has it, for its DATA
    imports += [f"from {module} import {', '.join(names)}" for module, names in text.imports.items()]
    names: dict[str, Any] = {"SOURCES": sources, FRAMES: Frames(4)}
    exec("\n".join([*imports, "", *text.lines]), names)
    made = names["run"]()
    assert isinstance(made, Run)
    return made
