"""Output of commands: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Returns standard output, with colours only if it is a terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, emoji=False)


def print_lines(*lines: str) -> None:
    """Prints lines without markup or wrapping."""
    from motet.core.printable import printable

    target = console()
    for line in lines:
        target.print(printable(line), markup=False, soft_wrap=True)


def print_errors(*lines: str) -> None:
    """Prints lines on standard error."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201


def print_json(value: Any) -> None:
    """Prints a value as JSON on standard output."""
    from motet.core.printable import printable

    print(printable(json.dumps(value, indent=1, ensure_ascii=False)))  # noqa: T201


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", numbers: Sequence[int] = ()) -> None:
    """Prints a table.

    Args:
        head: names of the columns.
        rows: the cells, as text.
        title: the line above it.
        numbers: indices of the right-aligned columns.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from motet.core.printable import printable

    drawn = Table(title=printable(title) or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place, name in enumerate(head):
        drawn.add_column(Text(printable(name)), justify="right" if place in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    console().print(drawn)


def size(num_bytes: float) -> str:
    """Returns a number of bytes with a decimal unit.

    Examples:
        >>> size(900), size(2_500_000), size(3.2e9)
        ('900 B', '2.5 MB', '3.2 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} B" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"
