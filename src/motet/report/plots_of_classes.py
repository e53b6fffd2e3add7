"""Plots with a number per class: bars, confusion matrices, precision over recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from motet.report.confusion import Confusion
from motet.report.plots import LIGHT, Theme, dress, new_figure, short
from motet.report.precision_recall import PrecisionRecall

_COLUMNS = 3
NAMED_CLASSES = 30
"""Classes up to which a confusion matrix has their names and numbers."""
CURVES = 24
"""Precision-recall curves that are drawn, those of the classes with the most boxes."""
_CELLS = 200  # rows of a matrix without names: those of more classes share a row


def class_bars(values: Mapping[str, float | None], *, mean: float, label: str, theme: Theme = LIGHT) -> Figure:
    """Returns one horizontal bar per class, the best first, and a dashed line at their mean, in one or more columns.

    Args:
        values: by class; None for one without ground truth, which comes last and has a text in place of a bar.
        mean: over the classes with ground truth.
        label: of the numbers.
        theme: light or dark.
    """
    ordered = sorted(values.items(), key=lambda item: (item[1] is None, -(item[1] or 0.0)))
    columns = min(_COLUMNS, 1 + len(ordered) // 16)
    rows = -(-len(ordered) // columns)
    figure = new_figure(9.0, 0.24 * rows + 0.8)
    highest = max([100.0 if "%" in label else 0.0, mean, *(value for value in values.values() if value is not None)])
    for column, axes in enumerate(figure.subplots(1, columns, squeeze=False)[0]):
        own = ordered[column * rows : (column + 1) * rows]
        axes.barh(range(len(own)), [value or 0.0 for _, value in own], color=theme.series[0], height=0.62)
        for place, (_, value) in enumerate(own):
            axes.annotate(
                "no ground truth" if value is None else f"{value:.1f}", (value or 0.0, place), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8, color=theme.text,
                fontstyle="italic" if value is None else "normal",
            )  # fmt: skip
        axes.axvline(mean, color=theme.baseline, linestyle=(0, (4, 3)), linewidth=1, zorder=0.9)
        axes.set_yticks(range(len(own)), [short(name, 24) for name, _ in own])
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_xlim(0.0, 1.12 * highest or 1.0)
        dress(axes, theme, grid="x")
    figure.supxlabel(f"{short(label)}; dashed: the mean, {mean:.1f}", fontsize=8, color=theme.text)
    return figure


def confusion_matrix(confusion: Confusion, *, theme: Theme = LIGHT) -> Figure:
    """Returns a matrix of ground truth (down) and prediction (across): the share of each class, in whole percent.

    Of more than `NAMED_CLASSES` classes only the pattern is drawn, without names; neighbours share a cell where
    there are more than 200, and the cell shows the largest of their shares.

    Args:
        confusion: of one task.
        theme: light or dark.
    """
    shares, columns = confusion.shares(), confusion.columns
    named = len(confusion.names) <= NAMED_CLASSES
    if not named:
        shares = _reduced(shares, _CELLS)
    # A cell has one size, so that a matrix of two classes is small.
    longest = max((len(short(name, 18)) for name in columns), default=1) if named else 0
    size = min(0.62, 6.6 / len(columns)) if named else 5.4 / len(shares)
    margin = 0.09 * longest + 0.5
    figure = new_figure(min(9.0, size * shares.shape[1] + margin), size * len(shares) + margin)
    axes = figure.add_subplot()
    # A root, so that a pair that is confused in one of a hundred rows can still be seen.
    colours = np.tile(np.array(to_rgba(theme.series[0])), (*shares.shape, 1))
    colours[..., 3] = theme.readable * shares if named else np.sqrt(shares)
    axes.imshow(colours, aspect="equal", interpolation="nearest")
    if named:
        for row, column in np.argwhere(shares >= 0.005).tolist():
            axes.text(
                column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=theme.text,
                fontsize=min(8.0, max(6.0, 30 * size)),
            )  # fmt: skip
        names = [short(name, 18) for name in columns]
        axes.set_xticks(range(len(columns)), names, rotation=90 if longest > 5 or len(columns) > 12 else 0)
        axes.set_yticks(range(len(confusion.names)), names[: len(confusion.names)])
        for place in range(1, max(shares.shape)):
            axes.axvline(place - 0.5, color=theme.faint, linewidth=0.3)
            axes.axhline(place - 0.5, color=theme.faint, linewidth=0.3)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_xlabel("predicted", fontsize=8, color=theme.text)
    axes.set_ylabel("ground truth", fontsize=8, color=theme.text)
    dress(axes, theme)
    axes.grid(visible=False)
    return figure


def _reduced(shares: np.ndarray, most: int) -> np.ndarray:
    """Returns a matrix of at most so many rows and columns, each the largest of those it stands for."""
    for axis in (0, 1):
        count = shares.shape[axis]
        if count > most:
            shares = np.maximum.reduceat(shares, np.arange(most) * count // most, axis=axis)
    return shares


def precision_over_recall(curves: Sequence[PrecisionRecall], *, theme: Theme = LIGHT) -> Figure:
    """Returns one small panel per class, those with the most annotated boxes first: precision over recall.

    Args:
        curves: of the classes of one task.
        theme: light or dark.
    """
    drawn = sorted(curves, key=lambda curve: -curve.num_annotated)[:CURVES]
    columns = max(1, min(6, len(drawn)))
    rows = max(1, -(-len(drawn) // columns))
    figure = new_figure(1.5 * max(columns, 2), 1.5 * rows + 0.3)
    for place, (axes, curve) in enumerate(zip(figure.subplots(rows, columns, squeeze=False).flat, drawn, strict=False)):
        _precision_panel(axes, curve, theme, left=place % columns == 0, bottom=place >= len(drawn) - columns)
    for axes in figure.axes[len(drawn) :]:
        axes.set_axis_off()
    figure.supxlabel("recall", fontsize=8, color=theme.text)
    figure.supylabel("precision", fontsize=8, color=theme.text)
    return figure


def _precision_panel(axes: Axes, curve: PrecisionRecall, theme: Theme, *, left: bool, bottom: bool) -> None:
    if len(curve.recall):
        # Down to no detection at full precision, so that a class with one detection has a line too.
        recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)
        axes.plot(recall, precision, color=theme.series[0], linewidth=1.2)
        axes.fill_between(recall, precision, color=theme.series[0], alpha=0.15, linewidth=0)
    else:
        axes.text(0.5, 0.5, "no detection", ha="center", va="center", fontsize=7, fontstyle="italic", color=theme.text)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "½", "1"] if bottom else ["", "", ""])
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"] if left else ["", "", ""])
    axes.set_title(f"{short(curve.name, 14)}  {curve.ap50:.0f}", fontsize=8, loc="left", color=theme.text)
    dress(axes, theme)
