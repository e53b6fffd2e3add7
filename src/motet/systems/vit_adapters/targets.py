"""Supported tasks and encoded targets of the adapters: maps of an image, or its class."""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np

from motet.core import DataError, Dense, Label, Task, UnsupportedTask
from motet.preprocess.annotations import class_index
from motet.preprocess.geometry import Geometry

TOLERANCE = 0.02
"""How far a normal's length may be from 1: three channels of 8 bits give up to 0.7 % by rounding."""


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task that this system does not support, or whose input is not one image alone."""
    match task.target:
        case Label():
            pass
        case Dense() as spec:
            _check_channels(task, spec)
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: the adapters support Dense and Label: got {type(other).__name__}; want one of "
                "those, or another system"
            )
    if task.inputs != {"image"}:
        raise UnsupportedTask(
            f"task {task.name!r}: the adapters read one image: got the inputs {sorted(task.inputs)}; want 'image' alone"
        )


def _check_channels(task: Task, spec: Dense) -> None:
    match spec.unit:
        case "class":
            ok, want = spec.channels >= 1 and len(spec.names) in (0, spec.channels), "one for each name"
        case "metre":
            ok, want = spec.channels == 1, "1"
        case "unit vector":
            ok, want = spec.channels == 3, "3"
        case "probability":
            ok, want = spec.channels in (1, 2), "1, or 2 for a softmax over no and yes"
        case other:
            assert_never(other)
    if not ok:
        raise UnsupportedTask(
            f"task {task.name!r}: Dense.channels of a map in unit {spec.unit!r}: got {spec.channels}; want {want}"
        )


def encode_target(
    task: Task, annotation: Any, row_id: str, geometry: Geometry, *, scale_depth: bool = False
) -> dict[str, np.ndarray]:
    """Returns the encoded target of a row, under the geometry of its image.

    Args:
        task: the task.
        annotation: raw.
        row_id: for the error.
        geometry: how the image was transformed.
        scale_depth: whether a map in metres is divided by the zoom of the crop.

    Raises:
        DataError: an annotation that does not fit the task or the image.
    """
    match task.target:
        case Label(names):
            return {"label": np.array(class_index(task, annotation, row_id, len(names)))}
        case Dense() as spec:
            values, valid = parse_map(spec, annotation, f"{row_id}: task {task.name!r}", geometry.source_hw)
            return _transform_map(spec, values, valid, geometry, scale_depth)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want a Label or a Dense")


def parse_map(spec: Dense, annotation: Any, where: str, size_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns an annotation as values, (h, w) classes or (h, w, c) float32, and a mask of the pixels that have one.

    Args:
        spec: the kind of map.
        annotation: raw: -1 is no class; NaN, in any channel, no value.
        where: the start of an error.
        size_hw: of the image.

    Raises:
        DataError: no array, another size than the image, a value out of range, or no known value.
    """
    if not isinstance(annotation, np.ndarray) or annotation.dtype.kind not in "iuf":
        got = (
            f"an array of {annotation.dtype}"
            if isinstance(annotation, np.ndarray)
            else f"a {type(annotation).__name__}"
        )
        raise DataError(f"{where}: got {got}; want an array of numbers")
    values = (
        annotation[..., 0]
        if spec.unit != "unit vector" and annotation.ndim == 3 and annotation.shape[2] == 1
        else annotation
    )
    if values.shape[:2] != size_hw:
        got, want = " x ".join(map(str, annotation.shape[:2])), " x ".join(map(str, size_hw))
        raise DataError(f"{where}: got a map of {got} pixels; want {want}, the size of its image")
    shape = (*size_hw, 3) if spec.unit == "unit vector" else size_hw
    if values.shape != shape:
        raise DataError(f"{where}: got a map of shape {annotation.shape}; want {shape}")
    if spec.unit == "class":
        valid = _valid_classes(spec, values, where)
        values = values.astype(np.int64)
    else:
        values = values.astype(np.float32).reshape(*size_hw, -1)
        valid = _valid_values(spec, values, where)
    if not valid.any():
        invalid = -1 if spec.unit == "class" else "NaN"
        raise DataError(f"{where}: got a map that is {invalid} everywhere; want at least one pixel that is known")
    return values, valid


def _valid_classes(spec: Dense, values: np.ndarray, where: str) -> np.ndarray:
    if values.dtype.kind == "f":
        raise DataError(f"{where}: got an array of {values.dtype}; want integers, one number per class")
    least, most = int(values.min()), int(values.max())
    if least < -1 or most >= spec.channels:
        got = least if least < -1 else most
        raise DataError(f"{where}: got class {got}; want 0 to {spec.channels - 1}, or -1 where none is known")
    valid: np.ndarray = values >= 0
    return valid


def _valid_values(spec: Dense, values: np.ndarray, where: str) -> np.ndarray:
    if np.isinf(values).any():
        raise DataError(f"{where}: got an infinite value; want finite numbers, or NaN where unknown")
    valid: np.ndarray = ~np.isnan(values).any(axis=2)
    known = values[valid]
    if not len(known):
        return valid
    match spec.unit:
        case "metre":
            if known.min() < 0:
                raise DataError(f"{where}: got a depth of {known.min():g} m; want 0 or more, or NaN where unknown")
        case "probability":
            if known.min() < 0 or known.max() > 1:
                got = known.min() if known.min() < 0 else known.max()
                raise DataError(f"{where}: got {got:g}; want probabilities from 0 to 1, or NaN where unknown")
        case "unit vector":
            lengths = np.linalg.norm(known, axis=1)
            worst = lengths[np.abs(lengths - 1).argmax()]
            if abs(worst - 1) > TOLERANCE:
                raise DataError(f"{where}: got a normal of length {worst:.3g}; want unit length, or NaN where unknown")
        case "class":
            raise UnsupportedTask(f"{where}: got classes; want a map of numbers")
        case other:
            assert_never(other)
    return valid


def _transform_map(
    spec: Dense, values: np.ndarray, valid: np.ndarray, geometry: Geometry, scale_depth: bool
) -> dict[str, np.ndarray]:
    valid = geometry.map(valid)
    if spec.unit == "class":
        return {"map": geometry.map(values), "valid": valid}
    moved = geometry.map(values, unit_vectors=spec.unit == "unit vector")
    if spec.unit == "metre" and scale_depth:
        moved = moved / np.float32(geometry.zoom)
    return {"map": np.ascontiguousarray(moved.transpose(2, 0, 1)), "valid": valid}
