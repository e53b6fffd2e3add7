"""Builds the system from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.systems.vit_adapters.model import ViTAdapters


def build_vit_adapters(
    config: ViTAdaptersConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> ViTAdapters:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    del texts  # no part of this system reads text
    return ViTAdapters(config, tasks, fetch=assets is None)
