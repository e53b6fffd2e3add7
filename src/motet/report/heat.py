"""Heat maps of signed numbers: blue for positive values (a task helps), orange for negative ones (it harms)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from motet.report.plots import LIGHT, Theme, short

_ROW_INCHES = 0.46
_GAP = 0.25
"""Between a table and its averages, in cells."""


@dataclass(frozen=True)
class HeatCell:
    """The value of one cell.

    Args:
        value: its colour and number.
        spread: its standard deviation, written below the number; None for none.
    """

    value: float
    spread: float | None = None


@dataclass(frozen=True)
class HeatTable:
    """One heat map of a figure.

    Args:
        title: above it.
        rows: names of the rows.
        columns: names of the columns.
        cells: by (row, column); a missing cell stays empty.
        average: the name of the last row and column where they are averages, which are set apart by a gap.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], HeatCell]
    average: str | None = None

    @classmethod
    def of_matrix(
        cls, title: str, names: Sequence[str], values: np.ndarray, spreads: np.ndarray | None = None
    ) -> HeatTable:
        """Returns the heat map of a square matrix; cells of NaN or infinity are left out.

        Args:
            title: above it.
            names: of the rows and of the columns.
            values: (n, n).
            spreads: (n, n), NaN where there is none; None for none at all.

        Examples:
            >>> table = HeatTable.of_matrix("t", ("a", "b"), np.array([[1.0, np.nan], [0.5, 1.0]]))
            >>> sorted(table.cells)
            [('a', 'a'), ('b', 'a'), ('b', 'b')]
        """
        known = np.full_like(values, np.nan) if spreads is None else spreads
        cells = {
            (row, column): HeatCell(float(values[i, j]), float(known[i, j]) if np.isfinite(known[i, j]) else None)
            for i, row in enumerate(names)
            for j, column in enumerate(names)
            if np.isfinite(values[i, j])
        }
        return cls(title, names, names, cells)


def heat(
    tables: Sequence[HeatTable],
    *,
    label: str,
    theme: Theme = LIGHT,
    digits: int = 1,
    limit: float | None = None,
) -> Figure:
    """Returns heat maps side by side with one colour scale, symmetric about zero.

    A number that is larger than its spread is bold.

    Args:
        tables: with the same rows, or each with its own.
        label: of the numbers, below the figure.
        theme: light or dark.
        digits: after the decimal point.
        limit: the value of the strongest colour; larger ones have the same. The largest number by default.
    """
    widths = [len(table.columns) for table in tables]
    rows = max(len(table.rows) for table in tables)
    figure = Figure(figsize=(max(4.5, 1.2 + 0.95 * sum(widths)), _ROW_INCHES * rows + 1.3))
    figure.set_layout_engine(ConstrainedLayoutEngine(wspace=0.03))
    largest = max((abs(cell.value) for table in tables for cell in table.cells.values()), default=0.0) or 1.0
    scale = Normalize(-(limit or largest), limit or largest, clip=True)
    colours = LinearSegmentedColormap.from_list("signed", (theme.baseline, _zero_colour(theme), theme.series[0]))
    # All names get the same number of lines, so that the titles are at one height.
    lines = max((_wrapped(name).count("\n") for table in tables for name in table.columns), default=0)
    panels = figure.subplots(1, len(tables), squeeze=False, width_ratios=widths)[0]
    for number, (axes, table) in enumerate(zip(panels, tables, strict=True)):
        same = number > 0 and table.rows == tables[0].rows
        _draw(axes, table, colours, scale, theme, named=not same, lines=lines, digits=digits)
    figure.supxlabel(short(label, 120), fontsize=8, color=theme.text)
    return figure


def _draw(
    axes: Axes,
    table: HeatTable,
    colours: LinearSegmentedColormap,
    scale: Normalize,
    theme: Theme,
    *,
    named: bool,
    lines: int,
    digits: int,
) -> None:
    across, down = _places(table.columns, table.average), _places(table.rows, table.average)
    for (row, column), cell in table.cells.items():
        x, y = across[column], down[row]
        red, green, blue, _ = colours(scale(cell.value))
        axes.add_patch(Rectangle((x + 0.02, y + 0.03), 0.96, 0.94, facecolor=(red, green, blue), linewidth=0))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        letters = "#ffffff" if dark else "#1f2933"
        clear = cell.spread is not None and abs(cell.value) > cell.spread
        axes.text(
            x + 0.5, y + (0.5 if cell.spread is None else 0.38), signed(cell.value, digits),
            ha="center", va="center", fontsize=8.5, color=letters, fontweight="bold" if clear else "normal",
        )  # fmt: skip
        if cell.spread is not None:
            axes.text(
                x + 0.5, y + 0.73, f"± {cell.spread:.{digits}f}", ha="center", va="center", fontsize=6.5, color=letters
            )
    axes.set_xlim(0, max(across.values(), default=0) + 1)
    axes.set_ylim(max(down.values(), default=0) + 1, 0)
    axes.set_xticks([place + 0.5 for place in across.values()], [_wrapped(name, lines) for name in across])
    names = [short(name) if named else "" for name in down]
    axes.set_yticks([place + 0.5 for place in down.values()], names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=theme.text, labelsize=8)
    axes.set_facecolor("none")
    axes.set_title(short(table.title, 80), fontsize=9, loc="left", color=theme.text)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _places(names: Sequence[str], average: str | None) -> dict[str, float]:
    return {name: place + (_GAP if name == average else 0.0) for place, name in enumerate(names)}


def _wrapped(name: str, lines: int = 0) -> str:
    """Returns a name with each group on its own line, padded above to the given number of line breaks."""
    wrapped = "\n+ ".join(short(part, 20) for part in name.split(" + "))
    return "\n" * (lines - wrapped.count("\n")) + wrapped


def signed(value: float, digits: int) -> str:
    """Returns a number with its sign; a rounded zero is never negative.

    Examples:
        >>> signed(-0.04, 1), signed(2.5, 1)
        ('+0.0', '+2.5')
    """
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def _zero_colour(theme: Theme) -> str:
    """Returns the colour of zero, close to the page's background, which is dark where letters are light."""
    return "#f7f8f9" if int(theme.text[1:3], 16) < 128 else "#28313b"
