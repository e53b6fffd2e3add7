"""The budget of a single-task baseline: what it has in common with the multi-task run that it is compared with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, assert_never, get_args

from motet.core import CheckpointError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole

Budget: TypeAlias = Literal["rows", "steps", "compute", "plateau"]
"""Samples of its task, steps, or compute of the whole multi-task run; or training until the score stops rising."""
BUDGETS: tuple[Budget, ...] = get_args(Budget)
BUDGET_NAMES: dict[Budget, str] = {
    "rows": "equal rows",
    "steps": "equal steps",
    "compute": "equal compute",
    "plateau": "until they stop rising",
}
_FILE = "budget.json"


@dataclass(frozen=True)
class BaselineBudget:
    """The budget of a trained baseline.

    Args:
        kind: what it has in common with the multi-task run.
        still_rises: whether its score on val still rose at the longest training that was tried; "plateau" only.
    """

    kind: Budget = "rows"
    still_rises: bool = False

    def phrase(self, steps: int) -> str:
        """Returns the budget with its steps, to stand after "its single-task model".

        Examples:
            >>> BaselineBudget().phrase(270)
            'at equal rows (270 steps)'
            >>> BaselineBudget("plateau").phrase(2400)
            'trained until it stops rising (2,400 steps)'
        """
        match self.kind:
            case "rows" | "steps" | "compute":
                return f"at equal {self.kind} ({steps:,} steps)"
            case "plateau" if self.still_rises:
                return f"trained for {steps:,} steps, where it still rises"
            case "plateau":
                return f"trained until it stops rising ({steps:,} steps)"
            case never:
                assert_never(never)


def write_budget(folder: Path, budget: BaselineBudget) -> None:
    """Notes the budget of a baseline in its run folder."""
    write_whole(folder / _FILE, json.dumps({"budget": budget.kind, "still_rises": budget.still_rises}) + "\n")


def read_budget(folder: Path) -> BaselineBudget:
    """Reads the budget of a baseline from its run folder; equal rows where there is no note.

    Raises:
        CheckpointError: a note that is damaged.
    """
    path = folder / _FILE
    try:
        match read_json(path):
            case {"budget": ("rows" | "steps" | "compute" | "plateau") as kind, "still_rises": bool() as still_rises}:
                return BaselineBudget(kind, still_rises)
            case other:
                raise CheckpointError(f"{path}: got {str(other)[:60]}; want a budget of {', '.join(BUDGETS)}")
    except FileNotFoundError:
        return BaselineBudget()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the budget of a baseline") from error
