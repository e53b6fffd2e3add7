"""The tasks that a system would answer on little data, and the recipe function that `motet init` writes for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

FRAMES = "FRAMES"
"""The recipe's variable that says which frames of a video are read."""


class PlannedTask(Protocol):
    """A task that was detected in a folder of data."""

    @property
    def name(self) -> str:
        """Its name, and that of its variable in the recipe."""
        ...

    @property
    def kind(self) -> str:
        """ "classification", "captioning", "detection", ...: see `motet.data.detect.dataset.Kind`."""
        ...

    @property
    def rows(self) -> int:
        """Training rows."""
        ...

    @property
    def reader(self) -> str:
        """The name of its reader in `READERS`."""
        ...

    def most_boxes(self) -> int:
        """Returns the most boxes in one of its first images."""
        ...


@dataclass(frozen=True)
class FunctionText:
    """One function of a recipe.

    Args:
        lines: its Python.
        imports: module -> names.
    """

    lines: tuple[str, ...]
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_steps(self, steps: int) -> FunctionText:
        """Returns the function with another number of steps in its `train_config_lines`."""
        every = max(1, steps // 4)
        values = {"steps": steps, "evaluate_every": every, "save_every": every}
        new = {f"            {name}": f"            {name}={value}," for name, value in values.items()}
        return replace(self, lines=tuple(new.get(line.partition("=")[0], line) for line in self.lines))


class Suggestion(Protocol):
    """A system's offer to `motet init`; the class variable `suggestion` of its configuration holds it."""

    @property
    def name(self) -> str:
        """The function's name where a recipe has several."""
        ...

    @property
    def about(self) -> str:
        """The system and what it does that others do not, in a few words."""
        ...

    @property
    def own(self) -> frozenset[str]:
        """Kinds of task that this system is suggested for."""
        ...

    @property
    def closed(self) -> bool:
        """True of a system that chooses answers from a list, so that questions need one."""
        ...

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also answers tasks of these kinds, which it would not be chosen for."""
        ...

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """Returns the function that trains the tasks.

        Args:
            function: its name.
            tasks: what it learns.
            sources: the expression of its sources.
            about: the tasks in words, for its docstring.
        """
        ...


def train_config_lines(steps: int, lr: str, *, precision: str = "bfloat16", **options: str) -> Iterator[str]:
    """Yields the lines of `Run.train` in a recipe function.

    Args:
        steps: iterations; evaluated and saved four times.
        lr: the learning rate as Python.
        precision: the default of `TrainConfig` where empty.
        options: others of `TrainConfig`, as Python.
    """
    yield "        train=TrainConfig("
    yield f"            steps={steps},"
    yield f"            lr={lr},"
    yield from (f"            {name}={value}," for name, value in options.items())
    if precision:
        yield f'            precision="{precision}",'
    yield f"            evaluate_every={steps // 4},"
    yield f"            save_every={steps // 4},"
    yield '            final_weights="best",  # of those evaluations, and one before the first step'
    yield "        ),"


def steps_for(rows: int, *, epochs: int, batch_size: int, least: int, most: int) -> int:
    """Returns the steps that go some times through the rows, in hundreds, between two limits.

    Examples:
        >>> [steps_for(rows, epochs=30, batch_size=64, least=200, most=1500) for rows in (300, 3_000, 100_000)]
        [200, 1400, 1500]
    """
    return int(min(most, max(least, round(epochs * rows / batch_size, -2))))
