"""Progress of long work on stderr: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_SECONDS = 10.0
"""Seconds between two lines if stderr is no terminal."""


@contextmanager
def counting(name: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to call with (done, total); the bar appears at the first call, and again if the work grows.

    Args:
        name: of the work.
        quiet: show nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from motet.core.printable import printable

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
    task = progress.add_task(printable(name), total=None)
    lines = not quiet and not console.is_terminal
    last_line = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal last_line
        if done < total and not progress.live.is_started:
            progress.start()
        progress.update(task, completed=done, total=total)
        if done >= total:
            progress.stop()
        if lines and time.monotonic() - last_line >= EVERY_SECONDS:
            console.print(printable(f"{name}: {done:,} of {total:,}"), markup=False, highlight=False)
            last_line = time.monotonic()

    try:
        yield update
    finally:
        progress.stop()


@contextmanager
def bar(name: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """Yields a function to call once per unit of work.

    Args:
        name: of the work.
        total: number of units.
        quiet: show nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from motet.core.printable import printable

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(printable(name), total=total)
        yield lambda: progress.update(task, advance=1)
