"""Builds a 12-in-1 from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Task
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.model import TwelveInOne


def build_twelve_in_one(
    config: TwelveInOneConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> TwelveInOne:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    return TwelveInOne(config, tasks, texts=texts, assets=assets)
