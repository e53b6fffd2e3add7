"""The annotations of a scene as a mapping that computes each one when it is first read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from motet.scenes import annotate
from motet.scenes.captions import LANGUAGES, CaptionStyle, caption
from motet.scenes.draw import PlacedThing, place_things
from motet.scenes.drawings import Style
from motet.scenes.layout import Scene
from motet.scenes.nouns import Noun, nouns_of


@dataclass(frozen=True)
class View:
    """A scene as one reader renders it.

    Args:
        scene: its things and ground.
        kinds: the world (see `nouns_of`).
        size_hw: of the image.
        style: of the drawings.
        caption_styles: one caption per style.
    """

    scene: Scene
    kinds: int | None
    size_hw: tuple[int, int]
    style: Style = "colour"
    caption_styles: tuple[CaptionStyle, ...] = ("list",)

    @property
    def nouns(self) -> tuple[Noun, ...]:
        """The nouns of its world."""
        return nouns_of(self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """Their English names."""
        return tuple(noun.name for noun in self.nouns)


class SceneLabels(Mapping[str, Any]):
    """All annotations of a scene by name; each is computed when it is first read, and then cached.

    Every scene has: "class" (index of the largest thing's name), "number" (the number of things less one), "captions"
    and "captions_<language>", "boxes" (`BoxSet` with attributes), "names", "colours", "sizes", "layers" (one tuple
    each, things from left to right), the maps "masks", "instances", "segmentation", "depth", "normals", "edges", and
    "panoptic" (`PanopticMap`).
    A scene with text in it has "text" too. `row_labels` adds annotations of one row ("answer", "answers", "region",
    ...), which come first.

    Args:
        view: the scene, and how it is rendered.
        row_labels: annotations that need no computation.
    """

    def __init__(self, view: View, row_labels: Mapping[str, Any] | None = None) -> None:
        self.view = view
        self.row_labels = dict(row_labels or {})
        self._cache: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self.row_labels:
            return self.row_labels[name]
        if name not in self._computable():
            raise KeyError(name)
        return self._once(name, COMPUTE[name])

    def __iter__(self) -> Iterator[str]:
        return iter({**self.row_labels, **dict.fromkeys(self._computable())})

    def __len__(self) -> int:
        return len(self.row_labels.keys() | self._computable())

    def __contains__(self, name: object) -> bool:
        return name in self.row_labels or name in self._computable()

    def __reduce__(self) -> tuple[object, ...]:
        # Without the cache, so that rows that cross to other processes stay small.
        return SceneLabels, (self.view, self.row_labels)

    @property
    def placed(self) -> tuple[PlacedThing, ...]:
        """The things as pixels."""
        view = self.view
        placed: tuple[PlacedThing, ...] = self._once(
            "placed", lambda _: place_things(view.scene, view.size_hw, view.style)
        )
        return placed

    def _computable(self) -> frozenset[str]:
        return _ALL if self.view.scene.writing is not None else _WITHOUT_TEXT

    def _once(self, name: str, compute: Callable[[SceneLabels], Any]) -> Any:
        if name not in self._cache:
            self._cache[name] = compute(self)
        return self._cache[name]


def _captions(language: str) -> Callable[[SceneLabels], tuple[str, ...]]:
    def compute(labels: SceneLabels) -> tuple[str, ...]:
        view = labels.view
        made = (caption(view.scene, view.nouns, language, style) for style in view.caption_styles)
        return tuple(dict.fromkeys(made))

    return compute


COMPUTE: Mapping[str, Callable[[SceneLabels], Any]] = {
    "class": lambda labels: labels.view.names.index(labels.view.scene.largest.name),
    "number": lambda labels: len(labels.view.scene.things) - 1,
    "captions": _captions("en"),
    **{f"captions_{language}": _captions(language) for language in LANGUAGES},
    "text": lambda labels: (labels.view.scene.writing.text,) if labels.view.scene.writing else (),
    "names": lambda labels: tuple(thing.name for thing in labels.view.scene.things),
    "colours": lambda labels: annotate.colours_of(labels.view.scene, labels.view.style),
    "sizes": lambda labels: tuple(thing.size for thing in labels.view.scene.things),
    "layers": lambda labels: tuple(thing.layer for thing in labels.view.scene.things),
    "boxes": lambda labels: annotate.boxes_of(
        labels.view.scene, labels.view.size_hw, labels.view.names, labels.view.style
    ),
    "masks": lambda labels: annotate.masks_of(labels.placed, labels.view.size_hw),
    "instances": lambda labels: annotate.instances_of(labels.placed, labels.view.size_hw),
    "segmentation": lambda labels: annotate.classes_of(labels.view.scene, labels["instances"], labels.view.names),
    "panoptic": lambda labels: annotate.panoptic_of(labels.view.scene, labels["instances"], labels.view.names),
    "depth": lambda labels: annotate.depth_of(labels.placed, labels.view.size_hw),
    "normals": lambda labels: annotate.normals_of(labels.placed, labels.view.size_hw),
    "edges": lambda labels: annotate.edges_of(labels["instances"]),
}
_ALL = frozenset(COMPUTE)
_WITHOUT_TEXT = _ALL - {"text"}
