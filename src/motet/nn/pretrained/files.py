"""Published weights: reading them from a file, a folder or a mapping, and copying them into a model."""

from __future__ import annotations

import argparse
import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from motet.core import CheckpointError
from motet.core.regular_files import file_size

_PYTORCH = {".pth", ".pt", ".bin", ".ckpt"}


@dataclass(frozen=True)
class PublishedWeights:
    """The report of loading published weights into a model.

    Args:
        loaded: the model's names that were loaded.
        unexpected: published names that the model does not have.
        mismatched: published names whose parameter has another shape here, with the published and the wanted shape;
            not loaded.
        missing: the model's names that nothing was loaded into, of the part that should have been.

    Examples:
        >>> PublishedWeights(("norm.bias",), ("cls.bias",), (("up.weight", (4, 2), (3, 2)),)).lines()
        ('up.weight: got shape (4, 2); want (3, 2); not loaded', 'not in this model: cls.bias')
    """

    loaded: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    missing: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Returns one line per kind of mismatch; empty if everything matched."""
        lines = [f"{name}: got shape {got}; want {want}; not loaded" for name, got, want in self.mismatched]
        if self.unexpected:
            lines.append(f"not in this model: {', '.join(self.unexpected)}")
        if self.missing:
            lines.append(f"not in the weights: {', '.join(self.missing)}")
        return tuple(lines)


def read_published(source: str | Path | Mapping[str, Tensor], *, inside: str | Sequence[str]) -> Mapping[str, Tensor]:
    """Returns published weights by name.

    Args:
        source: a mapping by name; a ``.safetensors`` file; a file of PyTorch (``.pth``, ``.pt``, ``.bin``, ``.ckpt``),
            of which only tensors and plain values are read, and no code is run; or a folder with ``model.safetensors``
            or ``pytorch_model.bin`` in it.
        inside: the key under which original checkpoints store the weights, beside other entries; the first of several
            that is there.

    Raises:
        CheckpointError: a file that cannot be read.
    """
    found: Any = source if isinstance(source, Mapping) else _read_file(_file_in(Path(source)))
    keys = (inside,) if isinstance(inside, str) else inside
    weights = next((found[key] for key in keys if key in found), found)
    weights = weights if isinstance(weights, Mapping) else found
    return {str(name): value for name, value in weights.items() if isinstance(value, Tensor)}


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = [path / name for name in ("model.safetensors", "pytorch_model.bin")]
    return next((file for file in files if file.is_file()), files[0])


def _read_file(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        file_size(path)
        if path.suffix not in _PYTORCH:
            weights: Mapping[str, Any] = load_file(path)
            return weights
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: got {error}; want a complete .safetensors file, a file of PyTorch (.pth, .pt, .bin, .ckpt), or a "
            "folder with model.safetensors"
        ) from error
    return _read_pytorch(path)


def _read_pytorch(path: Path) -> Mapping[str, Any]:
    try:
        # DETR's training checkpoints hold their options in a Namespace, which is plain data.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols; the errors say enough
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path}: got {reason}; want a complete file of PyTorch with weights and plain values only"
        ) from error
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{path}: got a {type(found).__name__}; want weights by name")
    return found


def copy_published(
    own: Mapping[str, Tensor], renamed: Mapping[str, Mapping[str, Tensor]], *, expected: Sequence[str] = ()
) -> PublishedWeights:
    """Copies published weights into those of a model, as far as names and shapes fit.

    Args:
        own: the model's weights by name, written in place.
        renamed: by published name, the weights that it becomes, by their names in the model; none for a published
            weight without a counterpart.
        expected: beginnings of the model's names that the published weights should fill; those that none of them
            becomes are reported as missing.
    """
    loaded: list[str] = []
    unexpected: list[str] = []
    mismatched: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    with torch.no_grad():
        for published, parts in renamed.items():
            if not parts or any(name not in own for name in parts):
                unexpected.append(published)
                continue
            for name, value in parts.items():
                if own[name].shape != value.shape:
                    mismatched.append((published, tuple(value.shape), tuple(own[name].shape)))
                else:
                    own[name].copy_(value)
                    loaded.append(name)
    given = {name for parts in renamed.values() for name in parts}
    missing = [name for name in own if name.startswith(tuple(expected)) and name not in given]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    return PublishedWeights(tuple(loaded), tuple(unexpected), tuple(mismatched), tuple(missing))
