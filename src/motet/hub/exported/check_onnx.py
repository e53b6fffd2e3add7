"""Checks of ONNX files that may come from anywhere, before onnxruntime reads them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from motet.core import CheckpointError
from motet.core.regular_files import file_bytes, file_size

_MAX_GRAPH = 2**28  # bytes of a graph without its weights
_STANDARD = ("", "ai.onnx")
# Loops may have no end, and no export of motet has one.
_NEVER = frozenset({"Loop", "Scan", "SequenceMap"})


def checked_model(path: Path, weights: Path) -> bytes:
    """Returns the bytes of an ONNX file after the checks.

    Args:
        path: the file.
        weights: the only other file that its tensors may be in.

    Raises:
        CheckpointError: no ONNX model, or one with operators outside the standard, functions, training, loops, or
            tensors anywhere but in itself and in `weights`.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if (size := file_size(path)) > _MAX_GRAPH:
            raise CheckpointError(f"{path}: got {size:,} bytes; want at most {_MAX_GRAPH:,} without weights")
        data, room = file_bytes(path), file_size(weights)
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror or error}; want all files that were exported") from error
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want an ONNX model") from error
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise CheckpointError(f"{path}: got functions, training or sparse tensors; want a graph alone")
    for node in _nodes(model.graph):
        if node.domain not in _STANDARD or node.op_type in _NEVER:
            got = f"{node.domain}:{node.op_type}".lstrip(":")
            raise CheckpointError(f"{path}: got the operator {got!r}; want those of the ONNX standard, without loops")
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            _check_place(tensor, path, weights.name, room)
    return data


def _check_place(tensor: Any, path: Path, name: str, room: int) -> None:
    """Checks that an external tensor is whole, and inside the file of weights."""
    from onnx.helper import tensor_dtype_to_np_dtype

    where = f"{path}: tensor {tensor.name!r}"
    place = {entry.key: entry.value for entry in tensor.external_data}
    try:
        offset, length = int(place.get("offset", "0")), int(place["length"])
        size = prod(tensor.dims) * tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{path}: tensor {tensor.name!r}: got no place ({error}); want that of its bytes"
        ) from error
    if place.get("location") != name or set(place) - {"location", "offset", "length", "checksum"}:
        got = place.get("location")
        raise CheckpointError(f"{path}: tensor {tensor.name!r}: got the file {got!r}; want {name!r} beside it")
    if not (0 <= offset <= offset + length <= room) or length != size or min(tensor.dims, default=0) < 0:
        got = f"bytes {offset} to {offset + length} for {size}"
        raise CheckpointError(f"{where}: got {got}; want its own within {room} of {name!r}")


def _graphs(graph: Any) -> Iterator[Any]:
    """Yields a graph and all graphs inside its nodes."""
    left = [graph]
    while left:
        one = left.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                left += [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _nodes(graph: Any) -> Iterator[Any]:
    for one in _graphs(graph):
        yield from one.node


def _tensors(graph: Any) -> Iterator[Any]:
    for one in _graphs(graph):
        yield from one.initializer
        for node in one.node:
            for attribute in node.attribute:
                yield from [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]
