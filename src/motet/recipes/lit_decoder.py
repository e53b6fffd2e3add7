"""Runs of the LiT decoder: the paper's, a small one on scenes, one on real photographs."""

from __future__ import annotations

from motet.nn.encoders import EmbeddedLite0
from motet.prep.words import TrainedWords
from motet.systems.lit_decoder.config import LiTDecoderConfig


def small(
    *, width: int = 256, depth: int = 2, image_size: int = 128, stage: int = -1, pieces: int = 2000
) -> LiTDecoderConfig:
    """A LiT decoder for a laptop: the embedded frozen EfficientNet-Lite0 and a shallow, narrow decoder."""
    return LiTDecoderConfig(
        encoder=EmbeddedLite0(size=image_size, stage=stage),
        depth=depth,
        width=width,
        heads=max(1, width // 64),
        max_tokens=48,
        words=TrainedWords(size=pieces),
    )
