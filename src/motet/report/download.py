"""Links that save the numbers of a plot or a table as CSV, without a server."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from motet.core.printable import printable

Cell = str | float | int | None


@dataclass(frozen=True)
class Numbers:
    """The numbers behind a plot.

    Args:
        name: of the file, without its ending.
        head: names of the columns.
        rows: text, numbers as they are (not rounded), or None for an unknown one.
    """

    name: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


def csv_text(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Returns a table as CSV; a text that a spreadsheet would run as a formula gets a quote in front.

    Examples:
        >>> csv_text(("class", "ap"), [("=1+1", -2.5), ("a,b", None)])
        'class,ap\\r\\n\\'=1+1,-2.5\\r\\n"a,b",\\r\\n'
    """
    file = io.StringIO()
    writer = csv.writer(file)
    for cells in (head, *rows):
        writer.writerow(["" if cell is None else _text(cell) if isinstance(cell, str) else cell for cell in cells])
    return printable(file.getvalue().replace("\r\n", "\n")).replace("\n", "\r\n")


def csv_link(numbers: Numbers) -> str:
    """Returns a link that saves numbers as a CSV file."""
    data = csv_text(numbers.head, numbers.rows).encode()
    return (
        f'<a class="save" download="{escape(file_name(numbers.name))}.csv" '
        f'href="data:text/csv;base64,{base64.b64encode(data).decode()}">CSV</a>'
    )


def file_name(text: str) -> str:
    """Returns a text as the name of a file: letters, digits, dots and dashes, at most 60.

    Examples:
        >>> file_name("Learning curves: val/<b>"), file_name("$")
        ('learning-curves-val-b', 'numbers')
    """
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:60].strip("-.") or "numbers"


def _text(cell: str) -> str:
    is_number = re.fullmatch(r"[+-]?[\d.,]+(?: ?%)?", cell.strip()) is not None
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number and cell != "-" else cell
