"""Published weights: reading them from a file, a folder or a mapping, and copying them into a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from motet.core import CheckpointError
from motet.core.regular_files import file_size


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


def read_published(source: str | Path | Mapping[str, Tensor], *, inside: str) -> Mapping[str, Tensor]:
    """Returns published weights by name.

    Args:
        source: a mapping by name; a ``.safetensors`` file; or a folder with ``model.safetensors`` in it.
        inside: the key under which original checkpoints store the weights, beside other entries.

    Raises:
        CheckpointError: a file that cannot be read.
    """
    if isinstance(source, Mapping):
        found: Any = source.get(inside, source)
        return found if isinstance(found, Mapping) else source
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(source)
    path = path / "model.safetensors" if path.is_dir() else path
    try:
        file_size(path)
        weights: Mapping[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: got {error}; want a complete .safetensors file, or a folder with model.safetensors"
        ) from error
    return weights


def copy_published(own: Mapping[str, Tensor], renamed: Mapping[str, Mapping[str, Tensor]]) -> PublishedWeights:
    """Copies published weights into those of a model, as far as names and shapes fit.

    Args:
        own: the model's weights by name, written in place.
        renamed: by published name, the weights that it becomes, by their names in the model; none for a published
            weight without a counterpart.
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
    return PublishedWeights(tuple(loaded), tuple(unexpected), tuple(mismatched))
