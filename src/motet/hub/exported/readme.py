"""The README of an exported model: its graphs, their tensors with units, and what 8 bits cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import Report, Task
from motet.core.printable import printable
from motet.hub.card import tasks_table


@dataclass(frozen=True, kw_only=True)
class ScoreLoss:
    """The score of one task before and after the export, on the same rows.

    Args:
        task: its name.
        metric: the main metric.
        before: its value in PyTorch.
        after: its value with the exported graphs.
        higher_is_better: of the metric.
        rows: number of rows.
    """

    task: str
    metric: str
    before: float
    after: float
    higher_is_better: bool
    rows: int

    @property
    def loss(self) -> float:
        """The score that the export costs; below 0 where it gains."""
        return self.before - self.after if self.higher_is_better else self.after - self.before


def score_losses(before: Report, after: Report) -> tuple[ScoreLoss, ...]:
    """Returns the loss of each task's main metric, of two reports on the same rows."""
    found = {(result.task, result.source, result.metric): result.value for result in after.results}
    return tuple(
        ScoreLoss(
            task=one.task,
            metric=one.metric,
            before=one.value,
            after=found[one.task, one.source, one.metric],
            higher_is_better=one.higher_is_better,
            rows=one.count,
        )
        for one in before.results
        if one.main and (one.task, one.source, one.metric) in found
    )


def write_readme(
    folder: Path, index: Mapping[str, Any], tasks: Sequence[Task], *, name: str, losses: Sequence[ScoreLoss] = ()
) -> None:
    """Writes the README of an exported model; the arguments are those of `export_readme`."""
    text = export_readme(index, tasks, name=name, losses=losses)
    (folder / "README.md").write_text(printable(text), encoding="utf-8")


def export_readme(
    index: Mapping[str, Any], tasks: Sequence[Task], *, name: str, losses: Sequence[ScoreLoss] = ()
) -> str:
    """Returns the README of an exported model.

    Args:
        index: the content of ``graphs.json``.
        tasks: of the model.
        name: of the folder, which the example loads.
        losses: scores before and after; none if they were not measured.
    """
    left_out: Mapping[str, str] = index["left_out"]
    kept = [task for task in tasks if task.name not in left_out]
    parts = [f"# {name}", _head(index), "## Use", _use(index, kept, name), "## Tasks", tasks_table(kept)]
    if left_out:
        parts += ["## Not exported", "\n".join(f"- {task}: {reason}" for task, reason in left_out.items())]
    if losses:
        parts += ["## Scores", losses_table(losses, int8=index["int8"])]
    parts += ["## Graphs", _LETTERS]
    parts += [_graph(one, graph) for one, graph in index["graphs"].items()]
    return "\n\n".join(parts) + "\n"


_LETTERS = (
    "A letter in a shape is an axis of any size, the same in one graph wherever it stands. Images are RGB, resized and "
    "normalised as `config.json` says; `motet.load` does that, and turns the outputs into answers."
)


def _head(index: Mapping[str, Any]) -> str:
    count, weights = len(index["graphs"]), "8-bit matrices, 32-bit convolutions" if index["int8"] else "32-bit weights"
    if index["engine"] == "onnx":
        return f"{count} ONNX graphs with {weights}, exported by motet. Their weights are in `weights.bin`, each once."
    return f"{count} programs of `torch.export`, exported by motet, each with its weights."


def _use(index: Mapping[str, Any], tasks: Sequence[Task], name: str) -> str:
    if index["engine"] != "onnx":
        file = next(iter(index["graphs"].values()))["file"]
        call = f'program = torch.export.load("{name}/{file}").module()'
        return f"```python\nimport torch\n{call}\n```\n\n`torch.export.load` trusts its file: load your own alone."
    task = tasks[0]
    inputs = ['image="photo.jpg"'] if task.inputs & {"image", "regions", "video"} else []
    inputs += ['text="..."'] if "text" in task.inputs else []
    return f'```python\nimport motet\nprint(motet.load("{name}")("{task.name}", {", ".join(inputs)}))\n```'


def losses_table(losses: Sequence[ScoreLoss], *, int8: bool) -> str:
    """Returns the scores before and after the export as a Markdown table."""
    after = "ONNX, 8 bits" if int8 else "ONNX"
    rows = [
        f"| {one.task} | {one.metric} | {one.before:.2f} | {one.after:.2f} | {one.loss:.2f} | {one.rows} |"
        for one in losses
    ]
    head = [f"| task | metric | PyTorch | {after} | loss | rows |", "|---|---|---|---|---|---|"]
    return "\n".join(["On the same test rows of the run:", "", *head, *rows])


def _graph(name: str, graph: Mapping[str, Any]) -> str:
    rows = [
        f"| {side} | `{one['name']}` | {one['type']} | ({', '.join(map(str, one['shape']))}) | {_cell(one['about'])} |"
        for side, tensors in (("in", graph["inputs"]), ("out", graph["outputs"]))
        for one in tensors
    ]
    head = ["| | tensor | type | shape | meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"### {name}", "", f"File `{graph['file']}`.", "", *head, *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
