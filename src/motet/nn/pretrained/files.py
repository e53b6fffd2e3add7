"""Published weights: read from a file, a folder or a mapping, and which of them found a place here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from motet.core import CheckpointError


@dataclass(frozen=True)
class PublishedWeights:
    """Which weights found a place.

    Args:
        kept: names here that were filled.
        left: published names that have no place here.
        shapes: published names whose place here has another shape, with both shapes; they were not loaded.
        missing: names here that nothing filled, of the part that was to be filled.

    Examples:
        >>> PublishedWeights(("norm.bias",), ("cls.bias",), (("up.weight", (4, 2), (3, 2)),)).lines()
        ('up.weight: got shape (4, 2); want (3, 2); not loaded', 'no place for cls.bias')
    """

    kept: tuple[str, ...]
    left: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    missing: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """What did not match, a sentence each; nothing when all did."""
        lines = [f"{name}: got shape {got}; want {want}; not loaded" for name, got, want in self.shapes]
        if self.left:
            lines.append(f"no place for {', '.join(self.left)}")
        if self.missing:
            lines.append(f"nothing for {', '.join(self.missing)}")
        return tuple(lines)


def read_published(source: str | Path | Mapping[str, Tensor], *, inside: str) -> Mapping[str, Tensor]:
    """Weights by name.

    Args:
        source: weights by name; a ``.safetensors`` file; or a folder with ``model.safetensors`` in it.
        inside: under which name original checkpoints keep the weights, beside what else they hold.

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
        weights: Mapping[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: got {error}; want a whole .safetensors file") from error
    return weights
