"""Plots of the report: readable on light and dark pages, with colours that colour-blind readers can distinguish."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullLocator

from motet.core.printable import printable

_MARKERS = ("o", "s", "^", "D", "v")
_LINES = ("-", "--", ":")
_COLUMNS = 3
_LEGEND_LETTERS = 120  # that fit side by side into a figure


@dataclass(frozen=True)
class Theme:
    """The colours of a page.

    Args:
        text: colour of letters.
        faint: colour of axes and grids.
        series: colours of the data, in order.
        baseline: colour of the line that a score must beat.
        readable: opacity of the first colour of the data up to which letters on it can be read.
    """

    text: str
    faint: str
    series: tuple[str, ...]
    baseline: str
    readable: float


# Okabe and Ito's colours, distinct for the common kinds of colour blindness; the dark page gets the lighter blue first.
LIGHT = Theme("#1f2933", "#c5ccd3", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"), "#D55E00", 0.7)
DARK = Theme("#e4e7eb", "#4b5563", ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442"), "#F0935A", 0.5)

Curve = Sequence[tuple[float, float]]
"""Points (step, value)."""


def curves(
    by_task: Mapping[str, Curve],
    *,
    label: str | Mapping[str, str],
    baselines: Mapping[str, float],
    theme: Theme = LIGHT,
) -> Figure:
    """Returns one small panel per task: a value over steps, with a dashed line at its best trivial baseline.

    Args:
        by_task: points by task.
        label: of the values, for all or by task.
        baselines: by task; a task without one has no line.
        theme: light or dark.
    """
    lines = {task: {"": points} for task, points in by_task.items()}
    return overlaid_curves(lines, label=label, baselines=baselines, theme=theme)


def overlaid_curves(
    by_task: Mapping[str, Mapping[str, Curve]],
    *,
    label: str | Mapping[str, str],
    baselines: Mapping[str, float],
    theme: Theme = LIGHT,
) -> Figure:
    """Returns one small panel per task with one line per run, and one legend; a run keeps its colour in every panel.

    Args:
        by_task: points by task and name of the run; a task without a finite point has no panel.
        label: of the values, for all or by task.
        baselines: by task; a task without one has no line.
        theme: light or dark.
    """
    drawn = {task: lines for task, lines in by_task.items() if any(map(_finite, lines.values()))}
    runs = list(dict.fromkeys(run for lines in drawn.values() for run in lines))
    rows = max(1, -(-len(drawn) // _COLUMNS))
    named = [short(run) for run in runs]
    figure = new_figure(9.0, 2.2 * rows + (_legend_inches(named) if len(runs) > 1 else 0.2))
    shown: dict[str, Any] = {}
    for place, (task, lines) in enumerate(drawn.items()):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        for run, points in lines.items():
            number = runs.index(run)
            colour, marker = _colour_and_marker(number, theme)
            (shown[run],) = axes.plot(
                [x for x, _ in points], [y for _, y in points], color=colour, markersize=3.5,
                linestyle=_LINES[number // len(theme.series) % len(_LINES)], marker=marker if len(points) <= 30 else "",
            )  # fmt: skip
        if task in baselines:
            axes.axhline(baselines[task], color=theme.baseline, linestyle=(0, (4, 3)), linewidth=1)
            axes.annotate(
                "baseline", (1, baselines[task]), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                textcoords="offset points", ha="right", va="bottom", fontsize=7, color=theme.baseline,
            )  # fmt: skip
        unit = label if isinstance(label, str) else label.get(task, "")
        axes.set_title(short(f"{task}  ·  {unit}" if unit else task), fontsize=9, loc="left", color=theme.text)
        if place >= len(drawn) - _COLUMNS:
            axes.set_xlabel("step", fontsize=8, color=theme.text)
        dress(axes, theme)
    if len(runs) > 1:
        _legend(figure, [shown[run] for run in runs], named, theme)
    return figure


def _finite(points: Curve) -> bool:
    return any(math.isfinite(value) for _, value in points)


def horizontal_bars(values: Mapping[str, float], *, label: str, theme: Theme = LIGHT) -> Figure:
    """Returns one horizontal bar per name, with its number at the end."""
    names = list(values)
    figure = new_figure(9.0, 0.32 * len(names) + 0.8)
    axes = figure.add_subplot()
    axes.barh(range(len(names)), list(values.values()), color=theme.series[0], height=0.62)
    for place, value in enumerate(values.values()):
        axes.annotate(
            f"{value:,.0f}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
            color=theme.text,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(short(label, 120), fontsize=8, color=theme.text)
    dress(axes, theme, grid="x")
    return figure


def short(name: str, most: int = 40) -> str:
    """Returns a name from data as a label: printable, on one line, and not so long that the plot has no room left."""
    shown = " ".join(printable(name).split("\n"))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


@dataclass(frozen=True)
class ScorePoint:
    """One value with its 95 % interval or spread.

    Args:
        task: its row in the plot.
        series: its colour and marker: "multi-task", "single-task".
        value: the number.
        low: lower end; None for no line.
        high: upper end.
    """

    task: str
    series: str
    value: float
    low: float | None = None
    high: float | None = None


def score_points(values: Sequence[ScorePoint], *, label: str, theme: Theme = LIGHT) -> Figure:
    """Returns one row per task with one point per series and a line from its low to its high end."""
    tasks = list(dict.fromkeys(dot.task for dot in values))
    series = list(dict.fromkeys(dot.series for dot in values))
    in_task = {task: list(dict.fromkeys(dot.series for dot in values if dot.task == task)) for task in tasks}
    most = max(map(len, in_task.values()), default=1)
    named = [short(name) for name in series]
    figure = new_figure(9.0, max(0.46, 0.15 * most + 0.1) * len(tasks) + 0.7 + _legend_inches(named))
    axes = figure.add_subplot()
    shown: list[Any] = []
    step = min(0.28, 0.76 / max(1, most - 1))  # the points of a task stay in its row
    for number, name in enumerate(series):
        own = [dot for dot in values if dot.series == name]
        colour, marker = _colour_and_marker(number, theme)
        places = []
        for dot in own:
            beside = in_task[dot.task]
            places.append(tasks.index(dot.task) + (beside.index(name) - (len(beside) - 1) / 2) * step)
        for dot, place in zip(own, places, strict=True):
            if dot.low is not None and dot.high is not None:
                axes.plot([dot.low, dot.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="round")
        values_of = [dot.value for dot in own]
        shown.append(axes.scatter(values_of, places, color=colour, marker=marker, s=26, zorder=3))
    axes.set_yticks(range(len(tasks)), [short(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlabel(short(label, 120), fontsize=8, color=theme.text)
    dress(axes, theme, grid="x")
    _legend(figure, shown, named, theme)
    return figure


def score_panels(values: Sequence[ScorePoint], *, theme: Theme = LIGHT) -> Figure:
    """Returns one panel per task, each with its own scale and one row per series: a point and its interval."""
    tasks = list(dict.fromkeys(dot.task for dot in values))
    columns = min(_COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    most = max(sum(dot.task == task for dot in values) for task in tasks)
    figure = new_figure(9.0, (0.24 * most + 0.7) * rows)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, task in zip(grid, tasks, strict=False):
        own = [dot for dot in values if dot.task == task]
        for place, dot in enumerate(own):
            colour = theme.series[0] if place == 0 else theme.baseline
            if dot.low is not None and dot.high is not None:
                axes.plot([dot.low, dot.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="round")
            axes.scatter([dot.value], [place], color=colour, marker=_MARKERS[min(place, 1)], s=24, zorder=3)
        axes.set_yticks(range(len(own)), [short(dot.series, 20) for dot in own])
        axes.set_ylim(len(own) - 0.5, -0.5)
        axes.margins(x=0.1)
        axes.set_title(short(task), fontsize=9, loc="left", color=theme.text)
        dress(axes, theme, grid="x")
    for axes in grid[len(tasks) :]:
        axes.set_axis_off()
    return figure


@dataclass(frozen=True)
class TimedScore:
    """A score and the time it takes.

    Args:
        label: beside the point, such as "beam 4"; "" for none.
        series: its colour and marker: the kind of method.
        seconds: per row.
        score: of the task's main metric.
        panel: the task, where there are several panels side by side.
    """

    label: str
    series: str
    seconds: float
    score: float
    panel: str = ""


def score_against_time(values: Sequence[TimedScore], *, label: str, theme: Theme = LIGHT) -> Figure:
    """Returns one panel per task with one line per kind of method: score over time per row.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", figure 8.
    """
    panels = list(dict.fromkeys(value.panel for value in values))
    series = list(dict.fromkeys(value.series for value in values))
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(9.0, 2.2 * rows + 0.9 if len(panels) > 1 else 4.2)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, panel in zip(grid, panels, strict=False):
        for number, name in enumerate(series):
            own = sorted((v for v in values if (v.panel, v.series) == (panel, name)), key=lambda v: v.seconds)
            if own:
                _timed_line(axes, own, name, number, theme)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.12, y=0.12)
        axes.set_title(short(panel), fontsize=9, color=theme.text, loc="left")
        dress(axes, theme)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("milliseconds per row", fontsize=8, color=theme.text)
    figure.supylabel(short(label), fontsize=8, color=theme.text)
    known = {text: line for axes in figure.axes for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        [known[name] for name in series], series, fontsize=8, frameon=False, labelcolor=theme.text,
        loc="outside upper left", ncols=7,
    )  # fmt: skip
    return figure


def _timed_line(axes: Axes, values: Sequence[TimedScore], name: str, number: int, theme: Theme) -> None:
    """Draws one kind of method in one panel."""
    colour, marker = _colour_and_marker(number, theme)
    times, scores = [1000 * value.seconds for value in values], [value.score for value in values]
    axes.plot(times, scores, color=colour, marker=marker, markersize=5, linewidth=0.8, label=name, zorder=3)
    for value, time, score in zip(values, times, scores, strict=True):
        axes.annotate(
            short(value.label), (time, score), xytext=(5, 4), textcoords="offset points", fontsize=7.5, color=theme.text
        )


def status_timeline(by_task: Mapping[str, Sequence[tuple[int, str]]], *, steps: int, theme: Theme = LIGHT) -> Figure:
    """Returns one line per task over the steps: thick where it is trained, thin while stopped, none while it waits.

    Source: Lu et al., "12-in-1", figure 2.

    Args:
        by_task: changes of each task's status: the step, and "go", "stop" or "wait" from there on.
        steps: of the run.
        theme: light or dark.
    """
    tasks = list(by_task)
    figure = new_figure(9.0, 0.28 * len(tasks) + 0.9)
    axes = figure.add_subplot()
    for place, changes in enumerate(by_task.values()):
        ends = [*(step for step, _ in changes[1:]), steps]
        spans = [(status, begin, end) for (begin, status), end in zip(changes, ends, strict=True)]
        trained = [(begin, end - begin) for status, begin, end in spans if status == "go"]
        stopped = [(begin, end - begin) for status, begin, end in spans if status == "stop"]
        axes.broken_barh(trained, (place - 0.31, 0.62), color=theme.series[0], linewidth=0)
        axes.broken_barh(stopped, (place - 0.05, 0.1), color=theme.series[0], linewidth=0)
        updates = sum(length for _, length in trained) / max(1, steps)
        axes.annotate(
            f"{updates:.0%}", (1, place), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=7.5, color=theme.text,
        )  # fmt: skip
    axes.set_title(
        "thick: go  ·  thin: stop  ·  none: wait  ·  right: share of steps in go", fontsize=8, loc="left",
        color=theme.text,
    )  # fmt: skip
    axes.set_yticks(range(len(tasks)), [short(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlim(0, max(1, steps))
    axes.set_xlabel("step", fontsize=8, color=theme.text)
    dress(axes, theme, grid="x")
    return figure


def _colour_and_marker(number: int, theme: Theme) -> tuple[str, str]:
    """Returns those of one series; where the colours repeat, the markers change."""
    colours = len(theme.series)
    return theme.series[number % colours], _MARKERS[(number + number // colours) % len(_MARKERS)]


def svg(figure: Figure) -> bytes:
    """Returns a figure as SVG with letters as outlines, so it needs no font; equal figures give equal bytes."""
    file = io.BytesIO()
    with _letters_as_they_are(figure), mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "motet"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def png(figure: Figure, *, dots_per_inch: int = 150) -> bytes:
    """Returns a figure as PNG on white, for a README."""
    file = io.BytesIO()
    with _letters_as_they_are(figure):
        figure.savefig(file, format="png", dpi=dots_per_inch, facecolor="white")
    return file.getvalue()


@contextmanager
def _letters_as_they_are(figure: Figure) -> Iterator[None]:
    """Draws text as it is written: names come from data, where `$` is a letter and begins no formula."""
    with mpl.rc_context({"text.parse_math": False}):  # for the labels of ticks, which are made while drawing
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            text.set_parse_math(False)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Returns a new figure (sizes in inches) that pyplot does not keep, so it needs no closing."""
    return Figure(figsize=(width, height), layout="constrained")


def dress(axes: Axes, theme: Theme, *, grid: str = "y") -> None:
    """Gives axes the colours of a theme, two spines and a faint grid along x or y."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.faint)
    axes.tick_params(which="both", labelcolor=theme.text, labelsize=8, color=theme.faint)
    axes.grid(axis="x" if grid == "x" else "y", color=theme.faint, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)


def _legend_columns(names: Sequence[str]) -> int:
    """Returns as many columns as fit into the width of a figure."""
    return max(1, min(6, _LEGEND_LETTERS // (max(map(len, names), default=1) + 7)))


def _legend_inches(names: Sequence[str]) -> float:
    return 0.19 * -(-len(names) // _legend_columns(names)) + 0.1


def _legend(figure: Figure, lines: Sequence[Any], names: Sequence[str], theme: Theme) -> None:
    """Adds a legend above all axes, in as many lines as it needs."""
    figure.legend(
        lines, names, fontsize=8, frameon=False, labelcolor=theme.text, loc="outside upper left",
        ncols=_legend_columns(names), borderaxespad=0.2,
    )  # fmt: skip
