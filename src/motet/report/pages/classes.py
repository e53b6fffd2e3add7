"""The section of a run's page on single classes: bars, confusion matrices, precision over recall."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.core import Result
from motet.report import plots_of_classes, tables
from motet.report.confusion import Confusion
from motet.report.content import Content
from motet.report.download import Cell, Numbers
from motet.report.html import DrawFigure, details, html_table, muted, plot
from motet.report.plots_of_classes import CURVES, NAMED_CLASSES
from motet.report.precision_recall import PrecisionRecall

_MANY = 48
"""Classes from which on their bars are a table instead."""
_MOST_CONFUSED = 25


def html_classes(content: Content) -> str:
    """Returns what is known about the classes of each task, in the order of the run's tasks; "" for nothing."""
    results = {result.task: result for result in content.run.report.results if result.classes}
    confusions = {one.task: one for one in content.confusions}
    parts = []
    for task in dict.fromkeys((*content.run.tasks, *results, *confusions, *(one.task for one in content.curves))):
        curves = [curve for curve in content.curves if curve.task == task]
        own = [
            *([_bars(results[task])] if task in results else []),
            *([_confusion(confusions[task])] if task in confusions else []),
            *([_curves(task, curves)] if curves else []),
        ]
        parts += [f"<h3>{escape(task)}</h3>", *own] if own else []
    return "".join(parts)


def _bars(result: Result) -> str:
    """Returns a bar per class; a line of text for one class, and a table for very many."""
    values = {
        name: tables.NO_GROUND_TRUTH if value is None else f"{value:.1f}" for name, value in result.classes.items()
    }
    if len(values) == 1:
        ((name, value),) = values.items()
        return f"<p>{escape(f'{result.metric} of the one class {name}: {value}')}</p>"
    numbers = Numbers(
        f"{result.task} {result.metric} per class", ("class", result.metric), list(result.classes.items())
    )
    if len(values) > _MANY:
        return html_table(("class", result.metric), list(values.items()), name=numbers.name)
    listed = ", ".join(f"{name} {value}" for name, value in values.items())
    return plot(_class_bars(result), f"{result.metric} per class of {result.task}: {listed}", numbers)


def _class_bars(result: Result) -> DrawFigure:
    label = f"{result.metric}{f' ({result.unit})' if result.unit else ''} per class on {result.source}"
    return lambda theme: plots_of_classes.class_bars(result.classes, mean=result.value, label=label, theme=theme)


def _confusion(confusion: Confusion) -> str:
    """Returns the matrix, and the most confused pairs: the whole answer where the matrix is too large to be read."""
    pairs = confusion.most_confused()
    count, wrong = int(confusion.counts.sum()), sum(pair.count for pair in pairs)
    about = (
        f"Confusion of {len(confusion.names):,} classes: {wrong:,} of {count:,} rows are predicted as another class. "
        "A row of the matrix is a class, and its cells are the shares of its predictions in percent."
    )
    numbers = Numbers(f"{confusion.task} confusion", ("ground truth", "predicted", "rows"), _cells(confusion))
    matrix = plot(
        lambda theme: plots_of_classes.confusion_matrix(confusion, theme=theme),
        f"confusion matrix of {confusion.task}", numbers,
    )  # fmt: skip
    shown = [
        (pair.ground_truth, pair.predicted, f"{pair.count:,}", f"{100 * pair.share:.0f} %")
        for pair in pairs[:_MOST_CONFUSED]
    ]
    head = ("ground truth", "predicted", "rows", "share of the class")
    listed = html_table(head, shown, left=2) if shown else ""
    if len(confusion.names) <= NAMED_CLASSES:
        return muted(about) + matrix + (details("The most confused pairs", listed) if len(shown) > 2 else "")
    rest = f"{len(pairs) - len(shown):,} more pairs are in the CSV file." if len(pairs) > len(shown) else ""
    pattern = muted("The whole matrix, stronger for larger shares: a line down is a class that draws others.")
    return muted(about) + "<h4>The most confused pairs</h4>" + listed + muted(rest) + pattern + matrix


def _cells(confusion: Confusion) -> list[tuple[Cell, ...]]:
    """Returns the cells of a matrix that are not 0."""
    columns = confusion.columns
    return [
        (confusion.names[row], columns[column], int(confusion.counts[row, column]))
        for row, column in zip(*confusion.counts.nonzero(), strict=True)
    ]


def _curves(task: str, curves: Sequence[PrecisionRecall]) -> str:
    """Returns the curves of the classes with the most boxes, and a table of all classes."""
    points: list[tuple[Cell, ...]] = [
        (curve.name, float(score), float(precision), float(recall))
        for curve in curves
        for score, precision, recall in zip(curve.scores, curve.precision, curve.recall, strict=True)
    ]
    numbers = Numbers(f"{task} precision and recall", ("class", "score", "precision", "recall"), points)
    first = f", the {CURVES} classes with the most boxes" if len(curves) > CURVES else ""
    rows = []
    for curve in sorted(curves, key=lambda one: -one.num_annotated):
        f1, score = curve.best_f1
        recall = float(curve.recall[-1]) if len(curve.recall) else 0.0
        at = "-" if score is None else f"{score:.2f}"
        rows.append(
            (curve.name, f"{curve.num_annotated:,}", f"{curve.ap50:.1f}", f"{100 * recall:.1f}", f"{f1:.1f}", at)
        )
    head = ("class", "boxes", "AP50", "recall of all detections", "best F1", "at a score of")
    return (
        muted(f"Precision over recall at an IoU of 0.5{first}; beside each name its AP50.")
        + plot(
            lambda theme: plots_of_classes.precision_over_recall(curves, theme=theme),
            f"precision over recall of {task}", numbers,
        )
        + html_table(head, rows, name=f"{task} classes")
    )  # fmt: skip
