"""Writes a system as ONNX graphs."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch

from motet.core import ConfigError, System
from motet.core.graphs import Graph
from motet.core.model_folder import write_description
from motet.hub.exported.layout import (
    INDEX,
    WEIGHTS,
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

_INLINE = 1024  # bytes of a tensor that stays in its graph: shapes and small constants
_ALIGNED = 64  # bytes that a tensor's place is a multiple of, so that it can be mapped into memory
# Convolutions stay in 32 bits: onnxruntime has no fast kernel for their 8-bit form on a CPU.
_QUANTISED = ["MatMul", "Gemm", "Gather"]


def write_onnx(system: System, folder: str | Path, *, int8: bool = False) -> dict[str, Any]:
    """Writes a system as ONNX graphs, to be run by `motet.load` or by any program with onnxruntime.

    Args:
        system: any system of motet's.
        folder: a new one.
        int8: whether matrices have 8-bit weights, by onnxruntime's dynamic quantiser.

    Returns:
        The content of ``graphs.json``.

    Raises:
        ConfigError: a system or graph that cannot be exported, a package that is missing, a folder with files.
        CheckpointError: a folder that cannot be written.
    """
    folder = Path(folder)
    _require_onnx()
    split = graphs_of(system.eval())
    graphs = exported_graphs(split, f"export to {folder}")
    index = index_of(graphs, split.left_out, "onnx", int8=int8)
    with new_folder(folder) as made:
        made.mkdir()
        write_description(made, system)
        with open(made / WEIGHTS, "wb") as file:
            weights = _Weights(file)
            for name, graph in graphs.items():
                model = _converted(system, name, graph)
                if int8:
                    model = _quantised(model)
                weights.take_out(model)
                (made / graph_file(name, "onnx")).write_bytes(model.SerializeToString())
        write_json(made / INDEX, index)
        write_readme(made, index, tuple(system.tasks.values()), name=folder.name)
    return index


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"export: got no package {error.name}; want it: pip install 'motet[export]'") from error


def _converted(system: System, name: str, graph: Graph) -> Any:
    """Returns a graph as an ONNX model."""
    with warnings.catch_warnings(), _no_log(), torch.no_grad():
        warnings.simplefilter("ignore")  # deprecations inside the exporter
        examples = graph.examples()
        graph.function(*examples)  # constants are made here, not while the function is traced
        try:
            program = torch.onnx.export(
                GraphModule(system, graph).eval(),
                examples,
                dynamo=True,
                dynamic_shapes=dynamic_dims(graph),
                input_names=[spec.name for spec in graph.inputs],
                output_names=[spec.name for spec in graph.outputs],
                verbose=False,
            )
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            raise ConfigError(
                f"export: graph {name!r}: got {first_reason(error)}; want what torch.onnx can convert"
            ) from error
    assert program is not None  # it is None only where the old exporter writes a file
    return program.model_proto


@contextmanager
def _no_log() -> Iterator[None]:
    """Keeps the exporters' logs of their own steps off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _quantised(model: Any) -> Any:
    """Returns a model with 8-bit weights of its matrices; activations are quantised as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _no_log(), tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "int8.onnx"
        quantize_dynamic(model, out, op_types_to_quantize=_QUANTISED, per_channel=True, weight_type=QuantType.QInt8)
        return onnx.load(str(out))


@dataclass
class _Weights:
    """The tensors of all graphs, each stored once.

    Args:
        file: they are appended to it.
    """

    file: BinaryIO
    _places: dict[bytes, int] = field(default_factory=dict)

    def take_out(self, model: Any) -> None:
        """Moves the large tensors of a model into the file."""
        from onnx import TensorProto
        from onnx.external_data_helper import set_external_data

        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.STRING or len(tensor.raw_data) <= _INLINE:
                continue
            offset = self._place(tensor.raw_data)
            set_external_data(tensor, WEIGHTS, offset, len(tensor.raw_data))
            tensor.ClearField("raw_data")

    def _place(self, data: bytes) -> int:
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if digest not in self._places:
            self.file.write(b"\0" * (-self.file.tell() % _ALIGNED))
            self._places[digest] = self.file.tell()
            self.file.write(data)
        return self._places[digest]
