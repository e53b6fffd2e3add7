"""One page for several runs: scores side by side with intervals, curves over each other, verdicts, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from motet.core import Result
from motet.report import plots, tables
from motet.report.compare import Comparison
from motet.report.download import Numbers
from motet.report.html import Link, details, document, html_list, html_table, muted, plot
from motet.report.pages.run import draw_scores, html_comparison, html_verdicts
from motet.report.plots import Curve, ScorePoint
from motet.report.run_differences import RunDifference, run_differences
from motet.report.runs import RunRecord
from motet.report.tables import bare
from motet.report.verdict import verdicts

_CLAIMS = {"better": "▲ better", "worse": "▼ worse", "no difference": "= no difference", "no claim": "no claim"}
_PANELS = 12
"""Panels up to which curves are shown at once."""


def several_page(
    title: str,
    runs: Mapping[str, RunRecord],
    *,
    comparisons: Sequence[Comparison] = (),
    links: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Returns the page of several runs as HTML.

    Args:
        title: the heading.
        runs: by name; the first is the one that the others are compared with.
        comparisons: of the multi-task runs among them with the single-task runs among them, one per set of tasks.
        links: addresses of the runs' own pages.
        notes: remarks.
    """
    tasks = tuple(dict.fromkeys(task for run in runs.values() for task in run.tasks))
    differences, refused = run_differences(runs)
    sections = [
        ("Verdict", _verdicts(runs, comparisons, differences)),
        ("Scores", _scores(runs, tasks, links or {})),
        *([("Multi-task against single-task", "".join(map(html_comparison, comparisons)))] if comparisons else []),
        *([("Learning curves", curves)] if (curves := _learning_curves(runs, tasks)) else []),
        ("Runs", _costs(runs, links or {})),
        ("Notes", html_list((*notes, *refused, *_notes(runs)), "Nothing to note.")),
    ]
    summary = f"{len(runs)} runs of {len(tasks)} task{'' if len(tasks) == 1 else 's'}."
    return document(title, muted(summary), sections)


def _verdicts(
    runs: Mapping[str, RunRecord], comparisons: Sequence[Comparison], differences: Sequence[RunDifference]
) -> str:
    rows = [
        (
            one.task,
            one.run,
            one.first,
            f"{bare(one.result.value, one.result.unit)} against {tables.number(one.reference.value, one.result.unit)}",
            bare(one.difference.value, one.result.unit, sign=True),
            _interval(one),
            _CLAIMS[one.claim],
        )
        for one in differences
    ]
    head = ("task", "run", "against", "scores", "difference", "its interval", "claim")
    against = html_table(head, rows, left=3, name="differences") if rows else ""
    about = (
        "Differences are positive where the run is better. Their intervals are a bootstrap over the same images and "
        "hold together (1 - 0.05 / number of comparisons each). One seed says nothing about the spread over seeds."
    )
    by_tasks = {frozenset(pair.task for pair in one.pairs): one for one in comparisons}
    single = []
    for name, run in runs.items():
        own = by_tasks.get(frozenset(run.tasks)) if len(run.tasks) > 1 else None
        single.append(details(name, html_verdicts(verdicts(run, own))))
    return against + (muted(about) if rows else "") + "<h3>Run by run</h3>" + "".join(single)


def _interval(one: RunDifference) -> str:
    if one.difference.low is None:
        return "-"
    low, high = (bare(end, one.result.unit, sign=True) for end in (one.difference.low, one.difference.high))
    return f"{low} to {high}"


def _scores(runs: Mapping[str, RunRecord], tasks: Sequence[str], links: Mapping[str, str]) -> str:
    main = {(name, one.task): one for name, run in runs.items() for one in run.report.results if one.main}
    rows: list[list[str | Link]] = []
    by_unit: dict[str, list[ScorePoint]] = {}
    for task in tasks:
        found = {name: main[name, task] for name in runs if (name, task) in main}
        for metric in dict.fromkeys(one.metric for one in found.values()):
            own = {name: one for name, one in found.items() if one.metric == metric}
            first = next(iter(own.values()))
            lower = "" if first.higher_is_better else " (lower is better)"
            cells = [_score(own.get(name)) for name in runs]
            rows.append([task, f"{metric}{lower}", *cells])
            by_unit.setdefault(first.unit, []).extend(
                ScorePoint(f"{task} ({metric})", name, one.value, one.low, one.high) for name, one in own.items()
            )
    drawn = []
    for unit, points in by_unit.items():
        values = [(point.task, point.series, point.value, point.low, point.high) for point in points]
        numbers = Numbers(f"scores {unit}", ("task", "run", "score", "low", "high"), values)
        drawn.append(plot(draw_scores(points, unit or "score"), "scores of the runs", numbers))
    named = ", ".join(f'<a href="{escape(links[name])}">{escape(name)}</a>' for name in runs if name in links)
    return (
        html_table(("task", "metric", *runs), rows, left=2, name="scores")
        + (f"<p>Pages of the runs: {named}</p>" if named else "")
        + "".join(drawn)
        + muted("Lines: 95 % bootstrap intervals over images.")
    )


def _score(result: Result | None) -> str:
    if result is None:
        return ""
    score = tables.number(result.value, result.unit)
    return score if result.low is None else f"{score} ({tables.interval(result)})"


def _learning_curves(runs: Mapping[str, RunRecord], tasks: Sequence[str]) -> str:
    """Returns the curves of the runs over each other, those of scores above those of losses."""
    scores: dict[str, dict[str, Curve]] = {}
    labels: dict[str, str] = {}
    for task in tasks:
        for name, run in runs.items():
            for (other, metric), points in run.log.scores.items():
                if other == task:
                    scores.setdefault(task, {})[name] = points
                    labels.setdefault(task, metric)
    losses = {
        task: {name: run.log.losses[task] for name, run in runs.items() if task in run.log.losses} for task in tasks
    }
    parts = []
    for title, by_task, label in (
        ("Main metric on validation rows", scores, labels),
        ("Training loss", {task: lines for task, lines in losses.items() if lines}, "loss"),
    ):
        if by_task:
            parts.append(_curves(title, by_task, label))
    return "".join(parts)


def _curves(title: str, by_task: Mapping[str, Mapping[str, Curve]], label: str | Mapping[str, str]) -> str:
    points = [
        (task, name, step, value)
        for task, lines in by_task.items()
        for name, curve in lines.items()
        for step, value in curve
    ]
    drawn = plot(
        lambda theme: plots.overlaid_curves(by_task, label=label, baselines={}, theme=theme),
        f"{title.lower()} by step",
        Numbers(title, ("task", "run", "step", "value"), points),
    )
    return details(f"{title}: {len(by_task)} tasks", drawn) if len(by_task) > _PANELS else f"<h3>{title}</h3>{drawn}"


def _costs(runs: Mapping[str, RunRecord], links: Mapping[str, str]) -> str:
    rows = [run_row(name, run, links.get(name)) for name, run in runs.items()]
    return html_table(RUN_HEAD, rows, left=1, name="runs")


RUN_HEAD = ("run", "tasks", "seed", "step", "parameters", "trained", "samples seen", "training time", "evaluated on")


def run_row(name: str, run: RunRecord, link: str | None) -> list[str | Link]:
    """Returns the row of a run under `RUN_HEAD`.

    Args:
        name: of the run.
        run: the run.
        link: address of its page; None for none.
    """
    parameters = [f"{run.parameters[kind]:,}" if kind in run.parameters else "-" for kind in ("all", "trained")]
    samples = sum((run.report.samples_seen or run.log.samples_seen).values())
    return [
        name if link is None else Link(name, link),
        str(len(run.tasks)),
        str(run.seed),
        f"{run.report.step:,}",
        *parameters,
        f"{samples:,}",
        tables.duration(run.log.seconds) if run.log.seconds else "-",
        run.report.role,
    ]


def _notes(runs: Mapping[str, RunRecord]) -> list[str]:
    return [f"{name}: {note}" for name, run in runs.items() for note in run.report.notes]
