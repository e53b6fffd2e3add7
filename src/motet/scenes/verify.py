"""Readers of images with a statement: true or false of one image or of two, or entailment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motet.core import ConfigError, Example, rng_for
from motet.scenes.labels import SceneLabels
from motet.scenes.reader import Scenes
from motet.scenes.statements import FALSE_TRUE, RELATIONS, sample_hypothesis, sample_pair_statement, sample_statement


@dataclass(frozen=True)
class SceneStatements:
    """Images with a sentence each; "class" is an index of `names`, all names equally often.

    Args:
        scenes: the images.
        kind: "truth": false or true; "entailment": contradiction, neutral or entailment.

    Examples:
        >>> row = SceneStatements(Scenes(part="train", count=2, kinds=20), "entailment")[0]
        >>> row.labels["class"] in (0, 1, 2), isinstance(row.text, str)
        (True, True)
    """

    scenes: Scenes
    kind: Literal["truth", "entailment"] = "truth"

    @property
    def names(self) -> tuple[str, ...]:
        """The class names."""
        return FALSE_TRUE if self.kind == "truth" else RELATIONS

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.scenes.keys(index)

    def __getitem__(self, index: int) -> Example:
        plain = self.scenes[index]
        scene = self.scenes.scene(index // self.scenes.questions_per_image)
        rng = rng_for("scene statement", plain.id, self.kind)
        annotation = int(rng.integers(len(self.names)))
        coloured = self.scenes.style == "colour"
        if self.kind == "truth":
            text = sample_statement(scene, self.scenes.nouns, bool(annotation), rng, coloured=coloured)
        else:
            text = sample_hypothesis(scene, self.scenes.nouns, RELATIONS[annotation], rng, coloured=coloured)
        row_labels = {"class": annotation, "answer": self.names[annotation], "answers": (self.names[annotation],)}
        labels = plain.labels
        assert isinstance(labels, SceneLabels), "Scenes gives no others"
        return Example(
            id=f"{plain.id}/{self.kind}",
            images=plain.images,
            image_ids=plain.image_ids,
            text=text,
            labels=SceneLabels(labels.view, row_labels),
        )


@dataclass(frozen=True)
class ScenePairs:
    """Pairs of images with a statement about both, true in half of the rows: "class" is 0 for false, 1 for true.

    Args:
        scenes: the images, taken two by two: row i has image 2i on the left and 2i + 1 on the right.
        rounds: number of pairs per image; in every further round its partner is two places further on.

    Raises:
        ConfigError: fewer than two images, several rows per image, or more rounds than there are partners.
    """

    scenes: Scenes
    rounds: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= max(1, self.scenes.count // 2):
            raise ConfigError(f"ScenePairs.rounds: got {self.rounds}; want from 1 to {self.scenes.count // 2}")
        if self.scenes.count < 2 or self.scenes.questions_per_image != 1:
            raise ConfigError(
                f"ScenePairs.scenes: got count {self.scenes.count}, "
                f"questions_per_image {self.scenes.questions_per_image}; "
                "want two images or more, and one row per image"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The class names."""
        return FALSE_TRUE

    def __len__(self) -> int:
        return self.scenes.count // 2 * self.rounds

    def keys(self, index: int) -> tuple[str, ...]:
        left, right = self._images(index)
        return self.scenes.keys(left) + self.scenes.keys(right)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(f"pairs of {self.scenes.part}: got row {index}; want 0 to {len(self) - 1}")
        places = self._images(index)
        left, right = (self.scenes[place] for place in places)
        rng = rng_for("scene pair", left.id, right.id)
        annotation = int(rng.integers(2))
        scenes = self.scenes.scene(places[0]), self.scenes.scene(places[1])
        return Example(
            id=f"{left.id}/with-{places[1]}",
            images=left.images + right.images,
            image_ids=left.image_ids + right.image_ids,
            text=sample_pair_statement(*scenes, self.scenes.nouns, bool(annotation), rng),
            labels={"class": annotation, "answer": FALSE_TRUE[annotation], "answers": (FALSE_TRUE[annotation],)},
        )

    def _images(self, index: int) -> tuple[int, int]:
        """Returns the indices of the left image, an even one, and of the right image, an odd one."""
        whole, place = divmod(index, self.scenes.count // 2)
        even = self.scenes.count // 2 * 2
        return 2 * place, (2 * place + 1 + 2 * whole) % even
