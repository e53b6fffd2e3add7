"""Files of an exported model.

graphs.json   the engine, and the inputs and outputs of each graph, for programs that are not motet
NAME.onnx     one graph, its weights left out; or NAME.pt2 of `torch.export`, with its weights
weights.bin   the weights of all ONNX graphs, each once
config.json, tasks.json, assets/   as in a saved model
README.md     all of it in words
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import torch
from torch import Tensor, nn

from motet.core import CheckpointError, ConfigError, System
from motet.core.graphs import Graph, SystemGraphs, TensorSpec
from motet.core.printable import printable

FORMAT = 1
INDEX, WEIGHTS = "graphs.json", "weights.bin"
Engine: TypeAlias = Literal["onnx", "torch.export"]


def graph_file(name: str, suffix: str) -> str:
    """Returns the file name of a graph: the name of a task in it may have signs that no file name has.

    Examples:
        >>> graph_file("scores.vqa/v2", "onnx")
        'scores.vqa%2Fv2.onnx'
    """
    return f"{quote(name, safe='')}.{suffix}"


class GraphModule(nn.Module):
    """A graph as a module that holds the system's weights, as exporters want it.

    Args:
        system: whose weights the graph reads.
        graph: of the system.
    """

    def __init__(self, system: System, graph: Graph) -> None:
        super().__init__()
        self.system, self._function = system, graph.function

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self._function(*inputs)


def dynamic_dims(graph: Graph) -> tuple[tuple[dict[int, Any], ...]]:
    """Returns the axes of a graph's inputs that may have any size, as `torch.export` wants them."""
    free = torch.export.Dim.DYNAMIC
    return (tuple({i: free for i, dim in enumerate(spec.dims) if isinstance(dim, str)} for spec in graph.inputs),)


def first_reason(error: BaseException) -> str:
    """Returns what an exporter tripped over: the error at the bottom of its own errors, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def index_of(graphs: Mapping[str, Graph], left_out: Mapping[str, str], engine: Engine, *, int8: bool) -> dict[str, Any]:
    """Returns what `graphs.json` holds."""
    suffix = "onnx" if engine == "onnx" else "pt2"
    return {
        "format": FORMAT,
        "engine": engine,
        "int8": int8,
        "graphs": {
            name: {
                "file": graph_file(name, suffix),
                "inputs": [_plain(spec) for spec in graph.inputs],
                "outputs": [_plain(spec) for spec in graph.outputs],
            }
            for name, graph in graphs.items()
        },
        "left_out": dict(left_out),
    }


def _plain(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "type": spec.kind, "shape": list(spec.dims), "about": spec.about}


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yields a folder beside the given one, which takes its place when all of it is written.

    Raises:
        ConfigError: the given one has files already.
        CheckpointError: a full disk, or a folder that cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"export to {folder}: got a file or a folder with files in it; want a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".", suffix=".unfinished") as made:
            yield Path(made) / "export"
            if folder.exists():
                folder.rmdir()
            (Path(made) / "export").rename(folder)
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"export to {folder}: got {reason}; want a folder that can be written") from error


def write_json(path: Path, data: Any) -> None:
    """Writes JSON with a line per value."""
    path.write_text(printable(json.dumps(data, indent=1, ensure_ascii=False)) + "\n", encoding="utf-8")


def exported_graphs(graphs: SystemGraphs, where: str) -> Mapping[str, Graph]:
    """Returns the graphs of a system.

    Raises:
        ConfigError: there are none; it says why for each task.
    """
    found = graphs.graphs()
    if not found:
        reasons = "; ".join(f"{task}: {reason}" for task, reason in graphs.left_out.items())
        raise ConfigError(f"{where}: got no task that can be exported ({reasons}); want at least one")
    return found
