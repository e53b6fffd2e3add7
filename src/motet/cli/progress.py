"""A bar on stderr for long work, and nothing where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def counting(name: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to be told (done, total); the bar appears with the first news.

    Args:
        name: what is being done.
        quiet: show nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
    tasks: list[TaskID] = []

    def told(done: int, total: int) -> None:
        if not tasks:
            progress.start()
            tasks.append(progress.add_task(name, total=total))
        progress.update(tasks[0], completed=done, total=total)
        if done >= total:
            progress.stop()

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
