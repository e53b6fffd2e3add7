"""Readers with candidates to choose from: four captions for an image, four images for a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from motet.core import ConfigError, Example, rng_for
from motet.scenes.captions import caption
from motet.scenes.labels import SceneLabels
from motet.scenes.layout import Scene
from motet.scenes.nouns import Noun
from motet.scenes.reader import Scenes
from motet.scenes.statements import one_of


@dataclass(frozen=True)
class SceneChoices:
    """Match an image with its caption among wrong ones.

    "texts": one image; the candidates are its caption and captions with one thing changed, added or left out.
    "images": the text is a caption; images and candidates are its image and others that the caption does not fit.
    "match" is the set with the right place among the candidates.

    Args:
        scenes: the images, one row for each.
        among: what the candidates are.
        num_candidates: how many, the right one among them.

    Raises:
        ConfigError: fewer than two candidates, fewer images than candidates, or several rows for each image.
    """

    scenes: Scenes
    among: Literal["texts", "images"] = "texts"
    num_candidates: int = 4

    def __post_init__(self) -> None:
        if not 2 <= self.num_candidates <= 16:
            raise ConfigError(f"SceneChoices.num_candidates: got {self.num_candidates}; want 2 to 16")
        if self.scenes.questions_per_image != 1 or self.scenes.count < 4 * self.num_candidates:
            raise ConfigError(
                f"SceneChoices.scenes: got count {self.scenes.count}, questions {self.scenes.questions_per_image}; "
                f"want {4 * self.num_candidates} pictures or more, and one row for each"
            )

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.scenes.keys(index) if self.among == "texts" else self[index].image_ids

    def __getitem__(self, index: int) -> Example:
        plain = self.scenes[index]
        rng = rng_for("scene choices", plain.id, self.among)
        right = int(rng.integers(self.num_candidates))
        return self._texts(plain, index, right, rng) if self.among == "texts" else self._images(index, right, rng)

    def _texts(self, plain: Example, index: int, right: int, rng: np.random.Generator) -> Example:
        scene, nouns = self.scenes.scene(index), self.scenes.nouns
        said = {caption(scene, nouns): None}
        while len(said) < self.num_candidates:
            said[caption(alter_scene(scene, nouns, rng), nouns)] = None
        annotation, *wrong = said
        wrong.insert(right, annotation)
        labels = plain.labels
        assert isinstance(labels, SceneLabels), "Scenes gives no others"
        return Example(
            id=f"{plain.id}/texts",
            images=plain.images,
            image_ids=plain.image_ids,
            candidates=tuple(wrong),
            labels=SceneLabels(labels.view, {"match": frozenset({right})}),
        )

    def _images(self, index: int, right: int, rng: np.random.Generator) -> Example:
        nouns, count = self.scenes.nouns, self.scenes.count
        annotation = caption(self.scenes.scene(index), nouns)
        said, chosen = {annotation}, []
        for offset in rng.permutation(count - 1):
            other = (index + 1 + int(offset)) % count
            words = caption(self.scenes.scene(other), nouns)
            if words not in said:
                said.add(words)
                chosen.append(other)
            if len(chosen) == self.num_candidates - 1:
                break
        else:
            raise ConfigError(
                f"SceneChoices: got {len(said)} different captions; want {self.num_candidates} (more kinds or things)"
            )
        chosen.insert(right, index)
        rows = [self.scenes[i] for i in chosen]
        ids = tuple(row.image_ids[0] for row in rows)
        return Example(
            id=f"{ids[right]}/images",
            images=tuple(row.images[0] for row in rows),
            image_ids=ids,
            text=annotation,
            candidates=ids,
            labels={"match": frozenset({right})},
        )


def alter_scene(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> Scene:
    """A scene whose caption is wrong of this one in one place: a thing is another, one is left out, or one is added."""
    things = list(scene.things)
    which = int(rng.integers(len(things)))
    other = replace(things[which], name=one_of([n.name for n in nouns if n.name != things[which].name], rng))
    match int(rng.integers(3)):
        case 0 if len(things) > 1:
            del things[which]
        case 1:
            things.insert(which, other)
        case _:
            things[which] = other
    return replace(scene, things=tuple(things))
