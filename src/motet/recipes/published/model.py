"""A published release as a model that is not built yet, and what its modules read off the weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, ConfigError, SystemConfig, Task
from motet.nn.pretrained.release import Release


@dataclass(frozen=True)
class ExtraFiles:
    """Files that are not part of a release, and that some releases need.

    Args:
        names: files with the names of published heads.
        words: the list of words: ``vocab.txt`` or ``tokenizer.json`` of a BERT, the merges of CLIP, a folder with a
            tokeniser.
        regions: a file of detected regions, for models that read nothing else.
    """

    names: Mapping[str, Path] = field(default_factory=dict)
    words: Path | None = None
    regions: Path | None = None


@dataclass(frozen=True)
class PublishedModel:
    """A model of a release, to be built and filled.

    Args:
        config: of the system.
        tasks: those that the release answers.
        assets: files that belong to the system: its tokeniser, its text encoder's sizes.
        heads: published heads by task, see `motet.systems.published.fill_published`.
        names: the classes of published heads.
        notes: what of the release is not in the model, and why.
    """

    config: SystemConfig
    tasks: tuple[Task, ...]
    assets: Mapping[str, bytes] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def depth_of(names: Iterable[str], pattern: str) -> int:
    """Returns the number of layers: one more than the highest number in the names that match.

    Examples:
        >>> depth_of(["layers.0.norm", "layers.1.norm"], r"layers\\.(\\d+)\\..+")
        2
    """
    return max((int(found[1]) + 1 for name in names if (found := re.fullmatch(pattern, name))), default=0)


def shape_of(release: Release, *names: str) -> tuple[int, ...]:
    """Returns the shape of the first of these weights that the release has.

    Raises:
        CheckpointError: none of them.
    """
    for name in names:
        if name in release.tensors:
            return tuple(release.tensors[name].shape)
        if name in release.arrays:
            return tuple(release.arrays[name].shape)
    raise CheckpointError(f"{release.path}: got no {names[0]!r}; want a complete file of {release.form.name}")


def number_in(options: Mapping[str, Any], names: Iterable[str], default: int) -> int:
    """Returns the first of these options that is there, a whole number from 1 to 10,000.

    Raises:
        ConfigError: another value.
    """
    for name in names:
        if name in options:
            value = options[name]
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
                raise ConfigError(f"config.json: {name}: got {value!r}; want a whole number from 1 to 10,000")
            return value
    return default
