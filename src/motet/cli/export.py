"""The command `export`: conversion of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.console import print_json, print_lines, table
from motet.cli.options import Json, MovedData, Trust, check_task_names

if TYPE_CHECKING:
    from motet.core import Report, System
    from motet.hub.exported import ScoreLoss


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet export runs/lit_decoder-tiny --onnx models/tiny --int8")(export)


def export(
    model: Annotated[str, typer.Argument(metavar="RUN", help="the folder of a run or saved model")],
    onnx: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="write ONNX graphs, which `motet predict OUT` or any onnxruntime runs"),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="with --onnx: 8-bit matrices, and what they cost on the run's test rows")
    ] = False,
    torch_export: Annotated[
        Path | None, typer.Option(metavar="OUT", help="write programs of torch.export, for code without motet")
    ] = None,
    merge_experts: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="merge the experts into plain matrices: one model per task, each in a folder of its name in here",
        ),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="with --merge-experts: only this task; may be repeated; all by default")
    ] = None,
    json: Json = False,
    trust: Trust = None,
    data: MovedData = None,
) -> None:
    """Write a trained model for other engines, or without its experts; the predictions stay the same."""
    from motet.core.errors import ConfigError

    if onnx is None and torch_export is None and merge_experts is None:
        raise ConfigError("export: got nothing to write; want --onnx OUT, --torch-export OUT or --merge-experts OUT")
    if int8 and onnx is None:
        raise ConfigError("export --int8: got no --onnx; want it: the 8 bits are those of onnxruntime")
    if task and merge_experts is None:
        raise ConfigError("export --task: got no --merge-experts; want it: other exports hold all tasks")
    check_task_names(model, task or ())
    from motet.cli.options import moved_data
    from motet.hub import load_system

    system = load_system(model, trust=trust or ())
    found: dict[str, Any] = {"model": model}
    if onnx is not None:
        found["onnx"] = _write_onnx(
            model, system, onnx, int8=int8, trust=trust or (), moved=moved_data(data), quiet=json
        )
    if torch_export is not None:
        from motet.hub.exported import write_torch_export

        found["torch_export"] = _written(torch_export, write_torch_export(system, torch_export), (), quiet=json)
    if merge_experts is not None:
        found |= _merge(model, system, merge_experts, task or (), quiet=json)
    if json:
        print_json(found)


def _write_onnx(
    model: str, system: System, out: Path, *, int8: bool, trust: Sequence[str], moved: dict[str, str], quiet: bool
) -> dict[str, Any]:
    from motet.hub.exported import load_onnx, measured_losses, write_onnx, write_readme

    index = write_onnx(system, out, int8=int8)
    losses: tuple[ScoreLoss, ...] = ()
    if int8 and (Path(model) / "run.json").is_file():
        losses = measured_losses(model, system, load_onnx(out, trust=trust), trust=trust, moved=moved)
        write_readme(out, index, tuple(system.tasks.values()), name=out.name, losses=losses)
    return _written(out, index, losses, quiet=quiet)


def _written(out: Path, index: dict[str, Any], losses: Sequence[ScoreLoss], *, quiet: bool) -> dict[str, Any]:
    """Prints what an export holds, and returns it as JSON values."""
    import dataclasses

    from motet.cli.console import size

    num_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if not quiet:
        print_lines(f"{out}: {len(index['graphs'])} graphs, {size(num_bytes)}; {out / 'README.md'} has their tensors")
        print_lines(*(f"left out: {name}: {reason}" for name, reason in index["left_out"].items()))
        if losses:
            rows = [
                [one.task, one.metric, f"{one.before:.2f}", f"{one.after:.2f}", f"{one.loss:.2f}"] for one in losses
            ]
            table(["task", "metric", "PyTorch", "8 bits", "loss"], rows, numbers=(2, 3, 4))
    return {
        "folder": str(out),
        "graphs": sorted(index["graphs"]),
        "left_out": index["left_out"],
        "bytes": num_bytes,
        "scores": [dataclasses.asdict(one) | {"loss": one.loss} for one in losses],
    }


def _merge(model: str, system: System, out: Path, names: Sequence[str], *, quiet: bool) -> dict[str, Any]:
    from motet.core.errors import ConfigError, nearest
    from motet.core.system import Mergeable
    from motet.hub import save_pretrained

    if not isinstance(system, Mergeable):
        raise ConfigError(f"export --merge-experts: got a {type(system).__name__}; want a system with experts")
    for name in names:
        if name not in system.tasks:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, system.tasks)}")
    report, credit = _report_and_credit(Path(model))
    found: list[dict[str, Any]] = []
    for name in names or system.tasks:
        dense = system.merge_experts(name)
        own = None if report is None else _of_task(report, name)
        where = save_pretrained(dense, out / name, report=own, credit=credit)
        found.append({"task": name, "folder": str(where), "parameters": sum(p.numel() for p in dense.parameters())})
    whole = sum(p.numel() for p in system.parameters())
    if not quiet:
        print_lines(f"{model}: {whole / 1e6:.2f} M parameters, with experts")
        for one in found:
            print_lines(f"{one['folder']}: {one['parameters'] / 1e6:.2f} M parameters, for {one['task']} alone")
    return {"parameters": whole, "merged": found}


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
