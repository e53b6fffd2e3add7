"""The command `export`: conversion of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.console import print_json, print_lines
from motet.cli.options import Json, Trust, check_task_names

if TYPE_CHECKING:
    from motet.core import Report


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet export runs/uni_perceiver-tiny --merge-experts models/tiny --task caption")(
        export
    )


def export(
    model: Annotated[str, typer.Argument(metavar="RUN", help="the folder of a run or saved model with experts")],
    merge_experts: Annotated[
        Path,
        typer.Option(
            metavar="OUT",
            help="merge the experts into plain matrices: one model per task, each in a folder of its name in here",
        ),
    ],
    task: Annotated[list[str] | None, typer.Option(help="only this task; may be repeated; all by default")] = None,
    json: Json = False,
    trust: Trust = None,
) -> None:
    """Write dense models, one per task, with the same predictions as the model with experts."""
    from motet.core.errors import ConfigError, nearest

    check_task_names(model, task or ())
    from motet.core.system import Mergeable
    from motet.hub import load_system, save_pretrained

    system = load_system(model, trust=trust or ())
    if not isinstance(system, Mergeable):
        raise ConfigError(f"export --merge-experts: got a {type(system).__name__}; want a system with experts")
    for name in task or ():
        if name not in system.tasks:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, system.tasks)}")
    report, credit = _report_and_credit(Path(model))
    found: list[dict[str, Any]] = []
    for name in task or system.tasks:
        dense = system.merge_experts(name)
        own = None if report is None else _of_task(report, name)
        where = save_pretrained(dense, merge_experts / name, report=own, credit=credit)
        found.append({"task": name, "folder": str(where), "parameters": sum(p.numel() for p in dense.parameters())})
    whole = sum(p.numel() for p in system.parameters())
    if json:
        print_json({"model": model, "parameters": whole, "merged": found})
        return
    print_lines(f"{model}: {whole / 1e6:.2f} M parameters, with experts")
    for one in found:
        print_lines(f"{one['folder']}: {one['parameters'] / 1e6:.2f} M parameters, for {one['task']} alone")


def _report_and_credit(folder: Path) -> tuple[Report | None, tuple[str, ...]]:
    """Returns the report and the credit lines of a run folder; none of a saved model."""
    from motet.hub.load import read_report
    from motet.training.run_data import read_record

    if not (folder / "run.json").is_file():
        return None, ()
    return read_report(folder), tuple(read_record(folder).get("credit", ()))


def _of_task(report: Report, name: str) -> Report:
    """Returns a report with the results of one task."""
    import dataclasses

    results = tuple(result for result in report.results if result.task == name)
    baselines = {task: scores for task, scores in report.trivial_baselines.items() if task == name}
    return dataclasses.replace(report, results=results, trivial_baselines=baselines)
