"""Short clips of a moving thing, drawn when they are read, with the motion, a caption and the thing's name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, assert_never, get_args

import numpy as np

from motet.core import ConfigError, Example, rng_for
from motet.scenes.captions import phrase
from motet.scenes.drawings import PARTS, Part, Style, drawings_of
from motet.scenes.grounds import Tone, sample_ground
from motet.scenes.layout import Scene, Thing
from motet.scenes.nouns import Noun, nouns_of
from motet.scenes.reader import SceneImage

Motion: TypeAlias = Literal["left", "right", "up", "down", "nearer", "further", "shaking", "still"]
MOTIONS: tuple[Motion, ...] = get_args(Motion)
_MOTION_PHRASES: dict[Motion, str] = {
    "left": "moves to the left",
    "right": "moves to the right",
    "up": "moves up",
    "down": "moves down",
    "nearer": "comes nearer",
    "further": "moves away",
    "shaking": "shakes",
    "still": "stands still",
}
_SIDE, _BESIDE = 0.34, 0.24


@dataclass(frozen=True, kw_only=True)
class SceneVideos:
    """Clips in which one thing moves; in half of them a second thing is at rest.

    Labels: "class" (index of the motion in `names`), "captions" (one sentence), "object" (index of the moving thing's
    name in `object_names`). The images are the frames in order.

    Args:
        part: train, val and test clips come from different random streams.
        count: number of clips.
        seed: of the random stream.
        frames: images per clip.
        size_hw: (height, width) in pixels.
        kinds: the world (see `Scenes`).
        drawings: "disjoint": no drawing of one part appears in another.
        style: of the drawings.
        ground: "light" or "dark".

    Raises:
        ConfigError: a value out of range.
    """

    part: Part
    count: int
    seed: int = 0
    frames: int = 8
    size_hw: tuple[int, int] = (128, 128)
    kinds: int | None = None
    drawings: Literal["shared", "disjoint"] = "shared"
    style: Style = "colour"
    ground: Tone = "light"

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ConfigError(f"SceneVideos.part: got {self.part!r}; want one of {', '.join(PARTS)}")
        if self.count < 1 or self.frames < 2:
            raise ConfigError(
                f"SceneVideos: got count {self.count}, frames {self.frames}; want 1 clip or more, of 2 frames or more"
            )
        if min(self.size_hw) < 32:
            raise ConfigError(f"SceneVideos.size_hw: got {self.size_hw}; want at least 32 pixels a side")
        for noun in self.nouns:
            drawings_of(noun, self.part, self.drawings == "shared")

    @property
    def nouns(self) -> tuple[Noun, ...]:
        """The nouns that name things."""
        return nouns_of(self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """The motions."""
        return MOTIONS

    @property
    def object_names(self) -> tuple[str, ...]:
        """The names of moving things."""
        return tuple(noun.name for noun in self.nouns)

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        parts = (self.kinds, self.drawings, self.style, self.ground, self.frames)
        world = hashlib.blake2b(repr(parts).encode(), digest_size=4).hexdigest()
        return tuple(f"clips/{self.seed}/{self.part}/{index}/{world}/{frame}" for frame in range(self.frames))

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < self.count:
            raise IndexError(f"clips/{self.part}: got row {index}; want 0 to {self.count - 1}")
        keys = self.keys(index)
        rng = rng_for("scene clip", self.seed, self.part, index, keys[0])
        motion = MOTIONS[int(rng.integers(len(MOTIONS)))]
        mover, beside = (self.nouns[int(i)] for i in rng.choice(len(self.nouns), 2, replace=False))
        alone = bool(rng.random() < 0.5)
        scenes = self._film(mover, None if alone else beside, motion, rng)
        text = f"{phrase(mover.forms['en'], 1)} {_MOTION_PHRASES[motion]}"
        if not alone:
            text += f" beside {phrase(beside.forms['en'], 1)}"
        images = (SceneImage(key, scene, self.size_hw, self.style) for key, scene in zip(keys, scenes, strict=True))
        return Example(
            id=keys[0].rpartition("/")[0],
            images=tuple(images),
            image_ids=keys,
            labels={
                "class": MOTIONS.index(motion),
                "captions": (text,),
                "object": self.object_names.index(mover.name),
            },
        )

    def _film(self, mover: Noun, beside: Noun | None, motion: Motion, rng: np.random.Generator) -> list[Scene]:
        """Returns one scene per frame; the moving thing is in the upper or lower half, the other thing in the other."""
        ground = sample_ground(rng, self.ground)
        on_top = bool(rng.random() < 0.5)
        y = float(rng.uniform(0.3, 0.36)) if on_top else float(rng.uniform(0.64, 0.7))
        start = Thing(mover.name, self._drawing(mover, rng), float(rng.uniform(0.35, 0.65)), y, _SIDE, "large", 1)
        still = []
        if beside is not None:
            x = float(rng.uniform(0.2, 0.8))
            still.append(
                Thing(beside.name, self._drawing(beside, rng), x, 0.84 if on_top else 0.16, _BESIDE, "small", 0)
            )
        shakes = rng.uniform(-1, 1, (self.frames, 2))
        moved = [_move(start, motion, frame / (self.frames - 1), shakes[frame]) for frame in range(self.frames)]
        return [Scene(tuple(sorted([thing, *still], key=lambda one: one.x)), ground) for thing in moved]

    def _drawing(self, noun: Noun, rng: np.random.Generator) -> str:
        return str(rng.choice(drawings_of(noun, self.part, self.drawings == "shared")))


def _move(thing: Thing, motion: Motion, done: float, shake: np.ndarray) -> Thing:
    """Returns the thing at a point of the clip, from 0 (start) to 1 (end)."""
    along = 0.36 * (done - 0.5)
    match motion:
        case "left":
            return replace(thing, x=thing.x - along)
        case "right":
            return replace(thing, x=thing.x + along)
        case "up":
            return replace(thing, y=thing.y - 0.7 * along)
        case "down":
            return replace(thing, y=thing.y + 0.7 * along)
        case "nearer":
            return replace(thing, side=thing.side * (0.65 + 0.6 * done))
        case "further":
            return replace(thing, side=thing.side * (1.25 - 0.6 * done))
        case "shaking":
            return replace(thing, x=thing.x + 0.035 * float(shake[0]), y=thing.y + 0.035 * float(shake[1]))
        case "still":
            return thing
    assert_never(motion)
