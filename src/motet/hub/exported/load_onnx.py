"""Loads an ONNX export for prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motet.core import CheckpointError, ConfigError
from motet.core.graphs import Graph
from motet.core.model_folder import read_model
from motet.core.regular_files import file_size, read_json
from motet.hub.exported.check_onnx import checked_model
from motet.hub.exported.layout import FORMAT, INDEX, WEIGHTS, graph_file
from motet.hub.exported.onnx_system import OnnxSystem
from motet.systems.build_saved import built_system
from motet.systems.graphs import graphs_of
from motet.training.saved_names import saved_names

_MAX_INDEX = 2**24  # bytes


def runs_by_onnx(folder: str | Path) -> bool:
    """Returns whether a folder is an exported model, and no saved one."""
    return (Path(folder) / INDEX).is_file()


def load_onnx(folder: str | Path, *, trust: Sequence[str] = ()) -> OnnxSystem:
    """Loads an ONNX export as a system that predicts.

    The folder may come from anywhere: names are those of motet's tables, graphs have standard operators alone, and
    weights come from one file in the folder.

    Args:
        folder: as `write_onnx` wrote it.
        trust: see `motet.hub.load_system`.

    Raises:
        CheckpointError: a missing or damaged file, or one that asks for more than an export does.
        ConfigError: onnxruntime is not installed.
    """
    folder = Path(folder)
    _check_index(folder / INDEX)
    saved = read_model(folder, saved_names(trust))
    numbers = _bytes_of(folder)  # a weight has at least one byte
    split = graphs_of(built_system(saved, saved.tasks, numbers, numbers).eval())
    graphs = split.graphs()
    weights = _mapped(folder / WEIGHTS)
    sessions = {name: _session(folder, name, graph, weights) for name, graph in graphs.items()}
    return OnnxSystem(split.system, split, sessions)


def _check_index(path: Path) -> None:
    try:
        if (size := file_size(path)) > _MAX_INDEX:
            raise CheckpointError(f"{path}: got {size:,} bytes; want at most {_MAX_INDEX:,}")
        index = read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the one that was exported") from error
    found = (index.get("format"), index.get("engine")) if isinstance(index, dict) else (None, None)
    if found != (FORMAT, "onnx"):
        got = f"format {found[0]!r} for {found[1]!r}"
        raise CheckpointError(f"{path}: got {got}; want format {FORMAT} for 'onnx', which motet can run")


def _bytes_of(folder: Path) -> int:
    try:
        return sum(file_size(path) for path in (folder / WEIGHTS, *folder.glob("*.onnx")))
    except OSError as error:
        raise CheckpointError(f"{folder}: got {error.strerror or error}; want all files that were exported") from error


def _mapped(path: Path) -> np.ndarray:
    """Returns the bytes of a file without reading them all: graphs copy what they use."""
    return np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, dtype=np.uint8)


def _session(folder: Path, name: str, graph: Graph, weights: np.ndarray) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{folder}: got no package onnxruntime; want it: pip install 'motet[export]'") from error
    path = folder / graph_file(name, "onnx")
    data = checked_model(path, folder / WEIGHTS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    # So onnxruntime opens no file by itself; and the Hub's cache has links, which it would not follow.
    options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own, of no public base, for a damaged graph
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: got {reason}; want a graph that was exported") from error
    inputs, outputs = [one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()]
    own, wanted = [spec.name for spec in graph.inputs], [spec.name for spec in graph.outputs]
    if not set(inputs) <= set(own) or outputs != wanted:
        raise CheckpointError(f"{path}: got {inputs} to {outputs}; want {own} to {wanted}")
    return session
