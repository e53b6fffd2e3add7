"""Interference of tasks in shared parameters: a page of heat maps, tables and a JSON file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from motet.analysis.interference import BlockNumbers, Interference
from motet.analysis.interference_measurement import InterferenceSettings, Measurement, interference_to_json
from motet.report import tables
from motet.report.heat import HeatTable
from motet.report.heat_html import html_heat_tables
from motet.report.html import document, html_list, html_table, muted
from motet.report.pages.analysis import heat_plot, heat_png, sentence_case, write_analysis

Kind: TypeAlias = Literal["ratios", "means", "cosines", "mean_cosines"]
KINDS: Mapping[Kind, str] = {
    "ratios": "interference",
    "means": "interference, ratio of means",
    "cosines": "cosine of two batches",
    "mean_cosines": "cosine of mean gradients",
}
LABEL = "effect of a small step for the task of a column on the loss of the task of a row"
ABOUT = (
    "Row i, column j: the effect of a small step for task j on the loss of task i, divided by the effect of an equally "
    "long step for task i itself. 1 helps as much as its own step, 0 neither helps nor harms, below 0 harms. ± is the "
    "standard deviation over batches, by bootstrap; numbers larger than it are bold."
)
MORE = (
    "The mean of ratios is the paper's metric (Zhu et al. 2022, equations 1 and 2); it is unstable where batches of "
    "one task disagree, and the ratio of means is not. The cosine of two batches compares every batch of a task with "
    "every batch of another; on the diagonal with other batches of the same task, which shows how much of a gradient "
    "is noise."
)
_MAX_COLUMNS = 14
_LIMIT = 1.0


def shallow_and_deep(interference: Interference) -> tuple[str, str] | None:
    """Returns the two blocks that the page begins with: one about a third of the way in, and the last one.

    Among the blocks that the most tasks touch, it takes those of the kind that comes last: the paper's feed-forward
    parts where a layer has two parts, decoder layers where there are encoders too (blocks of any kind where that kind
    has only one). Of twelve layers these are the 4th and the 12th, as in the paper. None where no two tasks touch the
    same block.

    Examples:
        >>> from motet.analysis.interference_measurement import interference_from_json
        >>> shallow_and_deep(Interference((), {})) is None
        True
    """
    shared = {name: len(interference.touched(name)) for name in interference.blocks}
    most = max(shared.values(), default=0)
    if most < 2:
        return None
    names = [name for name, count in shared.items() if count == most]
    layers = [name for name in names if re.search(r"\d", name)]
    kinds = [_block_kind(name) for name in layers]
    chosen = [name for name in layers if _block_kind(name) == kinds[-1]] if layers else names
    if len(chosen) == 1 and len(layers) > 1:
        chosen = layers
    return chosen[-(-len(chosen) // 3) - 1], chosen[-1]


def write_interference(
    folder: Path, measured: Sequence[Measurement], settings: InterferenceSettings
) -> tuple[Path, ...]:
    """Writes `interference.html`, `.md` and `.json`, and per model one `.png` of the shallow and the deep block.

    Args:
        folder: gets them.
        measured: of one run or of several.
        settings: of the measurement.

    Raises:
        DataError: a folder that cannot be written.
    """
    return write_analysis(
        folder,
        "interference",
        data=report_to_json(measured, settings),
        markdown=markdown(measured, settings),
        html=page(measured, settings),
        figures={
            _png_name(one): heat_png(pair, label=f"{one.name}: {LABEL}", limit=_LIMIT)
            for one in measured
            if (pair := _pair(one))
        },
    )


def _png_name(one: Measurement) -> str:
    step = () if one.step is None else (str(one.step),)
    return "-".join(("interference", one.run.replace("/", "-"), *step)) + ".png"


def page(measured: Sequence[Measurement], settings: InterferenceSettings) -> str:
    """Returns the page: shallow and deep blocks of all models side by side, then every block of each, then notes."""
    summary = f"<p>{escape(ABOUT)}</p>{muted(MORE)}{muted(_settings_text(settings))}"
    first = "".join(f"<h3>{escape(one.name)} ({escape(one.system)})</h3>" + _plots(_pair(one)) for one in measured)
    sections = [("Shallow and deep", first)]
    for one in measured:
        body = "".join(
            f"<h3>{escape(block)}</h3>{muted(_block_note(one.interference, block))}"
            + html_heat_tables(
                [heat_table(one.interference, block, k, title=t) for k, t in KINDS.items()], digits=2, limit=_LIMIT
            )
            for block in one.interference.blocks
        )
        notes = html_list(one.notes, "Nothing to note.")
        sections.append((one.name, body + html_table(*table_rows(one, "ratios"), left=2) + notes))
    return document("Interference of tasks", summary, sections)


def markdown(measured: Sequence[Measurement], settings: InterferenceSettings) -> str:
    """Returns the tables and notes as Markdown."""
    parts = ["# Interference of tasks", ABOUT, MORE, _settings_text(settings)]
    for one in measured:
        parts.append(f"## {one.name} ({one.system})")
        if chosen := shallow_and_deep(one.interference):
            parts.append(f"Shallow: {chosen[0]}. Deep: {chosen[1]}.")
        for kind, title in KINDS.items():
            parts += [f"{sentence_case(title)}:", tables.table(*table_rows(one, kind), left=2)]
        parts += ["\n".join(f"- {note}" for note in one.notes)] if one.notes else []
    return "\n\n".join(parts) + "\n"


def table_rows(
    one: Measurement, kind: Kind, blocks: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of a table: one row per block and affected task.

    Args:
        one: the measurement of one model.
        kind: of the numbers.
        blocks: only these; all by default.
    """
    interference = one.interference
    tasks = interference.tasks
    rows = []
    for block in interference.blocks if blocks is None else blocks:
        numbers = interference.blocks[block]
        touched = interference.touched(block)
        for i, task in enumerate(tasks):
            cells = (_number_text(numbers, kind, i, j) for j in range(len(tasks)))
            here = [*cells] if task in touched else ["not touched", *("" for _ in tasks[1:])]
            rows.append((block, task, *here, str(numbers.counted[i])))
    return ("block", "task", *(f"by {task}" for task in tasks), "batches"), rows


def extreme_rows(one: Measurement, block: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of a table for many tasks: the tasks that help and harm each one the most in a block."""
    interference = one.interference
    numbers = interference.blocks[block]
    rows: list[tuple[str, ...]] = []
    for i, task in enumerate(interference.tasks):
        own = numbers.ratios[i]
        others = [j for j in np.argsort(own) if j != i and np.isfinite(own[j])]
        helped = [j for j in others[-1:] if own[j] > 0]
        harmed = [j for j in others[:1] if own[j] < 0]
        cells = (f"{interference.tasks[j]} {_number_text(numbers, 'ratios', i, j)}" for j in (*helped, *harmed))
        rows.append(
            (task, next(cells) if helped else "-", next(cells) if harmed else "-")
            if task in interference.touched(block)
            else (task, "not touched", "")
        )
    return ("task", "helped most by", "harmed most by"), rows


def heat_table(interference: Interference, block: str, kind: Kind, *, title: str) -> HeatTable:
    """Returns one block's numbers as a heat map; pairs of tasks without a number stay empty."""
    return HeatTable.of_matrix(title, interference.tasks, *_values(interference.blocks[block], kind))


def report_to_json(measured: Sequence[Measurement], settings: InterferenceSettings) -> dict[str, Any]:
    """Returns all numbers and settings as JSON holds them; null where there is no number."""
    models = []
    for one in measured:
        chosen = shallow_and_deep(one.interference)
        models.append(
            {
                "run": one.run,
                "step": one.step,
                "system": one.system,
                "shallow": chosen[0] if chosen else None,
                "deep": chosen[1] if chosen else None,
                **interference_to_json(one.interference),
                "not_touched": {
                    block: [task for task in one.interference.tasks if task not in one.interference.touched(block)]
                    for block in one.interference.blocks
                },
                "notes": list(one.notes),
            }
        )
    numbers = {"batches": settings.batches, "batch_size": settings.batch_size, "seed": settings.seed}
    if settings.leave_one_out:
        numbers["leave_one_out"] = True
    return {"rows": "affected task", "columns": "task that a step is for", **numbers, "models": models}


def _pair(one: Measurement) -> list[HeatTable]:
    chosen = shallow_and_deep(one.interference)
    if chosen is None:
        return []
    blocks = dict.fromkeys(chosen)
    words = ("shallow", "deep") if len(blocks) == 2 else ("only",)
    return [
        heat_table(one.interference, block, "ratios", title=f"{block} ({word})")
        for block, word in zip(blocks, words, strict=True)
    ]


def _plots(heats: Sequence[HeatTable]) -> str:
    """Returns heat maps side by side, as many per figure as have room."""
    rows: list[list[HeatTable]] = []
    for table in heats:
        if rows and sum(len(t.columns) for t in rows[-1]) + len(table.columns) <= _MAX_COLUMNS:
            rows[-1].append(table)
        else:
            rows.append([table])
    return "".join(heat_plot(row, label=LABEL, limit=_LIMIT) for row in rows)


def _values(numbers: BlockNumbers, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Returns numbers of a kind and their spreads; the diagonal of a ratio, which is always 1, has none."""
    values: np.ndarray = getattr(numbers, kind)
    if kind == "mean_cosines":
        return values, np.full_like(values, np.nan)
    spreads: np.ndarray = getattr(numbers, f"{kind}_spread")
    if kind != "cosines":
        spreads = np.where(np.eye(len(spreads), dtype=bool), np.nan, spreads)
    return values, spreads


def _number_text(numbers: BlockNumbers, kind: Kind, i: int, j: int) -> str:
    values, spreads = _values(numbers, kind)
    if not np.isfinite(values[i, j]):
        return "-"
    return f"{values[i, j]:.2f}" + (f" ± {spreads[i, j]:.2f}" if np.isfinite(spreads[i, j]) else "")


def _block_note(interference: Interference, block: str) -> str:
    numbers = interference.blocks[block]
    untouched = [task for task in interference.tasks if task not in interference.touched(block)]
    notes = [f"Not touched by {', '.join(untouched)}."] if untouched else []
    unsteady = [
        f"{task} ({100 * share:.0f} %)"
        for task, share in zip(interference.tasks, numbers.against, strict=True)
        if share > 0
    ]
    notes += (
        [f"Batches whose loss their own task's mean gradient increases: {', '.join(unsteady)}."] if unsteady else []
    )
    return " ".join(notes)


def _settings_text(settings: InterferenceSettings) -> str:
    mode = "training mode, with dropout" if settings.training else "evaluation mode, without dropout"
    others = (
        "each of them also measured on, without its own gradient"
        if settings.leave_one_out
        else ("and as many others to measure the effect on")
    )
    return (
        f"{settings.batches} batches of {settings.batch_size} training rows per task for its direction, {others}; seed "
        f"{settings.seed}, {mode}."
    )


def _block_kind(name: str) -> str:
    """Returns the common part of the names of blocks of one kind.

    Examples:
        >>> _block_kind("decoder_layer3"), _block_kind("adapter2.1")
        ('decoder_layer', 'adapter')
    """
    return re.split(r"[\d._]*\d", name)[0]
