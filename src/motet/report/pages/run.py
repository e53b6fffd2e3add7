"""A run as one page: it holds its images in itself and asks nothing of any other file or address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from motet.core import CheckpointError, Report, Result
from motet.report import plots, tables
from motet.report.compare import Comparison
from motet.report.content import Content
from motet.report.html import DrawFigure, data_url, document, html_list, html_table, plot
from motet.report.plots import ScorePoint
from motet.report.prediction_card import PredictionCard


def page(content: Content) -> str:
    """The page as HTML."""
    return document(content.title, _summary(content), _sections(content))


def markdown(content: Content) -> str:
    """The page's tables and notes as Markdown; plots and images are on the page only."""
    run, comparison = content.run, content.comparison
    parts = [f"# {content.title}", _summary_text(content), "## Results"]
    parts.append(tables.table(tables.RESULTS_HEAD, tables.results_rows(run.report), left=2))
    if classes := tables.classes_rows(run.report):
        parts += ["## Classes", tables.table(tables.CLASSES_HEAD, classes, left=3)]
    if comparison is not None:
        parts += ["## Multi-task against single-task", _comparison_text(comparison)]
        parts.append(tables.table(tables.COMPARISON_HEAD, tables.comparison_rows(comparison), left=2))
        parts.append(tables.table(tables.COST_HEAD, tables.cost_rows(comparison)))
    if run.report.trivial_baselines:
        parts += ["## Floors", tables.table(*tables.trivial_baseline_rows(run.report))]
    if run.log.task_status:
        parts += ["## Stop and go", tables.table(*tables.task_status_rows(run.log.task_status))]
    parts += ["## Rows seen", tables.table(("source", "rows"), tables.samples_seen_rows(run.report.samples_seen))]
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
        CheckpointError: the folder cannot be written.
    """
    paths = folder / "report.html", folder / "report.md"
    for path, text in zip(paths, (page(content), markdown(content)), strict=True):
        part = path.with_name(f"{path.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise CheckpointError(
                f"{path}: got {error.strerror or error}; want a folder that can be written"
            ) from error
    return paths


def _sections(content: Content) -> list[tuple[str, str]]:
    run, report = content.run, content.run.report
    return [
        ("Results", html_table(tables.RESULTS_HEAD, tables.results_rows(report), left=2)),
        *([("Classes", _classes(report))] if tables.classes_rows(report) else []),
        ("Multi-task against single-task", _comparison(content)),
        ("Learning curves", _learning_curves(content)),
        *([("Stop and go", _stop_and_go(content))] if run.log.task_status else []),
        ("Rows seen per task", _rows_seen(report.samples_seen or run.log.rows)),
        ("Floors", _baselines(content)),
        ("Predictions", _gallery(content.gallery, content.all_credit)),
        *([("Attention", _looks(content))] if content.attention else []),
        ("Notes", html_list(content.all_notes, "Nothing to note.")),
        ("Versions", html_list([f"{name} {version}" for name, version in run.versions.items()], "Not recorded.")),
    ]


def _summary_text(content: Content) -> str:
    run = content.run
    parts = [f"{len(run.tasks)} tasks", f"step {run.report.step:,}", f"seed {run.seed}"]
    if "all" in run.parameters:
        parts.append(f"{run.parameters['all']:,} parameters")
    if run.log.seconds:
        parts.append(f"trained in {tables.duration(run.log.seconds)}")
    return ", ".join(parts) + f"; judged on {run.report.role} rows."


def _summary(content: Content) -> str:
    return f'<p class="soft">{escape(_summary_text(content))}</p>'


def _classes(report: Report) -> str:
    """Bars of each class's own number, for the numbers that are made of classes."""
    parts = []
    for result in (one for one in report.results if one.classes):
        said = ", ".join(f"{name} {'no truth' if v is None else f'{v:.1f}'}" for name, v in result.classes.items())
        parts.append(f"<h3>{escape(result.task)}</h3>")
        parts.append(plot(_class_bars(result), f"{result.metric} of each class of {result.task}: {said}"))
    return "".join(parts)


def _class_bars(result: Result) -> DrawFigure:
    label = f"{result.metric}{f' ({result.unit})' if result.unit else ''} of each class on {result.source}"
    return lambda theme: plots.class_bars(result.classes, mean=result.value, label=label, theme=theme)


def _comparison_text(comparison: Comparison) -> str:
    seeds = len(comparison.seeds)
    return (
        f"One model for {len(comparison.pairs)} tasks against a model of its own for each, {seeds} "
        f"seed{'' if seeds == 1 else 's'}. Gain: how much better joint training is, in percent of the single-task "
        "number, with the right sign where lower is better; delta-m is its mean over tasks. ± is the standard "
        "deviation over seeds."
    )


def _comparison(content: Content) -> str:
    comparison = content.comparison
    if comparison is None:
        return '<p class="soft">No single-task models yet: <code>motet baseline</code> trains them.</p>'
    drawn = []
    for unit in dict.fromkeys(pair.unit for pair in comparison.pairs):
        own = [pair for pair in comparison.pairs if pair.unit == unit]
        values = [
            ScorePoint(f"{pair.task} ({pair.metric})", name, side.mean, side.low, side.high)
            for pair in own
            for name, side in (("multi-task", pair.multi), ("single-task", pair.single))
        ]
        drawn.append(plot(_dots(values, unit or "score"), "multi-task and single-task scores"))
    lines = any(pair.multi.low is not None for pair in comparison.pairs)
    said = '<p class="soft">Lines: 95 % bootstrap intervals over images, first seed.</p>' if lines else ""
    return (
        f"<p>{escape(_comparison_text(comparison))}</p>"
        + html_table(tables.COMPARISON_HEAD, tables.comparison_rows(comparison), left=2, total=True)
        + "".join(drawn)
        + said
        + html_table(tables.COST_HEAD, tables.cost_rows(comparison))
    )


def _dots(values: Sequence[ScorePoint], label: str) -> DrawFigure:
    return lambda theme: plots.score_points(values, label=label, theme=theme)


def _learning_curves(content: Content) -> str:
    log, report = content.run.log, content.run.report
    parts = []
    if log.scores:
        main = {task: points for (task, _), points in log.scores.items()}
        labels = dict(log.scores.keys())
        baselines = {
            result.task: baseline
            for result in report.results
            if result.main and (baseline := tables.best_trivial_baseline(report, result)[1]) is not None
        }
        parts.append("<h3>Main metric on validation rows</h3>")
        parts.append(
            plot(
                lambda theme: plots.curves(main, label=labels, baselines=baselines, theme=theme),
                "validation scores by step",
            )
        )
    if log.losses:
        parts.append("<h3>Training loss</h3>")
        parts.append(
            plot(
                lambda theme: plots.curves(log.losses, label="loss", baselines={}, theme=theme), "training loss by step"
            )
        )
    return "".join(parts) or '<p class="soft">No log was kept.</p>'


def _stop_and_go(content: Content) -> str:
    """When each task was trained: only for schedules under which that changes."""
    log, steps = content.run.log, content.run.report.step
    changes = sum(max(0, len(words) - 1) for words in log.task_status.values())
    return (
        f"<p>{changes} change{'' if changes == 1 else 's'} of {len(log.task_status)} tasks over {steps:,} steps.</p>"
        + plot(
            lambda theme: plots.status_timeline(log.task_status, steps=steps, theme=theme), "what each task did by step"
        )
    )


def _rows_seen(rows: Mapping[str, int]) -> str:
    if not rows:
        return '<p class="soft">Not recorded.</p>'
    said = ", ".join(f"{source}: {count:,}" for source, count in rows.items())
    return plot(
        lambda theme: plots.horizontal_bars(rows, label="training rows, by source", theme=theme), f"rows seen: {said}"
    )


def _baselines(content: Content) -> str:
    report = content.run.report
    if not report.trivial_baselines:
        return '<p class="soft">Not computed for this report.</p>'
    said = (
        "<p>What the main metric gives without understanding: the commonest answer, the best single text for all "
        "pictures, every class at its mean box, the answer of the nearest training picture, and this model on pictures "
        "of other rows.</p>"
    )
    return said + html_table(*tables.trivial_baseline_rows(report))


def _gallery(shown: Sequence[PredictionCard], credit: Sequence[str]) -> str:
    if not shown:
        return '<p class="soft">No predictions were kept.</p>'
    parts = []
    for task in dict.fromkeys(card.task for card in shown):
        cards = "".join(_card(card) for card in shown if card.task == task)
        parts.append(f'<h3>{escape(task)}</h3><div class="cards">{cards}</div>')
    parts.append("".join(f'<p class="soft">{escape(line)}</p>' for line in credit))
    return "".join(parts)


def _looks(content: Content) -> str:
    said = (
        "<p>The last layer in which words and regions of the picture read each other, head by head. Warm: where the "
        "words look, on average over words; in brackets what goes to the picture as a whole. Bars: which words the "
        "regions look at, on average over regions; marks such as [CLS] often hold what no word needs.</p>"
    )
    return said + _gallery(content.attention, content.all_credit)


def _card(card: PredictionCard) -> str:
    mark = {True: " right", False: " wrong", None: ""}[card.correct]
    asked = f'<span class="asked">{escape(card.prompt)}</span>' if card.prompt else ""
    score = f" · {escape(card.score)}" if card.score else ""
    wide = ' class="pair"' if card.wide else ""
    true = f'<span class="true">true: {escape(card.ground_truth)}{score}</span>' if card.ground_truth or score else ""
    return (
        f'<figure{wide}><img src="{data_url(card.image, card.media_type)}" '
        f'alt="picture of a row of {escape(card.task)}">'
        f'<figcaption>{asked}<span class="said{mark}">{escape(card.prediction) or "(nothing)"}</span>'
        f"{_found(card)}{true}</figcaption></figure>"
    )


def _found(card: PredictionCard) -> str:
    """Texts that were found, in their order, the right ones marked."""
    lines = [f"<li{' class=hit' if right else ''}>{escape(text)}</li>" for text, right in card.ranked_texts]
    return f"<ol>{''.join(lines)}</ol>" if lines else ""
