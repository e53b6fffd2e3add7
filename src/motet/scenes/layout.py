"""The layout of a scene: its things, their sizes, places and order of depth, as a pure function of a generator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from motet.scenes.drawings import Part, drawings_of
from motet.scenes.grounds import Ground, Tone, sample_ground
from motet.scenes.nouns import Noun

Size: TypeAlias = Literal["small", "medium", "large"]
TextKind: TypeAlias = Literal["", "word", "number", "letters"]
SIZES: tuple[Size, ...] = ("small", "medium", "large")
# Side of a thing's cell, in sides of the image (the shorter one); the gaps between the ranges make sizes unambiguous.
SIDE_RANGES: dict[Size, tuple[float, float]] = {"small": (0.23, 0.26), "medium": (0.31, 0.36), "large": (0.44, 0.50)}
MIN_GAP = 0.06  # centres differ by at least this across the image, so that "left of" is unambiguous
SIGN_WORDS = (
    "add", "air", "arm", "bag", "bar", "bed", "big", "box", "bus", "buy", "cap", "cup", "day", "dry", "eat", "end",
    "fan", "far", "fly", "fun", "gas", "go", "gym", "hat", "hi", "hot", "hut", "ice", "in", "jam", "job", "key", "law",
    "mix", "new", "no", "now", "oil", "ok", "old", "on", "open", "out", "pay", "pen", "red", "run", "sea", "shop",
    "stop", "sun", "tax", "tea", "up", "van", "way", "wet", "win", "yes", "zoo",
)  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """One drawing in a scene.

    Args:
        name: its English noun.
        drawing: the character that is drawn.
        x: its centre, 0 (left) to 1 (right).
        y: its centre, 0 (top) to 1 (bottom).
        side: of its cell, as a share of the image's shorter side.
        size: the size as a word.
        layer: 0 is furthest back; nearer things hide further ones.
    """

    name: str
    drawing: str
    x: float
    y: float
    side: float
    size: Size
    layer: int


@dataclass(frozen=True)
class Writing:
    """A short text on a plate.

    Args:
        text: on the plate.
        x: centre, 0 (left) to 1 (right).
        y: centre, 0 (top) to 1 (bottom).
        height: of the plate, as a share of the image's height.
        dark: whether the plate is dark and its letters light.
    """

    text: str
    x: float
    y: float
    height: float
    dark: bool


@dataclass(frozen=True)
class Scene:
    """The content of an image.

    Names of classes and fields here are part of the fingerprint, and so of random draws: they must not change.

    Args:
        things: from left to right, exactly one of them large.
        ground: behind them.
        writing: a plate with text; None for none.
    """

    things: tuple[Thing, ...]
    ground: Ground
    writing: Writing | None = None

    @property
    def largest(self) -> Thing:
        """The one large thing."""
        return next(thing for thing in self.things if thing.size == "large")

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the content; cached, since every read of stored features needs it."""
        return hashlib.blake2b(repr(self).encode(), digest_size=16).hexdigest()


def sample_scene(
    rng: np.random.Generator,
    nouns: tuple[Noun, ...],
    *,
    part: Part,
    shared: bool,
    num_things: tuple[int, int],
    text_kind: TextKind,
    tone: Tone,
) -> Scene:
    """Samples a scene.

    Args:
        rng: its draws do not depend on the annotations that are read later.
        nouns: of the things, all equally often.
        part: whose drawings are used.
        shared: whether every part has all drawings.
        num_things: the smallest and the largest number.
        text_kind: kind of the text on a plate at the foot of the image; "" for no plate.
        tone: of the ground.
    """
    count = int(rng.integers(num_things[0], num_things[1] + 1))
    chosen = _sample_nouns(rng, nouns, count)
    sizes = _sample_sizes(rng, count)
    room = 0.66 if text_kind else 1.0
    # All sizes shrink by the same factor, so that the ranges of the size words still do not overlap: see SIDE_RANGES.
    shrink = 0.87 if (text_kind and count > 2) or count > 5 else 0.93 if count > 4 else 1.0
    sides = [shrink * float(rng.uniform(*SIDE_RANGES[size])) for size in sizes]
    middles = _sample_centres(rng, sides, room)
    depth_order = np.argsort(sides, kind="stable")  # nearer things look larger
    layers = {int(which): layer for layer, which in enumerate(depth_order)}
    drawings = [drawings_of(noun, part, shared) for noun in chosen]
    things = [
        Thing(
            noun.name,
            drawings[i][int(rng.integers(len(drawings[i])))],
            middles[i][0],
            middles[i][1],
            sides[i],
            sizes[i],
            layers[i],
        )
        for i, noun in enumerate(chosen)
    ]
    things.sort(key=lambda thing: thing.x)
    return Scene(tuple(things), sample_ground(rng, tone), _sample_writing(rng, text_kind))


def _sample_nouns(rng: np.random.Generator, nouns: tuple[Noun, ...], count: int) -> list[Noun]:
    """Samples different nouns; in 40 % of the scenes one is repeated once or twice, so that counting is no constant."""
    chosen = [nouns[int(i)] for i in rng.choice(len(nouns), size=min(count, len(nouns)), replace=False)]
    chosen += [nouns[int(rng.integers(len(nouns)))] for _ in range(count - len(chosen))]
    chance = rng.random()
    copies = 1 if chance < 0.6 else 2 if chance < 0.88 else 3
    for i in range(1, min(copies, count)):
        chosen[i] = chosen[0]
    return [chosen[int(i)] for i in rng.permutation(count)]


def _sample_sizes(rng: np.random.Generator, count: int) -> list[Size]:
    num_medium = int(rng.integers(0, {1: 0, 2: 1, 3: 2}.get(count, 1) + 1))
    medium: list[Size] = ["medium"] * num_medium
    small: list[Size] = ["small"] * (count - 1 - num_medium)
    return ["large", *medium, *small]


def _sample_centres(rng: np.random.Generator, sides: list[float], room: float) -> list[tuple[float, float]]:
    """Samples centres of square cells, the largest first, that overlap little and differ in x by `MIN_GAP`."""
    for spare in (0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3):
        placed: list[tuple[float, float]] = []
        for i, side in enumerate(sides):
            tries = rng.random((48, 2)) * (1 - 1.25 * side, room - 1.25 * side) + 0.625 * side
            fits = np.ones(len(tries), dtype=bool)
            for (x, y), other in zip(placed, sides[:i], strict=True):
                away = np.abs(tries - (x, y))
                shared = np.clip((side + other) / 2 - away, 0, None).prod(axis=1)
                fits &= (shared <= spare * side**2) & (away[:, 0] >= MIN_GAP)
            if not fits.any():
                break
            x, y = tries[int(fits.argmax())]
            placed.append((float(x), float(y)))
        if len(placed) == len(sides):
            return placed
    return _columns(rng, sides, room)


def _columns(rng: np.random.Generator, sides: list[float], room: float) -> list[tuple[float, float]]:
    """Returns centres in a row, alternately up and down, for scenes where no random placement fits."""
    xs = rng.permutation(np.linspace(0.62 * max(sides), 1 - 0.62 * max(sides), len(sides)))
    return [
        (float(x), 0.63 * side if i % 2 else room - 0.63 * side)
        for i, (x, side) in enumerate(zip(xs, sides, strict=True))
    ]


def _sample_writing(rng: np.random.Generator, written: TextKind) -> Writing | None:
    match written:
        case "":
            return None
        case "word":
            text = str(rng.choice(SIGN_WORDS))
        case "number":
            text = str(int(rng.integers(10, 100)))
        case "letters":
            text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=int(rng.integers(2, 5))))
    return Writing(text, float(rng.uniform(0.36, 0.64)), 0.83, 0.31, bool(rng.random() < 0.5))
