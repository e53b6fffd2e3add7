"""Annotations of scene images: boxes, masks, instances, classes, depth, surface normals and edges."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from motet.core import BoxSet
from motet.core.panoptic import PanopticMap
from motet.scenes.draw import PlacedThing, coverage_mask, place_things
from motet.scenes.drawings import COLOURS, MIXED, Style, colour_of
from motet.scenes.layout import SIZES, Scene, Thing

ATTRIBUTES = (*COLOURS, *SIZES)
GROUND = "ground"
FAR_M, NEAR_M = 8.0, 5.0  # the ground leans back: its depth at the top and at the foot of the image
GROUND_NORMAL = (0.0, -0.447214, 0.894427)  # (0, -1, 2) at unit length: up and towards the viewer
RELIEF_M = 0.12  # how far a thing, one metre across, bulges towards the viewer
_SOFT = 0.05  # width of the bulge's rim, as a share of the thing's side


def boxes_of(scene: Scene, size_hw: tuple[int, int], names: Sequence[str], style: Style) -> BoxSet:
    """Returns each thing's tight box, hidden parts included; its attributes are its size and its colour if clear."""
    boxes = tight_boxes(scene, size_hw, style)
    return BoxSet(
        np.array(boxes, dtype=np.float32).reshape(-1, 4),
        np.array([names.index(thing.name) for thing in scene.things], dtype=np.int64),
        np.ones(len(boxes), dtype=np.float32),
        tuple(_attributes(thing, style) for thing in scene.things),
    )


# Things are drawn to find their borders, which took most of a detector's loading time (profiled), so the boxes are
# cached for the epochs that follow: some 200 bytes per image.
@lru_cache(maxsize=50_000)
def tight_boxes(scene: Scene, size_hw: tuple[int, int], style: Style) -> tuple[tuple[float, ...], ...]:
    """Returns left, top, right and bottom of each thing, from left to right, in pixels; hidden parts included."""
    return tuple(
        (float(p.x0 + x0), float(p.y0 + y0), float(p.x0 + x1), float(p.y0 + y1))
        for p in place_things(scene, size_hw, style)
        for x0, y0, x1, y1 in [_tight(p.image)]
    )


def _tight(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0).getbbox()
    return box if box is not None else (0, 0, image.width, image.height)


def colours_of(scene: Scene, style: Style) -> tuple[str, ...]:
    """Returns each thing's colour from left to right: "mixed" where it has no clear one, as in line drawings."""
    return tuple(colour_of(thing.drawing) if style == "colour" else MIXED for thing in scene.things)


def _attributes(thing: Thing, style: Style) -> tuple[int, ...]:
    colour = colour_of(thing.drawing) if style == "colour" else MIXED
    words = [thing.size] if colour == MIXED else [colour, thing.size]
    return tuple(ATTRIBUTES.index(word) for word in words)


def masks_of(placed: Sequence[PlacedThing], size_hw: tuple[int, int]) -> np.ndarray:
    """Returns each thing's mask, hidden parts included, bool (things, h, w)."""
    return np.stack([coverage_mask(p, size_hw) for p in placed])


def instances_of(placed: Sequence[PlacedThing], size_hw: tuple[int, int]) -> np.ndarray:
    """Returns the visible thing at each pixel, int64 (h, w): its index from the left, -1 for the ground."""
    visible = np.full(size_hw, -1, dtype=np.int64)
    for which in _back_to_front(placed):
        visible[coverage_mask(placed[which], size_hw)] = which
    return visible


def classes_of(scene: Scene, instances: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Returns the class of each pixel, int64 (h, w): 0 for the ground, else 1 + the index of the name."""
    by_thing = np.array([0, *(1 + names.index(thing.name) for thing in scene.things)], dtype=np.int64)
    classes: np.ndarray = by_thing[instances + 1]
    return classes


def panoptic_of(scene: Scene, instances: np.ndarray, names: Sequence[str]) -> PanopticMap:
    """Returns the visible part of each thing and the ground as segments; classes are those of `classes_of`.

    The ground is the only stuff, class 0. A thing that others cover completely has no segment.
    """
    visible = np.unique(instances)  # -1 for the ground
    segments = np.searchsorted(visible, instances) + 1
    labels = [0 if which < 0 else 1 + names.index(scene.things[which].name) for which in visible.tolist()]
    return PanopticMap(segments, np.array(labels, dtype=np.int64))


def thing_depth_m(thing: Thing) -> float:
    """Returns a thing's distance in metres: it is one metre wide, so 1 / side for a camera of unit field of view."""
    return 1.0 / thing.side


def depth_of(placed: Sequence[PlacedThing], size_hw: tuple[int, int]) -> np.ndarray:
    """Returns the depth of each pixel in metres, float32 (h, w): an inclined ground, and slightly convex things."""
    height, width = size_hw
    down = (np.arange(height, dtype=np.float32) + 0.5) / height
    depth = np.repeat((FAR_M + (NEAR_M - FAR_M) * down)[:, None], width, axis=1)
    for which in _back_to_front(placed):
        at, covered, bulge = _bulge(placed[which])
        depth[at][covered] = (thing_depth_m(placed[which].thing) - RELIEF_M * bulge)[covered]
    return depth


def normals_of(placed: Sequence[PlacedThing], size_hw: tuple[int, int]) -> np.ndarray:
    """Returns the surface normal of each pixel, float32 (h, w, 3): x to the right, y down, z towards the viewer."""
    normals = np.broadcast_to(np.array(GROUND_NORMAL, dtype=np.float32), (*size_hw, 3)).copy()
    for which in _back_to_front(placed):
        at, covered, bulge = _bulge(placed[which])
        rise = RELIEF_M * max(bulge.shape) * bulge  # in pixels, as x and y are
        slope_y, slope_x = np.gradient(rise)
        vectors = np.dstack([-slope_x, -slope_y, np.ones_like(rise)])
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        normals[at][covered] = vectors[covered]
    return normals


def edges_of(instances: np.ndarray) -> np.ndarray:
    """Returns the visible edges, float32 (h, w): 1 where the pixel to the right or below belongs to another thing."""
    edges = np.zeros(instances.shape, dtype=bool)
    edges[:, :-1] |= instances[:, :-1] != instances[:, 1:]
    edges[:-1, :] |= instances[:-1, :] != instances[1:, :]
    return edges.astype(np.float32)


def _back_to_front(placed: Sequence[PlacedThing]) -> list[int]:
    return sorted(range(len(placed)), key=lambda which: placed[which].thing.layer)


def _bulge(placed: PlacedThing) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """Returns a thing's bounding slices, its mask in them, and its relief there, from 0 at the rim to 1."""
    alpha = placed.image.getchannel("A")
    width, height = alpha.size
    pad = 2 + round(2 * _SOFT * max(alpha.size))
    wide = Image.new("L", (width + 2 * pad, height + 2 * pad))
    wide.paste(alpha, (pad, pad))
    soft = np.asarray(wide.filter(ImageFilter.GaussianBlur(_SOFT * max(alpha.size))), dtype=np.float32)
    bulge = np.clip(2 * soft[pad:-pad, pad:-pad] / 255 - 1, 0, 1)
    at = (slice(placed.y0, placed.y0 + height), slice(placed.x0, placed.x0 + width))
    return at, np.asarray(alpha) >= 128, bulge
