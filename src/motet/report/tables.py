"""Rows of the report's tables, and tables as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from motet.core import Report, Result, decimals
from motet.report.budget import BUDGET_NAMES
from motet.report.compare import Comparison, SeedValues, TaskComparison


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a Markdown table; the first `left` columns are text, the others numbers.

    Examples:
        >>> print(table(("task", "score"), [("vqa", "61.2")]))
        | task | score |
        |---|---:|
        | vqa | 61.2 |
    """
    rule = ["---" if column < left else "---:" for column in range(len(head))]
    lines = ["| " + " | ".join(_cell(cell) for cell in cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "|".join(rule) + "|", *lines[1:]])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def number(value: float | None, unit: str = "", *, sign: bool = False) -> str:
    """Returns a number with its unit, rounded for a table; a dash for None.

    Examples:
        >>> number(61.23, "%"), number(None), number(1.0, sign=True), number(0.456, "m")
        ('61.2 %', '-', '+1.0', '0.46 m')
    """
    return "-" if value is None else bare(value, unit, sign=sign) + _unit(unit)


def bare(value: float | None, unit: str, *, sign: bool = False) -> str:
    """Returns `number` without its unit, for a column whose other cells have it; a rounded zero is never negative.

    Examples:
        >>> bare(-0.04, "%", sign=True)
        '+0.0'
    """
    if value is None:
        return "-"
    digits = decimals(unit)
    return f"{round(value, digits) + 0.0:{'+' if sign else ''}.{digits}f}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def interval(result: Result) -> str:
    """Returns the 95 % interval of a result; a dash where it has none."""
    if result.low is None or result.high is None:
        return "-"
    return f"{bare(result.low, result.unit)} to {bare(result.high, result.unit)}"


def results_rows(report: Report) -> list[tuple[str, ...]]:
    """Returns one row per result, under `RESULTS_HEAD`."""
    return [
        (
            result.task if result.main else "",
            f"{result.metric}{'' if result.higher_is_better else ' (lower is better)'}",
            number(result.value, result.unit) + (f" {BELOW}" if is_below_trivial(report, result) else ""),
            interval(result),
            f"{result.count:,}",
            f"{result.num_images:,}" if result.num_images else "-",
            best_trivial_baseline(report, result)[0] if result.main else "",
        )
        for result in report.results
    ]


BELOW = "▼"
"""The mark of a score that is not above the best trivial baseline."""
BELOW_NOTE = f"{BELOW} not above the best trivial baseline"


def is_below_trivial(report: Report, result: Result) -> bool:
    """Returns True for a main result that is not above the best trivial baseline of its task."""
    best = best_trivial_baseline(report, result)[1] if result.main else None
    return best is not None and (result.value <= best if result.higher_is_better else result.value >= best)


RESULTS_HEAD = ("task", "metric", "value", "95 % interval", "rows", "images", "best trivial baseline")


def best_trivial_baseline(report: Report, result: Result) -> tuple[str, float | None]:
    """Returns the trivial baseline that is hardest to beat, as text and as a number; a dash and None without any."""
    baselines = report.trivial_baselines.get(result.task, {})
    if not baselines:
        return "-", None
    pick = max if result.higher_is_better else min
    name = pick(baselines, key=lambda baseline: baselines[baseline])
    return f"{bare(baselines[name], result.unit)} ({name})", baselines[name]


CLASSES_HEAD = ("task", "metric", "class", "value")
NO_GROUND_TRUTH = "no ground truth"


def classes_rows(report: Report) -> list[tuple[str, ...]]:
    """Returns one row per class, under `CLASSES_HEAD`, for the metrics that are means over classes."""
    return [
        (result.task, result.metric, name, NO_GROUND_TRUTH if value is None else number(value, result.unit))
        for result in report.results
        for name, value in result.classes.items()
    ]


def trivial_baseline_rows(report: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of a table of all trivial baselines beside the scores."""
    names = list(dict.fromkeys(name for baselines in report.trivial_baselines.values() for name in baselines))
    rows = []
    for task in dict.fromkeys((*(result.task for result in report.results), *report.trivial_baselines)):
        baselines = report.trivial_baselines.get(task)
        if not baselines:
            continue
        unit, value = next(
            ((r.unit, number(r.value, r.unit)) for r in report.results if r.task == task and r.main), ("", "-")
        )
        main = next((one for one in report.results if one.task == task and one.main), None)
        value += f" {BELOW}" if main is not None and is_below_trivial(report, main) else ""
        rows.append((task, value, *(bare(baselines.get(name), unit) for name in names)))
    return ("task", "score", *names), rows


def source_rows(samples_seen: Mapping[str, int]) -> list[tuple[str, str]]:
    """Returns one row per source with the number of samples that training took from it."""
    return [(source, f"{count:,}") for source, count in samples_seen.items()]


def task_status_rows(
    status_by_task: Mapping[str, Sequence[tuple[int, str]]],
) -> tuple[tuple[str, str], list[tuple[str, str]]]:
    """Returns head and rows: the status of each task ("go", "stop", "wait"), with the step at which it began.

    Examples:
        >>> task_status_rows({"vqa": [(0, "go"), (1200, "stop")]})[1]
        [('vqa', 'go from 0, stop from 1,200')]
    """
    rows = [
        (task, ", ".join(f"{status} from {step:,}" for step, status in changes))
        for task, changes in status_by_task.items()
    ]
    return ("task", "status from step"), rows


COMPARISON_HEAD = (
    "task",
    "metric",
    "multi-task",
    "single-task",
    "delta",
    "difference (95 % interval)",
    "claim",
    "single-task model",
)


def comparison_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Returns one row per task under `COMPARISON_HEAD`, and delta-m below; then the same for every other budget."""
    return [row for one in (comparison, *comparison.others) for row in budget_rows(one)]


def budget_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Returns the rows of the comparison with single-task models of one budget, and delta-m as the last row."""
    rows = [
        (
            pair.task,
            f"{pair.metric}{'' if pair.higher_is_better else ' (lower is better)'}",
            _side(pair.multi, pair.unit),
            _side(pair.single, pair.unit),
            number(pair.delta, "%", sign=True),
            _difference(pair),
            pair.claim,
            pair.budget.phrase(pair.single_steps),
        )
        for pair in comparison.pairs
    ]
    mean, low, high = (
        number(one, "%", sign=True) for one in (comparison.delta_m, comparison.delta_m_low, comparison.delta_m_high)
    )
    interval_text = "" if comparison.delta_m_low is None else f"{low} to {high}"
    return [*rows, ("delta-m", "mean delta", "", "", mean, interval_text, "", "")]


def _difference(pair: TaskComparison) -> str:
    """Returns the difference with its interval; positive where the multi-task model is better."""
    one = pair.difference
    value, low, high = (bare(each, pair.unit, sign=True) for each in (one.value, one.low, one.high))
    return value if one.low is None else f"{value} ({low} to {high})"


def _side(side: SeedValues, unit: str) -> str:
    spread = "" if side.spread is None else f" ± {bare(side.spread, unit)}"
    return f"{bare(side.mean, unit)}{spread}{_unit(unit)}"


COST_HEAD = ("total", "parameters", "trained", "samples seen", "training time")


def cost_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Returns the cost of the multi-task model and of all single-task models together, under `COST_HEAD`."""
    budgets = (comparison, *comparison.others)
    several = len(budgets) > 1
    singles = [
        (f"{len(one.pairs)} single-task models{f', {BUDGET_NAMES[one.budget]}' if several else ''}", one.single)
        for one in budgets
    ]
    return [
        (
            name,
            _count(cost.parameters),
            _count(cost.trained),
            f"{cost.samples_seen:,.0f}",
            duration(cost.seconds),
        )
        for name, cost in (("one multi-task model", comparison.multi), *singles)
    ]


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def duration(seconds: float) -> str:
    """Returns a duration in seconds as text in its two largest units.

    Examples:
        >>> duration(42.4), duration(200), duration(7300)
        ('42 s', '3 min 20 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
