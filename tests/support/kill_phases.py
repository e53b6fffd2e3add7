"""The phase of a run, from the files in its folder alone."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from motet.core.folder_lock import HOLDER
from motet.core.model_folder import step_folder, steps_in
from motet.training.json_files import REPORT, RUN, VAL_REPORT
from motet.training.logging import LOG

Phase: TypeAlias = Literal["start", "set-up", "features", "steps", "checkpoint", "evaluation", "page", "end"]
PHASES: tuple[Phase, ...] = get_args(Phase)
_CLOCK = 0.02  # a file's time may be a tick behind the clock


@dataclass(frozen=True)
class View:
    """A run folder during one start of its command.

    Args:
        folder: of the run.
        store: the folder of all stored features.
        since: the time at which the command was started; older files are of earlier starts.
        steps: of the run.
        evaluate_every: of the run.
    """

    folder: Path
    store: Path
    since: float
    steps: int
    evaluate_every: int

    def phase(self) -> Phase:
        """Returns what the command does now."""
        if not self._is_new(self.folder / HOLDER):
            if not self._is_new(self.folder / REPORT):
                return "start"
            return "end" if self._card_is_new() else "page"
        if not self._is_new(self.folder / RUN):
            filled = any(self._is_new(path) for path in self.store.glob(f"*/{HOLDER}"))
            return "features" if filled else "set-up"
        if any(self.folder.glob(".step-*.*")):
            return "checkpoint"
        if self._is_new(self.folder / REPORT) or self._is_new(self.folder / VAL_REPORT):
            return "evaluation"
        step, evaluated = self.step()
        due = step % self.evaluate_every == 0 or step == self.steps
        return "evaluation" if step and due and evaluated < step else "steps"

    def step(self) -> tuple[int, int]:
        """Returns the last step in the log, and the last one with an evaluation."""
        lines = log_lines(self.folder)
        trained, evaluated = ([line["step"] for line in lines if key in line] for key in ("loss", "results"))
        return max(trained, default=0), max(evaluated, default=0)

    def _card_is_new(self) -> bool:
        steps = steps_in(self.folder)
        return bool(steps) and self._is_new(step_folder(self.folder, steps[-1]) / "README.md")

    def _is_new(self, path: Path) -> bool:
        try:
            return path.stat().st_mtime >= self.since - _CLOCK
        except OSError:
            return False


def log_lines(folder: Path) -> list[dict[str, Any]]:
    """Returns the lines of a run's log; the last one may be half written."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(OSError, ValueError):
        found.extend(json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines())
    return found
