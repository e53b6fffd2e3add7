"""The model card of a saved system: its tasks, its scores and the credit of its training data."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Report, Result, System, Task
from motet.tasks.describe import describe_target


def model_card(system: System, *, name: str, report: Report | None = None, credit: Sequence[str] = ()) -> str:
    """Returns a model card, a `README.md` as the Hub expects it.

    Args:
        system: the model.
        name: a folder or a name on the Hub, which the example loads.
        report: its scores; without one the card says that there are none.
        credit: licence lines of the training data.
    """
    kind = type(system).__name__
    parts = [
        "---\nlibrary_name: motet\ntags:\n- motet\n- multi-task\n---",
        f"# {name.rpartition('/')[2] or name}",
        f"One {kind} for {len(system.tasks)} task{'s' if len(system.tasks) != 1 else ''}, "
        f"{_count(system):,} parameters, trained with motet.",
        "## Use",
        _example(system, name),
        "## Tasks",
        tasks_table(tuple(system.tasks.values())),
        "## Scores",
        _scores(report),
    ]
    if credit:
        parts += ["## Credit", "\n".join(f"- {line}" for line in credit)]
    return "\n\n".join(parts) + "\n"


def _count(system: System) -> int:
    return sum(parameter.numel() for parameter in system.parameters())


def _example(system: System, name: str) -> str:
    task = next(iter(system.tasks.values()))
    inputs = ['image="photo.jpg"'] if task.inputs & {"image", "regions", "video"} else []
    inputs += ['text="..."'] if "text" in task.inputs else []
    call = f'motet.load("{name}")("{task.name}", {", ".join(inputs)})'
    return f"```python\nimport motet\nprint({call})\n```"


def tasks_table(tasks: Sequence[Task]) -> str:
    """Returns a Markdown table of tasks: inputs, and what each predicts."""
    rows = [
        f"| {task.name} | {', '.join(sorted(task.inputs))} | {_cell(describe_target(task.target))} |" for task in tasks
    ]
    return "\n".join(["| task | inputs | predicts |", "|---|---|---|", *rows])


def _scores(report: Report | None) -> str:
    if report is None or not report.results:
        return "Not evaluated yet."
    rows = [_score_row(result, report) for result in report.results]
    head = [
        "| task | metric | value | 95 % interval | best trivial baseline | rows | images |",
        "|---|---|---|---|---|---|---|",
    ]
    lines = [f"Evaluated after {report.step} steps on the {report.role} rows.", "", *head, *rows]
    if report.notes:
        lines += ["", *(f"- {note}" for note in report.notes)]
    return "\n".join(lines)


def _score_row(result: Result, report: Report) -> str:
    interval = "" if result.low is None or result.high is None else f"{result.low:.1f} to {result.high:.1f}"
    baselines = report.trivial_baselines.get(result.task, {}) if result.main else {}
    baseline = ""
    if baselines:
        best = max(baselines, key=lambda name: baselines[name] if result.higher_is_better else -baselines[name])
        baseline = f"{baselines[best]:.1f} ({best})"
    value = f"{result.value:.1f} {result.unit}".strip()
    images = result.num_images or ""
    return f"| {result.task} | {result.metric} | {value} | {interval} | {baseline} | {result.count} | {images} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
