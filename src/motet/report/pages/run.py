"""The report page of a run: it embeds its images and loads nothing from any other file or address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TypeVar

from motet.core import Report
from motet.report import plots, tables
from motet.report.budget import BUDGET_NAMES
from motet.report.compare import Comparison
from motet.report.content import Content
from motet.report.download import Numbers
from motet.report.html import DrawFigure, details, document, html_list, html_table, muted, plot
from motet.report.pages.cards import html_gallery
from motet.report.pages.classes import html_classes
from motet.report.plots import Curve, ScorePoint
from motet.report.verdict import Verdict, verdicts
from motet.report.write import write_files

_PANELS = 12
"""Panels up to which learning curves are shown at once."""
_MANY_TASKS = 20
"""Tasks up to which all verdicts are shown at once; of more, those that say something come first."""
_Value = TypeVar("_Value")


def page(content: Content) -> str:
    """Returns the page as HTML."""
    return document(content.title, _summary(content), _sections(content))


def markdown(content: Content) -> str:
    """Returns the page's tables and notes as Markdown; plots and images are on the page only."""
    run, comparison = content.run, content.comparison
    parts = [f"# {content.title}", _summary_text(content), "## Verdict"]
    parts += ["\n".join(f"* {one}" for one in verdicts(run, comparison)), "## Results"]
    parts.append(tables.table(tables.RESULTS_HEAD, tables.results_rows(run.report), left=2))
    parts += [tables.BELOW_NOTE] if _has_below(run.report) else []
    if classes := tables.classes_rows(run.report):
        parts += ["## Classes", tables.table(tables.CLASSES_HEAD, classes, left=3)]
    if comparison is not None:
        parts += ["## Multi-task against single-task", _comparison_text(comparison)]
        parts.append(tables.table(tables.COMPARISON_HEAD, tables.comparison_rows(comparison), left=2))
        parts.append(tables.table(tables.COST_HEAD, tables.cost_rows(comparison)))
    if run.report.trivial_baselines:
        parts += ["## Trivial baselines", tables.table(*tables.trivial_baseline_rows(run.report))]
    if run.log.task_status:
        parts += ["## Stop and go", tables.table(*tables.task_status_rows(run.log.task_status))]
    parts += ["## Samples seen", tables.table(("source", "samples"), tables.source_rows(run.report.samples_seen))]
    parts += ["## Notes", "\n".join(f"* {note}" for note in content.all_notes) or "None."]
    parts += [
        "## Versions",
        "\n".join(f"* {name} {version}" for name, version in run.versions.items()) or "Not recorded.",
    ]
    if content.all_credit:
        parts += ["## Credit", "\n".join(f"* {line}" for line in content.all_credit)]
    return "\n\n".join(parts) + "\n"


def write_report(folder: Path, content: Content) -> tuple[Path, Path]:
    """Writes `report.html` and `report.md` into a run folder, each whole or not at all.

    Raises:
        DataError: the folder cannot be written.
    """
    files = {"report.html": page(content), "report.md": markdown(content)}
    html, text = write_files(folder, files)
    return html, text


def _sections(content: Content) -> list[tuple[str, str]]:
    run, report = content.run, content.run.report
    classes = html_classes(content)
    return [
        ("Verdict", html_verdicts(verdicts(run, content.comparison))),
        ("Results", _results(report)),
        *([("Classes", classes)] if classes else []),
        ("Multi-task against single-task", html_comparison(content.comparison)),
        ("Learning curves", _learning_curves(content)),
        *([("Stop and go", _stop_and_go(content))] if run.log.task_status else []),
        ("Samples seen", _samples_seen(report.samples_seen or run.log.samples_seen)),
        ("Trivial baselines", _baselines(content)),
        ("Predictions", html_gallery(content.gallery, run.tasks, content.all_credit)),
        *([("Attention", _attention(content))] if content.attention else []),
        ("Notes", html_list(content.all_notes, "Nothing to note.")),
        ("Versions", html_list([f"{name} {version}" for name, version in run.versions.items()], "Not recorded.")),
    ]


def _results(report: Report) -> str:
    note = muted(tables.BELOW_NOTE) if _has_below(report) else ""
    return html_table(tables.RESULTS_HEAD, tables.results_rows(report), left=2, name="results") + note


def html_verdicts(found: Sequence[Verdict]) -> str:
    """Returns verdicts as a list with a mark for better and for worse."""
    if not found:
        return muted("No score to judge.")
    if len(found) <= _MANY_TASKS:
        return _verdict_list(found)
    clear = [one for one in found if _mark(one) in ("better", "worse", "below")]
    counts = Counter(_MARK_NAMES[_mark(one)] for one in found)
    about = ", ".join(f"{counts[name]} {name}" for name in dict.fromkeys(_MARK_NAMES.values()) if counts[name])
    others = [one for one in found if one not in clear]
    rest = details(f"The other {len(others)} tasks", _verdict_list(others)) if others else ""
    return f"<p>Of {len(found)} tasks: {about}.</p>" + _verdict_list(clear) + rest


_MARK_NAMES = {
    "better": "better than alone",
    "worse": "worse than alone",
    "below": "not above a trivial baseline",
    "same": "without a difference",
    "": "without a claim",
}


def _mark(one: Verdict) -> str:
    if one.below_trivial:
        return "below"
    return {"better": "better", "worse": "worse", "no difference": "same", "no claim": ""}[one.claim]


def _verdict_list(found: Sequence[Verdict]) -> str:
    lines = [f'<li class="{_mark(one)}"><b>{escape(one.task)}</b>: {escape(one.text)}</li>' for one in found]
    return f'<ul class="verdicts">{"".join(lines)}</ul>' if lines else ""


def in_order(by_task: Mapping[str, _Value], tasks: Sequence[str]) -> dict[str, _Value]:
    """Returns a mapping in the order of a run's tasks; what else it has comes last.

    Examples:
        >>> in_order({"b": 1, "x": 2, "a": 3}, ("a", "b", "c"))
        {'a': 3, 'b': 1, 'x': 2}
    """
    return {task: by_task[task] for task in dict.fromkeys((*tasks, *by_task)) if task in by_task}


def _has_below(report: Report) -> bool:
    return any(tables.is_below_trivial(report, result) for result in report.results)


def _summary_text(content: Content) -> str:
    run = content.run
    parts = [
        f"{len(run.tasks)} task{'' if len(run.tasks) == 1 else 's'}",
        f"step {run.report.step:,}",
        f"seed {run.seed}",
    ]
    if "all" in run.parameters:
        parts.append(f"{run.parameters['all']:,} parameters")
    if run.log.seconds:
        parts.append(f"trained in {tables.duration(run.log.seconds)}")
    return ", ".join(parts) + f"; evaluated on {run.report.role} rows."


def _summary(content: Content) -> str:
    return muted(_summary_text(content))


def _comparison_text(comparison: Comparison) -> str:
    seeds = len(comparison.seeds)
    return (
        f"One multi-task model for {len(comparison.pairs)} tasks against one single-task model per task, {seeds} "
        f"seed{'' if seeds == 1 else 's'}. Delta: 100 (M - B) / B, with the multi-task score M and the single-task "
        "score B, and with the sign changed where lower is better: positive where the multi-task model is better. "
        "delta-m is the mean of the deltas over tasks. ± is the standard deviation over seeds. The intervals are a "
        "bootstrap over images, the same on both sides, and over the seeds of both sides; those of the tasks hold "
        "together (1 - 0.05 / number of comparisons each). Fewer than three seeds say little about "
        "the spread over seeds."
    ) + (_BUDGETS if comparison.others else "")


_BUDGETS = (
    " At equal rows a single-task model takes the samples of its task that the multi-task run takes: for a small task "
    "a run of few steps, so that a gap to it is no evidence of shared skills. One that is trained until its score on "
    "val stops rising shows what the task reaches alone."
)


def html_comparison(comparison: Comparison | None) -> str:
    """Returns the comparison with single-task models: tables, scores with intervals, costs."""
    if comparison is None:
        return '<p class="muted">No single-task baselines yet: <code>motet baseline</code> trains them.</p>'
    drawn = []
    for unit in dict.fromkeys(pair.unit for pair in comparison.pairs):
        own = [pair for pair in comparison.pairs if pair.unit == unit]
        values = [
            ScorePoint(f"{pair.task} ({pair.metric})", name, side.mean, side.low, side.high)
            for pair in own
            for name, side in (
                ("multi-task", pair.multi),
                ("single-task", pair.single),
                *(
                    (f"single-task, {BUDGET_NAMES[one.budget]}", other.single)
                    for one in comparison.others
                    for other in one.pairs
                    if other.task == pair.task
                ),
            )
        ]
        points = [(dot.task, dot.series, dot.value, dot.low, dot.high) for dot in values]
        numbers = Numbers(f"scores {unit}", ("task", "model", "score", "low", "high"), points)
        drawn.append(plot(draw_scores(values, unit or "score"), "multi-task and single-task scores", numbers))
    lines = any(pair.multi.low is not None for pair in comparison.pairs)
    caption = muted("Lines: 95 % bootstrap intervals over images, first seed.") if lines else ""
    return (
        f"<p>{escape(_comparison_text(comparison))}</p>"
        + "".join(
            html_table(tables.COMPARISON_HEAD, tables.budget_rows(one), left=2, total=True, name="comparison")
            for one in (comparison, *comparison.others)
        )
        + "".join(drawn)
        + caption
        + html_table(tables.COST_HEAD, tables.cost_rows(comparison))
    )


def draw_scores(values: Sequence[ScorePoint], label: str) -> DrawFigure:
    """Returns a plot of scores with their intervals."""
    return lambda theme: plots.score_points(values, label=label, theme=theme)


def _learning_curves(content: Content) -> str:
    log, report, order = content.run.log, content.run.report, content.run.tasks
    parts = []
    if log.scores:
        main = in_order({task: points for (task, _), points in log.scores.items()}, order)
        labels = dict(log.scores.keys())
        baselines = {
            result.task: baseline
            for result in report.results
            if result.main and (baseline := tables.best_trivial_baseline(report, result)[1]) is not None
        }
        drawn = plot(
            lambda theme: plots.curves(main, label=labels, baselines=baselines, theme=theme),
            "validation scores by step",
            curve_numbers("scores on val", main),
        )
        parts.append(_folded("Main metric on validation rows", drawn, len(main)))
    if log.losses:
        losses = in_order(log.losses, order)
        drawn = plot(
            lambda theme: plots.curves(losses, label="loss", baselines={}, theme=theme),
            "training loss by step",
            curve_numbers("training loss", losses),
        )
        parts.append(_folded("Training loss", drawn, len(losses)))
    return "".join(parts) or muted("No training log was found.")


def _folded(title: str, body: str, panels: int) -> str:
    """Returns a plot under its title; one of very many panels is folded away."""
    if panels > _PANELS:
        return details(f"{title}: {panels} tasks", body)
    return f"<h3>{escape(title)}</h3>{body}"


def curve_numbers(name: str, by_task: Mapping[str, Curve]) -> Numbers:
    """Returns the points of curves as rows of a CSV file."""
    rows = [(task, step, value) for task, points in by_task.items() for step, value in points]
    return Numbers(name, ("task", "step", "value"), rows)


def _stop_and_go(content: Content) -> str:
    """Returns the timeline of each task's status, for schedules that stop and resume tasks."""
    steps = content.run.report.step
    status = in_order(content.run.log.task_status, content.run.tasks)
    changed = [(task, step, word) for task, words in status.items() for step, word in words]
    changes = sum(max(0, len(words) - 1) for words in status.values())
    return f"<p>{changes} change{'' if changes == 1 else 's'} of {len(status)} tasks over {steps:,} steps.</p>" + plot(
        lambda theme: plots.status_timeline(status, steps=steps, theme=theme),
        "status of each task by step",
        Numbers("stop and go", ("task", "step", "status"), changed),
    )


def _samples_seen(samples: Mapping[str, int]) -> str:
    if not samples:
        return muted("Not recorded.")
    counts = ", ".join(f"{source}: {count:,}" for source, count in samples.items())
    return plot(
        lambda theme: plots.horizontal_bars(samples, label="training samples seen, by source", theme=theme),
        f"samples seen: {counts}",
        Numbers("samples seen", ("source", "samples"), list(samples.items())),
    )


def _baselines(content: Content) -> str:
    report = content.run.report
    if not report.trivial_baselines:
        return muted("Not computed for this report.")
    about = (
        "<p>Main metric of predictors that a model must beat: the most frequent answer, the best single text for all "
        "images, every class at its mean box, the answer of the nearest training image, a linear probe (a regression "
        "on the pretrained encoder's features), and this model on images of other rows.</p>"
    )
    return about + html_table(*tables.trivial_baseline_rows(report), name="trivial baselines")


def _attention(content: Content) -> str:
    about = (
        "<p>The last co-attention layer between words and image regions, head by head. Warm: regions that the words "
        "attend to, mean over words; in brackets the weight of the whole image. Bars: words that the regions attend "
        "to, mean over regions; markers such as [CLS] often take the weight that no word needs.</p>"
    )
    return about + html_gallery(content.attention, content.run.tasks, content.all_credit)
