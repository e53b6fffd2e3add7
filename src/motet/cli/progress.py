"""A bar on stderr for long work; a line now and then where stderr is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_SECONDS = 10.0
"""How often a line is written where there is no terminal for a bar."""


@contextmanager
def counting(name: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to be told (done, total); the bar appears with the first news, and again for more work.

    Args:
        name: what is being done.
        quiet: show nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
    task = progress.add_task(name, total=None)
    lines = not quiet and not console.is_terminal
    written = time.monotonic()

    def told(done: int, total: int) -> None:
        nonlocal written
        if done < total and not progress.live.is_started:
            progress.start()
        progress.update(task, completed=done, total=total)
        if done >= total:
            progress.stop()
        if lines and time.monotonic() - written >= EVERY_SECONDS:
            console.print(f"{name}: {done:,} of {total:,}", markup=False, highlight=False)
            written = time.monotonic()

    try:
        yield told
    finally:
        progress.stop()


@contextmanager
def bar(name: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """Gives a function to be called once for each unit of work.

    Args:
        name: what is being done.
        total: how many units there are.
        quiet: show nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(name, total=total)
        yield lambda: progress.update(task, advance=1)
