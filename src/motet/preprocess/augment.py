"""Augmentations of training pixels beside crops and flips: RandAugment and random erasing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from PIL import Image

from motet.core import ConfigError


@runtime_checkable
class Augment(Protocol):
    """Changes the pixels of a training image whose annotation survives it."""

    def image(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        """Returns an image of the same size, before normalisation."""
        ...

    def values(self, values: Float[np.ndarray, "3 h w"], rng: np.random.Generator) -> Float[np.ndarray, "3 h w"]:
        """Returns normalised pixels; it may write in them."""
        ...


@dataclass(frozen=True)
class RandAugment:
    """RandAugment, and an erased rectangle of noise, as timm does both.

    Source: Cubuk et al., "RandAugment", 2020; Zhong et al., "Random Erasing", AAAI 2020; timm `create_transform`, with
    which the official Uni-Perceiver reads ImageNet (`imagenet.py`).

    Args:
        policy: in timm's notation: magnitude 9 with a deviation of 0.5, and operations that grow with it.
        erase: probability of an erased rectangle.

    Raises:
        ConfigError: a policy that timm does not know, or a probability outside [0, 1].
    """

    policy: str = "rand-m9-mstd0.5-inc1"
    erase: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.erase <= 1:
            raise ConfigError(f"RandAugment.erase: got {self.erase}; want from 0 to 1")
        try:
            _operations(self.policy, 224)
        except (AssertionError, ValueError, KeyError, NotImplementedError) as error:
            got = f"{self.policy!r} ({error or type(error).__name__})"
            raise ConfigError(f"RandAugment.policy: got {got}; want one of timm, such as 'rand-m9-mstd0.5'") from error

    def image(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        with _global_draws(rng):
            found: Image.Image = _operations(self.policy, min(image.size))(image)
        return found

    def values(self, values: Float[np.ndarray, "3 h w"], rng: np.random.Generator) -> Float[np.ndarray, "3 h w"]:
        if rng.random() >= self.erase:
            return values
        height, width = values.shape[1:]
        for _ in range(10):
            area = rng.uniform(0.02, 1 / 3) * height * width
            aspect = float(np.exp(rng.uniform(np.log(0.3), np.log(1 / 0.3))))
            h, w = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
            if 0 < h < height and 0 < w < width:
                top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
                values[:, top : top + h, left : left + w] = rng.standard_normal((3, h, w))
                break
        return values


@cache
def _operations(policy: str, side: int) -> Any:
    from timm.data.auto_augment import rand_augment_transform

    # As `create_transform` sets them: moves in pixels, and ImageNet's mean where an image leaves room.
    return rand_augment_transform(policy, {"translate_const": int(side * 0.45), "img_mean": (124, 116, 104)})


@contextmanager
def _global_draws(rng: np.random.Generator) -> Iterator[None]:
    """Lets timm, which draws from two global generators, draw from ours, and gives their states back."""
    before, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(int(rng.integers(2**63)))
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(arrays)  # noqa: NPY002
