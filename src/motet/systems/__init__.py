"""The systems: one folder a paper, and the table of their configurations."""

from __future__ import annotations

from typing import Any

from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.unit.config import UniTConfig
from motet.systems.vit_adapters.config import ViTAdaptersConfig

SYSTEMS: dict[str, type[Any]] = {
    "lit_decoder": LiTDecoderConfig,
    "feedforward": FeedforwardConfig,
    "unit": UniTConfig,
    "twelve_in_one": TwelveInOneConfig,
    "vit_adapters": ViTAdaptersConfig,
    "uni_perceiver": UniPerceiverConfig,
}
"""Name to the dataclass that builds the system."""
