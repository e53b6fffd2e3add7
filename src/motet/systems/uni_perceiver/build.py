"""Builds the system from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.model import UniPerceiver


def build_uni_perceiver(
    config: UniPerceiverConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> UniPerceiver:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    return UniPerceiver(config, tasks, texts=texts, assets=assets)
