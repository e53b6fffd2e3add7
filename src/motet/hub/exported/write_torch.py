"""Writes a system as `torch.export` programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from motet.core import ConfigError, System
from motet.core.graphs import Graph
from motet.core.model_folder import write_description
from motet.hub.exported.layout import (
    INDEX,
    GraphModule,
    dynamic_dims,
    exported_graphs,
    first_reason,
    graph_file,
    index_of,
    new_folder,
    write_json,
)
from motet.hub.exported.readme import write_readme
from motet.systems.graphs import graphs_of

_CANNOT_BE_TRACED = (RuntimeError, TypeError, ValueError, AssertionError)


def write_torch_export(system: System, folder: str | Path) -> dict[str, Any]:
    """Writes a system as `torch.export` programs (``.pt2``), each with its weights, for programs without motet.

    They are read by `torch.export.load`, which trusts its file: load only what you wrote yourself.

    Args:
        system: any system of motet's.
        folder: a new one.

    Returns:
        The content of ``graphs.json``.

    Raises:
        ConfigError: a system or graph that cannot be exported, a folder with files.
        CheckpointError: a folder that cannot be written.
    """
    folder = Path(folder)
    split = graphs_of(system.eval())
    graphs = exported_graphs(split, f"export to {folder}")
    index = index_of(graphs, split.left_out, "torch.export", int8=False)
    with new_folder(folder) as made:
        made.mkdir()
        write_description(made, system)
        for name, graph in graphs.items():
            try:
                with warnings.catch_warnings(), torch.no_grad():
                    warnings.simplefilter("ignore")  # deprecations inside the exporter
                    torch.export.save(_program(system, graph), made / graph_file(name, "pt2"))
            except _CANNOT_BE_TRACED as error:
                got = first_reason(error)
                raise ConfigError(f"export: graph {name!r}: got {got}; want what torch.export can trace") from error
        write_json(made / INDEX, index)
        write_readme(made, index, tuple(system.tasks.values()), name=folder.name)
    return index


def _program(system: System, graph: Graph) -> Any:
    examples = graph.examples()
    graph.function(*examples)  # constants are made here, not while the function is traced
    module, dims = GraphModule(system, graph).eval(), dynamic_dims(graph)
    try:
        return torch.export.export(module, examples, dynamic_shapes=dims, strict=False)
    except _CANNOT_BE_TRACED:
        # As `torch.onnx` does: by its bytecode some code is traced for any size that fixes one when it runs.
        return torch.export.export(module, examples, dynamic_shapes=dims, strict=True)
