"""The report page of a run: it embeds its images and loads nothing from any other file or address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from motet.core import Report, Result
from motet.report import plots, tables
from motet.report.budget import BUDGET_NAMES
from motet.report.compare import Comparison
from motet.report.content import Content, PredictionCard
from motet.report.html import DrawFigure, document, html_list, html_table, image_url, muted, plot
from motet.report.plots import ScorePoint
from motet.report.verdict import verdicts
from motet.report.write import write_files


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
    return [
        ("Verdict", html_list([str(one) for one in verdicts(run, content.comparison)], "No score to judge.")),
        ("Results", _results(report)),
        *([("Classes", _classes(report))] if tables.classes_rows(report) else []),
        ("Multi-task against single-task", _comparison(content)),
        ("Learning curves", _learning_curves(content)),
        *([("Stop and go", _stop_and_go(content))] if run.log.task_status else []),
        ("Samples seen", _samples_seen(report.samples_seen or run.log.samples_seen)),
        ("Trivial baselines", _baselines(content)),
        ("Predictions", _gallery(content.gallery, content.all_credit)),
        *([("Attention", _attention(content))] if content.attention else []),
        ("Notes", html_list(content.all_notes, "Nothing to note.")),
        ("Versions", html_list([f"{name} {version}" for name, version in run.versions.items()], "Not recorded.")),
    ]


def _results(report: Report) -> str:
    note = muted(tables.BELOW_NOTE) if _has_below(report) else ""
    return html_table(tables.RESULTS_HEAD, tables.results_rows(report), left=2) + note


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


def _classes(report: Report) -> str:
    """Returns bars per class for the metrics that are means over classes."""
    parts = []
    for result in (one for one in report.results if one.classes):
        values = ", ".join(
            f"{name} {tables.NO_GROUND_TRUTH if value is None else f'{value:.1f}'}"
            for name, value in result.classes.items()
        )
        parts.append(f"<h3>{escape(result.task)}</h3>")
        parts.append(plot(_class_bars(result), f"{result.metric} per class of {result.task}: {values}"))
    return "".join(parts)


def _class_bars(result: Result) -> DrawFigure:
    label = f"{result.metric}{f' ({result.unit})' if result.unit else ''} per class on {result.source}"
    return lambda theme: plots.class_bars(result.classes, mean=result.value, label=label, theme=theme)


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


def _comparison(content: Content) -> str:
    comparison = content.comparison
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
        drawn.append(plot(_dots(values, unit or "score"), "multi-task and single-task scores"))
    lines = any(pair.multi.low is not None for pair in comparison.pairs)
    caption = muted("Lines: 95 % bootstrap intervals over images, first seed.") if lines else ""
    return (
        f"<p>{escape(_comparison_text(comparison))}</p>"
        + "".join(
            html_table(tables.COMPARISON_HEAD, tables.budget_rows(one), left=2, total=True)
            for one in (comparison, *comparison.others)
        )
        + "".join(drawn)
        + caption
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
    return "".join(parts) or muted("No training log was found.")


def _stop_and_go(content: Content) -> str:
    """Returns the timeline of each task's status, for schedules that stop and resume tasks."""
    log, steps = content.run.log, content.run.report.step
    changes = sum(max(0, len(words) - 1) for words in log.task_status.values())
    return (
        f"<p>{changes} change{'' if changes == 1 else 's'} of {len(log.task_status)} tasks over {steps:,} steps.</p>"
        + plot(
            lambda theme: plots.status_timeline(log.task_status, steps=steps, theme=theme),
            "status of each task by step",
        )
    )


def _samples_seen(samples: Mapping[str, int]) -> str:
    if not samples:
        return muted("Not recorded.")
    counts = ", ".join(f"{source}: {count:,}" for source, count in samples.items())
    return plot(
        lambda theme: plots.horizontal_bars(samples, label="training samples seen, by source", theme=theme),
        f"samples seen: {counts}",
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
    return about + html_table(*tables.trivial_baseline_rows(report))


def _gallery(cards: Sequence[PredictionCard], credit: Sequence[str]) -> str:
    if not cards:
        return muted("No predictions were saved.")
    parts = []
    for task in dict.fromkeys(card.task for card in cards):
        own = "".join(_card(card) for card in cards if card.task == task)
        parts.append(f'<h3>{escape(task)}</h3><div class="cards">{own}</div>')
    parts.append("".join(muted(line) for line in credit))
    return "".join(parts)


def _attention(content: Content) -> str:
    about = (
        "<p>The last co-attention layer between words and image regions, head by head. Warm: regions that the words "
        "attend to, mean over words; in brackets the weight of the whole image. Bars: words that the regions attend "
        "to, mean over regions; markers such as [CLS] often take the weight that no word needs.</p>"
    )
    return about + _gallery(content.attention, content.all_credit)


def _card(card: PredictionCard) -> str:
    mark = {True: " correct", False: " wrong", None: ""}[card.correct]
    prompt = f'<span class="prompt">{escape(card.prompt)}</span>' if card.prompt else ""
    score = f" · {escape(card.score)}" if card.score else ""
    wide = ' class="double"' if card.wide else ""
    ground_truth = ""
    if card.ground_truth or score:
        ground_truth = f'<span class="ground-truth">ground truth: {escape(card.ground_truth)}{score}</span>'
    return (
        f'<figure{wide}><img src="{image_url(card.image)}" alt="image of a row of {escape(card.task)}">'
        f'<figcaption>{prompt}<span class="prediction{mark}">{escape(card.prediction) or "(nothing)"}</span>'
        f"{_ranked_texts(card)}{ground_truth}</figcaption></figure>"
    )


def _ranked_texts(card: PredictionCard) -> str:
    """Returns the ranked texts in their order, the correct ones marked."""
    lines = [f"<li{' class=correct' if correct else ''}>{escape(text)}</li>" for text, correct in card.ranked_texts]
    return f"<ol>{''.join(lines)}</ol>" if lines else ""
