"""The systems: one folder a paper, and the table of their configurations."""

from __future__ import annotations

from typing import Any

from motet.systems.lit_decoder.config import LiTDecoderConfig

SYSTEMS: dict[str, type[Any]] = {
    "lit_decoder": LiTDecoderConfig,
}
"""Name to the dataclass that builds the system."""
