"""Builds a UniT from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.model import UniT


def build_unit(
    config: UniTConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> UniT:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    return UniT(config, tasks, texts=texts, assets=assets)
