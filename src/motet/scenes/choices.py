"""Readers with candidates: several captions for one image, or several images for one caption."""

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
from motet.scenes.sampling import one_of


@dataclass(frozen=True)
class SceneChoices:
    """Matching of images and captions, with hard negatives.

    "texts": one image; the candidates are its caption and captions with one thing changed, added or left out.
    "images": the text is a caption; the candidates are its image and others that the caption does not fit.
    "match" is the set with the index of the correct candidate.

    Args:
        scenes: the images, one row per image.
        among: kind of the candidates.
        num_candidates: per row, the correct one included.

    Raises:
        ConfigError: fewer than two candidates, too few images for them, or several rows per image.
    """

    scenes: Scenes
    among: Literal["texts", "images"] = "texts"
    num_candidates: int = 4

    def __post_init__(self) -> None:
        if not 2 <= self.num_candidates <= 16:
            raise ConfigError(f"SceneChoices.num_candidates: got {self.num_candidates}; want 2 to 16")
        if self.scenes.questions_per_image != 1 or self.scenes.count < 4 * self.num_candidates:
            raise ConfigError(
                f"SceneChoices.scenes: got count {self.scenes.count}, "
                f"questions_per_image {self.scenes.questions_per_image}; "
                f"want {4 * self.num_candidates} images or more, and one row per image"
            )

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.scenes.keys(index) if self.among == "texts" else self[index].image_ids

    def __getitem__(self, index: int) -> Example:
        plain = self.scenes[index]
        rng = rng_for("scene choices", plain.id, self.among)
        correct = int(rng.integers(self.num_candidates))
        return self._texts(plain, index, correct, rng) if self.among == "texts" else self._images(index, correct, rng)

    def _texts(self, plain: Example, index: int, correct: int, rng: np.random.Generator) -> Example:
        scene, nouns = self.scenes.scene(index), self.scenes.nouns
        captions = {caption(scene, nouns): None}
        while len(captions) < self.num_candidates:
            captions[caption(alter_scene(scene, nouns, rng), nouns)] = None
        own, *candidates = captions
        candidates.insert(correct, own)
        labels = plain.labels
        assert isinstance(labels, SceneLabels), "Scenes gives no others"
        return Example(
            id=f"{plain.id}/texts",
            images=plain.images,
            image_ids=plain.image_ids,
            candidates=tuple(candidates),
            labels=SceneLabels(labels.view, {"match": frozenset({correct})}),
        )

    def _images(self, index: int, correct: int, rng: np.random.Generator) -> Example:
        nouns, count = self.scenes.nouns, self.scenes.count
        own = caption(self.scenes.scene(index), nouns)
        captions, chosen = {own}, []
        for offset in rng.permutation(count - 1):
            other = (index + 1 + int(offset)) % count
            text = caption(self.scenes.scene(other), nouns)
            if text not in captions:
                captions.add(text)
                chosen.append(other)
            if len(chosen) == self.num_candidates - 1:
                break
        else:
            raise ConfigError(
                f"SceneChoices: got {len(captions)} different captions; want {self.num_candidates} (more kinds or "
                "more things per scene)"
            )
        chosen.insert(correct, index)
        rows = [self.scenes[i] for i in chosen]
        ids = tuple(row.image_ids[0] for row in rows)
        return Example(
            id=f"{ids[correct]}/images",
            images=tuple(row.images[0] for row in rows),
            image_ids=ids,
            text=own,
            candidates=ids,
            labels={"match": frozenset({correct})},
        )


def alter_scene(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> Scene:
    """Returns a scene that differs in one thing, which is replaced, left out or added: its caption does not fit."""
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
