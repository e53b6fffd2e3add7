"""Readers whose target is a region of the image: referring expressions, pointing, and dialogs about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from motet.core import ConfigError, Example, rng_for
from motet.scenes.labels import SceneLabels
from motet.scenes.layout import Scene
from motet.scenes.reader import Scenes
from motet.scenes.referring import PhraseCues, sample_dialog, sample_phrase
from motet.scenes.sampling import one_of


@dataclass(frozen=True)
class SceneReferring:
    """Referring expressions: an image, and a phrase that refers to one thing in it.

    Labels: "region" (its box, x0, y0, x1, y1 in pixels, or None), "match" (the set with its index among the
    candidates), and all of the scene's. The candidates are the boxes of all things, from left to right.

    Args:
        scenes: the images.
        cues: "look": appearance only (as in RefCOCO+); "place": position only; "any": both (as in RefCOCO).
        form: "phrase": "the red car"; "question": "which one is the red car?" (pointing, as in Visual7W).
        absent_share: share of phrases without a referent in the image; their region is None and their match empty.

    Raises:
        ConfigError: a share outside 0 to 1.
    """

    scenes: Scenes
    cues: PhraseCues = "any"
    form: Literal["phrase", "question"] = "phrase"
    absent_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.absent_share <= 1:
            raise ConfigError(f"SceneReferring.absent_share: got {self.absent_share}; want a share from 0 to 1")

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.scenes.keys(index)

    def __getitem__(self, index: int) -> Example:
        plain = self.scenes[index]
        scene = self.scenes.scene(index // self.scenes.questions_per_image)
        rng = rng_for("scene referring", plain.id, self.cues)
        text, which = self._phrase(scene, rng)
        if self.form == "question":
            text = f"which one is {text}?"
        return _with_region(plain, f"{plain.id}/{self.cues}-{self.form}", text, which)

    def _phrase(self, scene: Scene, rng: np.random.Generator) -> tuple[str, int | None]:
        present = {thing.name for thing in scene.things}
        absent = [name for name in self.scenes.names if name not in present]
        if absent and rng.random() < self.absent_share:
            return f"the {one_of(absent, rng)}", None
        return sample_phrase(scene, self.cues, rng, coloured=self.scenes.style == "colour")


@dataclass(frozen=True)
class SceneDialogs:
    """Dialogs of yes-no questions that single out one thing (as in GuessWhat); the text is a tuple of turns.

    Labels and candidates as in `SceneReferring`.

    Args:
        scenes: the images.
    """

    scenes: Scenes

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.scenes.keys(index)

    def __getitem__(self, index: int) -> Example:
        plain = self.scenes[index]
        scene = self.scenes.scene(index // self.scenes.questions_per_image)
        rng = rng_for("scene dialog", plain.id)
        which = int(rng.integers(len(scene.things)))
        turns = sample_dialog(scene, scene.things[which], rng, coloured=self.scenes.style == "colour")
        return _with_region(plain, f"{plain.id}/dialog", turns, which)


def _with_region(plain: Example, row_id: str, text: str | tuple[str, ...], which: int | None) -> Example:
    labels = plain.labels
    assert isinstance(labels, SceneLabels), "Scenes gives no others"
    boxes = tuple(tuple(float(value) for value in box) for box in labels["boxes"].boxes_xyxy)
    row_labels = {
        "region": None if which is None else boxes[which],
        "match": frozenset() if which is None else frozenset({which}),
    }
    return Example(
        id=row_id,
        images=plain.images,
        image_ids=plain.image_ids,
        text=text,
        candidates=boxes,
        labels=SceneLabels(labels.view, row_labels),
    )
