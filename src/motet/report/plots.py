"""Plots of the report: readable on light and dark pages, with colours that colour-blind readers can distinguish."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullLocator

from motet.core.printable import printable

_MARKERS = ("o", "s", "^", "D", "v")
_COLUMNS = 3


@dataclass(frozen=True)
class Theme:
    """The colours of a page.

    Args:
        text: colour of letters.
        faint: colour of axes and grids.
        series: colours of the data, in order.
        baseline: colour of the line that a score must beat.
    """

    text: str
    faint: str
    series: tuple[str, ...]
    baseline: str


# Okabe and Ito's colours, distinct for the common kinds of colour blindness; the dark page gets the lighter blue first.
LIGHT = Theme("#1f2933", "#c5ccd3", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"), "#D55E00")
DARK = Theme("#e4e7eb", "#4b5563", ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442"), "#F0935A")

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
    names = list(by_task)
    rows = max(1, -(-len(names) // _COLUMNS))
    figure = _figure(9.0, 2.2 * rows + 0.2)
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        points = by_task[name]
        marker = "o" if len(points) <= 30 else ""
        axes.plot([x for x, _ in points], [y for _, y in points], color=theme.series[0], marker=marker, markersize=3.5)
        if name in baselines:
            axes.axhline(baselines[name], color=theme.baseline, linestyle=(0, (4, 3)), linewidth=1)
            axes.annotate(
                "baseline", (1, baselines[name]), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                textcoords="offset points", ha="right", va="bottom", fontsize=7, color=theme.baseline,
            )  # fmt: skip
        unit = label if isinstance(label, str) else label.get(name, "")
        axes.set_title(short(f"{name}  ·  {unit}" if unit else name), fontsize=9, loc="left", color=theme.text)
        if place >= len(names) - _COLUMNS:
            axes.set_xlabel("step", fontsize=8, color=theme.text)
        _dress(axes, theme)
    return figure


def horizontal_bars(values: Mapping[str, float], *, label: str, theme: Theme = LIGHT) -> Figure:
    """Returns one horizontal bar per name, with its number at the end."""
    names = list(values)
    figure = _figure(9.0, 0.32 * len(names) + 0.8)
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
    _dress(axes, theme, grid="x")
    return figure


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
    figure = _figure(9.0, 0.24 * rows + 0.8)
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
        _dress(axes, theme, grid="x")
    figure.supxlabel(f"{short(label)}; dashed: the mean, {mean:.1f}", fontsize=8, color=theme.text)
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
    figure = _figure(9.0, 0.46 * len(tasks) + 1.0)
    axes = figure.add_subplot()
    step = 0.28
    for number, name in enumerate(series):
        offset = (number - (len(series) - 1) / 2) * step
        own = [dot for dot in values if dot.series == name]
        colour, marker = theme.series[number % len(theme.series)], _MARKERS[number % len(_MARKERS)]
        places = [tasks.index(dot.task) + offset for dot in own]
        for dot, place in zip(own, places, strict=True):
            if dot.low is not None and dot.high is not None:
                axes.plot([dot.low, dot.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="round")
        axes.scatter([dot.value for dot in own], places, color=colour, marker=marker, s=26, label=name, zorder=3)
    axes.set_yticks(range(len(tasks)), [short(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlabel(short(label, 120), fontsize=8, color=theme.text)
    _dress(axes, theme, grid="x")
    _legend(axes, theme)
    return figure


def score_panels(values: Sequence[ScorePoint], *, theme: Theme = LIGHT) -> Figure:
    """Returns one panel per task, each with its own scale and one row per series: a point and its interval."""
    tasks = list(dict.fromkeys(dot.task for dot in values))
    columns = min(_COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    most = max(sum(dot.task == task for dot in values) for task in tasks)
    figure = _figure(9.0, (0.24 * most + 0.7) * rows)
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
        _dress(axes, theme, grid="x")
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
    figure = _figure(9.0, 2.2 * rows + 0.9 if len(panels) > 1 else 4.2)
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
        _dress(axes, theme)
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
    """Draws one kind of method in one panel; where the colours repeat, the markers change."""
    colour = theme.series[number % len(theme.series)]
    marker = _MARKERS[(number + number // len(theme.series)) % len(_MARKERS)]
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
    figure = _figure(9.0, 0.28 * len(tasks) + 0.9)
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
    _dress(axes, theme, grid="x")
    return figure


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


def _figure(width: float, height: float) -> Figure:
    """Returns a new figure (sizes in inches) that pyplot does not keep, so it needs no closing."""
    return Figure(figsize=(width, height), layout="constrained")


def _dress(axes: Axes, theme: Theme, *, grid: str = "y") -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.faint)
    axes.tick_params(which="both", labelcolor=theme.text, labelsize=8, color=theme.faint)
    axes.grid(axis="x" if grid == "x" else "y", color=theme.faint, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)


def _legend(axes: Axes, theme: Theme) -> None:
    axes.legend(
        fontsize=8, frameon=False, labelcolor=theme.text, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=6,
        borderaxespad=0.2,
    )  # fmt: skip
