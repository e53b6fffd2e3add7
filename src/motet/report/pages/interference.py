"""What an analysis of interference leaves: a page of heat maps, tables, and a file for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from motet.analysis.interference import BlockNumbers, Interference
from motet.analysis.interference_measurement import InterferenceSettings, Measurement, interference_to_json
from motet.core import DataError
from motet.report import tables
from motet.report.heat import HeatCell, HeatTable, heat
from motet.report.heat_html import html_heat_tables
from motet.report.html import DrawFigure, document, html_list, html_table, plot
from motet.report.plots import Theme, png

Kind: TypeAlias = Literal["ratios", "means", "cosines", "mean_cosines"]
KINDS: Mapping[Kind, str] = {
    "ratios": "interference",
    "means": "interference, ratio of means",
    "cosines": "cosine of two batches",
    "mean_cosines": "cosine of mean gradients",
}
LABEL = "what a small step for the task of a column does to the loss of the task of a row"
ABOUT = (
    "Row i, column j: what a small step for task j does to the loss of task i, over what a step as long for task i "
    "itself does. 1 helps as much as its own step, 0 neither helps nor harms, below 0 harms. Numbers with ± have the "
    "standard deviation over batches, by bootstrap; bold where they are larger than that."
)
MORE = (
    "The mean of ratios is the paper's metric (Zhu et al. 2022, equations 1 and 2); it jumps where batches of one task "
    "disagree, which is what the ratio of means is for. The cosine of two batches compares every batch of a task with "
    "every batch of another; on the diagonal with other batches of the same task, so that it says how much of a "
    "gradient is noise."
)
_MOST_COLUMNS = 14
_LIMIT = 1.0


def shallow_and_deep(found: Interference) -> tuple[str, str] | None:
    """The two blocks that are shown first: about a third of the way in, and the last one.

    Among the blocks that the most tasks touch, those of the kind that stands last: the paper's feed-forward parts
    where a layer has two, decoder layers where there are encoders too (of any kind where that has only one); of twelve
    layers the 4th and the 12th, as in the paper. None where no two tasks touch a block.

    Examples:
        >>> from motet.analysis.interference_measurement import interference_from_json
        >>> shallow_and_deep(Interference((), {})) is None
        True
    """
    shared = {name: len(found.touched(name)) for name in found.blocks}
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
    """Writes `interference.html`, `.md` and `.json`, and for each model a `.png` of the shallow and the deep block.

    Args:
        folder: gets them.
        measured: of one run or of several.
        settings: how it was measured.

    Raises:
        DataError: a folder that cannot be written.
    """
    held = json.dumps(report_to_json(measured, settings), indent=1, ensure_ascii=False)
    files = {
        "interference.html": page(measured, settings).encode(),
        "interference.md": markdown(measured, settings).encode(),
        "interference.json": f"{held}\n".encode(),
    }
    for one in measured:
        if pair := _pair(one):
            name = "-".join(
                ("interference", one.run.replace("/", "-"), *(() if one.step is None else (str(one.step),)))
            )
            files[f"{name}.png"] = png(_figure(pair, f"{one.name}: {LABEL}"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise DataError(
            f"interference: got {error.strerror or error}; want a folder to write in", path=folder
        ) from error
    return tuple(folder / name for name in files)


def page(measured: Sequence[Measurement], settings: InterferenceSettings) -> str:
    """The page: shallow and deep blocks of all side by side, then every block of each, then notes."""
    summary = f'<p>{escape(ABOUT)}</p><p class="soft">{escape(MORE)}</p><p class="soft">{escape(_settings_text(settings))}</p>'
    first = "".join(
        f"<h3>{escape(one.name)} ({escape(one.system)})</h3>" + _plots(_pair(one), LABEL) for one in measured
    )
    sections = [("Shallow and deep", first)]
    for one in measured:
        body = "".join(
            f"<h3>{escape(block)}</h3>{_soft(_block_note(one.interference, block))}"
            + html_heat_tables(
                [heat_table(one.interference, block, k, title=t) for k, t in KINDS.items()], digits=2, limit=_LIMIT
            )
            for block in one.interference.blocks
        )
        notes = html_list(one.notes, "Nothing to note.")
        sections.append((one.name, body + html_table(*table_rows(one, "ratios"), left=2) + notes))
    return document("Interference of tasks", summary, sections)


def markdown(measured: Sequence[Measurement], settings: InterferenceSettings) -> str:
    """The tables and notes as Markdown."""
    parts = ["# Interference of tasks", ABOUT, MORE, _settings_text(settings)]
    for one in measured:
        parts.append(f"## {one.name} ({one.system})")
        if chosen := shallow_and_deep(one.interference):
            parts.append(f"Shallow: {chosen[0]}. Deep: {chosen[1]}.")
        for kind, title in KINDS.items():
            parts += [f"{title[0].upper()}{title[1:]}:", tables.table(*table_rows(one, kind), left=2)]
        parts += ["\n".join(f"- {note}" for note in one.notes)] if one.notes else []
    return "\n\n".join(parts) + "\n"


def table_rows(
    one: Measurement, kind: Kind, blocks: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table: for each block a row for each affected task.

    Args:
        one: what was measured.
        kind: of number.
        blocks: only these; all by default.
    """
    found = one.interference
    rows = []
    for block in found.blocks if blocks is None else blocks:
        numbers = found.blocks[block]
        touched = found.touched(block)
        for i, task in enumerate(found.tasks):
            cells = (_number_text(numbers, kind, i, j) for j in range(len(found.tasks)))
            here = [*cells] if task in touched else ["not touched", *("" for _ in found.tasks[1:])]
            rows.append((block, task, *here, str(numbers.counted[i])))
    return ("block", "task", *(f"by {task}" for task in found.tasks), "batches"), rows


def extreme_rows(one: Measurement, block: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table for many tasks: whose steps help and harm each the most in one block."""
    found = one.interference
    numbers = found.blocks[block]
    rows: list[tuple[str, ...]] = []
    for i, task in enumerate(found.tasks):
        own = numbers.ratios[i]
        others = [j for j in np.argsort(own) if j != i and np.isfinite(own[j])]
        helped = [j for j in others[-1:] if own[j] > 0]
        harmed = [j for j in others[:1] if own[j] < 0]
        cells = (f"{found.tasks[j]} {_number_text(numbers, 'ratios', i, j)}" for j in (*helped, *harmed))
        rows.append(
            (task, next(cells) if helped else "-", next(cells) if harmed else "-")
            if task in found.touched(block)
            else (task, "not touched", "")
        )
    return ("task", "helped most by", "harmed most by"), rows


def heat_table(found: Interference, block: str, kind: Kind, *, title: str) -> HeatTable:
    """One block's numbers as colours; what has none stays empty."""
    values, spreads = _values(found.blocks[block], kind)
    cells = {
        (row, column): HeatCell(float(values[i, j]), float(spreads[i, j]) if np.isfinite(spreads[i, j]) else None)
        for i, row in enumerate(found.tasks)
        for j, column in enumerate(found.tasks)
        if np.isfinite(values[i, j])
    }
    return HeatTable(title, found.tasks, found.tasks, cells)


def report_to_json(measured: Sequence[Measurement], settings: InterferenceSettings) -> dict[str, Any]:
    """Everything as JSON holds it; null for what has no number."""
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
    how = {"batches": settings.batches, "batch_size": settings.batch_size, "seed": settings.seed}
    return {"rows": "affected task", "columns": "task that a step is for", **how, "models": models}


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


def _plots(found: Sequence[HeatTable], label: str) -> str:
    """Tables side by side, as many as fit."""
    rows: list[list[HeatTable]] = []
    for table in found:
        if rows and sum(len(t.columns) for t in rows[-1]) + len(table.columns) <= _MOST_COLUMNS:
            rows[-1].append(table)
        else:
            rows.append([table])
    return "".join(plot(_drawing(row, label), "; ".join(table.title for table in row)) for row in rows)


def _drawing(found: Sequence[HeatTable], label: str) -> DrawFigure:
    return lambda theme: _figure(found, label, theme)


def _figure(found: Sequence[HeatTable], label: str, theme: Theme | None = None) -> Figure:
    options: dict[str, Any] = {} if theme is None else {"theme": theme}
    return heat(found, label=label, digits=2, limit=_LIMIT, **options)


def _values(numbers: BlockNumbers, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of a kind and their spreads, which the diagonal of a ratio has none of."""
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


def _block_note(found: Interference, block: str) -> str:
    numbers = found.blocks[block]
    none = [task for task in found.tasks if task not in found.touched(block)]
    said = [f"Not touched by {', '.join(none)}."] if none else []
    unsteady = [
        f"{task} ({100 * share:.0f} %)" for task, share in zip(found.tasks, numbers.against, strict=True) if share > 0
    ]
    said += [f"Batches that their own task's direction would make worse: {', '.join(unsteady)}."] if unsteady else []
    return " ".join(said)


def _soft(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>' if text else ""


def _settings_text(settings: InterferenceSettings) -> str:
    mode = "training mode, with dropout" if settings.training else "evaluation mode, without dropout"
    return (
        f"{settings.batches} batches of {settings.batch_size} training rows of each task for its direction and as many "
        f"others to try the directions on, seed {settings.seed}, {mode}."
    )


def _block_kind(name: str) -> str:
    """What blocks of one kind have in common.

    Examples:
        >>> _kind("decoder_layer3"), _kind("adapter2.1")
        ('decoder_layer', 'adapter')
    """
    return re.split(r"[\d._]*\d", name)[0]
