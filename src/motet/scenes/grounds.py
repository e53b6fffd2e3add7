"""Textured backgrounds of scenes, which look the same at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never, get_args

import numpy as np
from PIL import Image

Texture: TypeAlias = Literal["plain", "stripes", "dots", "checks", "clouds", "grain"]
Tone: TypeAlias = Literal["light", "dark"]
TEXTURES: tuple[Texture, ...] = get_args(Texture)


@dataclass(frozen=True)
class Ground:
    """A texture in two similar colours.

    Args:
        texture: its kind.
        first: colour, RGB 0 to 255.
        second: the other colour.
        angle: direction of stripes and of the gradual change of light, in radians.
        period: stripes, dots or squares per side of the image.
        seed: of the noise.
    """

    texture: Texture
    first: tuple[int, int, int]
    second: tuple[int, int, int]
    angle: float
    period: float
    seed: int


def sample_ground(rng: np.random.Generator, tone: Tone) -> Ground:
    """Samples a ground: pale or dark, so that the drawings, whose colours are saturated, are easy to see."""
    low, high = (185, 245) if tone == "light" else (35, 95)
    first = rng.integers(low, high, 3)
    second = np.clip(first + rng.integers(-28, 29, 3), 0, 255)
    return Ground(
        TEXTURES[int(rng.integers(len(TEXTURES)))],
        _rgb(first),
        _rgb(second),
        float(rng.uniform(0, np.pi)),
        float(rng.uniform(4, 9)),
        int(rng.integers(2**31)),
    )


def _rgb(values: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def render_ground(ground: Ground, size_hw: tuple[int, int], *, grey: bool = False) -> np.ndarray:
    """Returns a ground as pixels, uint8 (h, w, 3).

    Args:
        ground: to render.
        size_hw: (height, width).
        grey: whether colours become grey, as the background of line drawings.
    """
    height, width = size_hw
    short = min(height, width)
    y = (np.arange(height, dtype=np.float32) / short)[:, None]
    x = (np.arange(width, dtype=np.float32) / short)[None, :]
    along = np.cos(ground.angle) * x + np.sin(ground.angle) * y
    across = np.cos(ground.angle) * y - np.sin(ground.angle) * x
    share = np.broadcast_to(_share(ground, along, across, size_hw), size_hw)
    colours = np.array([ground.first, ground.second], dtype=np.float32)
    if grey:
        colours = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)
    light = 1.0 - 0.06 * along  # the gradual change of light
    mixed = (colours[0] + share[..., None] * (colours[1] - colours[0])) * light[..., None]
    painted: np.ndarray = np.clip(mixed, 0, 255).astype(np.uint8)
    return painted


def _share(ground: Ground, along: np.ndarray, across: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Returns each pixel's share of the second colour, 0 to 1."""
    turn = 2 * np.pi * ground.period
    match ground.texture:
        case "plain":
            return np.zeros((1, 1), dtype=np.float32)
        case "stripes":
            return (np.sin(turn * along) > 0).astype(np.float32)
        case "dots":
            return (np.sin(turn * along) * np.sin(turn * across) > 0.55).astype(np.float32)
        case "checks":
            return (np.sin(turn * along) * np.sin(turn * across) > 0).astype(np.float32)
        case "clouds":
            return _noise(ground.seed, 8, size_hw)
        case "grain":
            return _noise(ground.seed, 64, size_hw)
    assert_never(ground.texture)


def _noise(seed: int, cells: int, size_hw: tuple[int, int]) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, (cells, cells), dtype=np.uint8)
    grown = Image.fromarray(values).resize((size_hw[1], size_hw[0]), Image.Resampling.BILINEAR)
    return np.asarray(grown, dtype=np.float32) / 255
