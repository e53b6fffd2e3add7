"""A grid whose cells write one number each, and note which process ran them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from motet.experiments.run_grid import Cell, Ended


class ToyGrid:
    """Cells that take `seconds` each; what runs is appended to ``ran``."""

    name = "toy"

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...],
        *,
        seconds: float = 0.0,
        after: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.folder, self.seconds = folder, seconds
        self.cells = tuple(Cell(name=name, log=f"{name}.log", after=(after or {}).get(name, ())) for name in names)
        self.on_run: Callable[[Cell], None] = lambda cell: None

    def finished(self, cell: Cell) -> bool:
        return (self.folder / f"{cell.name}.txt").exists()

    def run(self, cell: Cell) -> None:
        note(self.folder / "began", f"{cell.name} {os.getpid()}")
        self.on_run(cell)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            time.sleep(0.005)
        (self.folder / f"{cell.name}.txt").write_text(f"{sum(cell.name.encode())}")
        note(self.folder / "ran", f"{cell.name} {os.getpid()}")

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        return Ended(error=error, line=f"{cell.name}: {error or 'done'}")

    def results(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in sorted(self.folder.glob("*.txt"))}


def note(path: Path, line: str) -> None:
    """Appends a line in one write."""
    handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def noted(path: Path) -> list[tuple[str, int]]:
    """The lines of `note`, as (cell, process)."""
    if not path.exists():
        return []
    return [(line.rpartition(" ")[0], int(line.rpartition(" ")[2])) for line in path.read_text().splitlines()]
