"""Builds the system from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.systems.vlm.config import VlmConfig
from motet.systems.vlm.loading import load_vlm
from motet.systems.vlm.model import Vlm


def build_vlm(
    config: VlmConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> Vlm:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    del texts  # the tokeniser is the model's
    return Vlm(config, tasks, load_vlm(config, assets))
