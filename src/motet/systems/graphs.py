"""The table of what splits each system into tensor functions, for export."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import Any

from motet.core import ConfigError, System
from motet.core.graphs import SystemGraphs
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.unit.config import UniTConfig
from motet.systems.vit_adapters.config import ViTAdaptersConfig

GRAPHS: dict[type[Any], str] = {
    ViTAdaptersConfig: "motet.systems.vit_adapters.graphs:ViTAdaptersGraphs",
    UniPerceiverConfig: "motet.systems.uni_perceiver.graphs:UniPerceiverGraphs",
    TwelveInOneConfig: "motet.systems.twelve_in_one.graphs:TwelveInOneGraphs",
    UniTConfig: "motet.systems.unit.graphs:UniTGraphs",
    FeedforwardConfig: "motet.systems.lit_decoder.feedforward_graphs:FeedforwardGraphs",
    LiTDecoderConfig: "motet.systems.lit_decoder.graphs:LiTDecoderGraphs",
}
"""The graphs of a system, by the class of its configuration, as in `motet.systems.SYSTEMS`."""


def graphs_of(system: System) -> SystemGraphs:
    """Returns a system as graphs.

    Raises:
        ConfigError: a system that has none.
    """
    found = GRAPHS.get(type(system.config))
    if found is None:
        known = ", ".join(sorted(kind.__name__ for kind in GRAPHS))
        raise ConfigError(f"export: got a system of {type(system.config).__name__}; want one of {known}")
    build: Callable[[System], SystemGraphs] = pkgutil.resolve_name(found)
    return build(system)
