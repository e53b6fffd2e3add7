"""Scenes as a data set: a reader whose rows are generated when they are read, from (seed, part, index) alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from motet.core import ConfigError, Example, Reader, rng_for
from motet.scenes.captions import CaptionStyle
from motet.scenes.draw import DRAW_VERSION, draw_scene
from motet.scenes.drawings import PARTS, Part, Style, drawings_of, drawings_version
from motet.scenes.grounds import Tone
from motet.scenes.labels import SceneLabels, View
from motet.scenes.layout import Scene, TextKind, sample_scene
from motet.scenes.nouns import Noun, nouns_of
from motet.scenes.questions import Question, answers_of, check_kinds, sample_question

MAX_THINGS = 6


@dataclass(frozen=True)
class SceneImage:
    """An image that is drawn when it is read, as an uncompressed PPM file.

    Args:
        name: in error messages.
        scene: to draw.
        size_hw: its height and width in pixels.
        style: of the drawings.
    """

    name: str
    scene: Scene = field(repr=False)
    size_hw: tuple[int, int]
    style: Style = "colour"

    def read(self) -> bytes:
        """Returns the image as a PPM file."""
        return self.head() + draw_scene(self.scene, self.size_hw, self.style).tobytes()

    def head(self) -> bytes:
        """Returns the PPM header, without drawing."""
        height, width = self.size_hw
        return b"P6\n%d %d\n255\n" % (width, height)

    def stamp(self) -> str:
        """Returns the fingerprint, which needs no drawing."""
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Returns a hash of the scene, its size and style, and the versions of drawings and code, without drawing."""
        content = repr((self.scene.fingerprint, self.size_hw, self.style, DRAW_VERSION, drawings_version()))
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """One to six things on a textured ground, with every annotation (see `SceneLabels`). A test bed, not real data.

    An image depends on (seed, part, index) and on the world (kinds, drawings, num_things, style, ground, text_kind),
    and on nothing else: readers that differ in `question_kinds` or `captions` have the same images with the same ids.

    Args:
        part: train, val and test scenes come from different random streams.
        count: number of images.
        seed: of the random stream.
        size_hw: (height, width) in pixels.
        kinds: None: nouns are 63 categories of over 1,000 drawings; a number n: the first n of 40 plain nouns with one
            to six drawings each, which a small model learns in minutes.
        question_kinds: each row then has one fixed question of one of these kinds as its text. () for no question.
        questions_per_image: rows per image, each with its own question.
        drawings: "disjoint": no drawing of one part is in another.
        num_things: the smallest and the largest number per scene.
        style: "colour", or "line" for black lines.
        ground: "light" or "dark".
        text_kind: "word" (one of 60 short words), "number" (two digits) or "letters" (two to four), on a plate at the
            foot of the image; "" for none.
        captions: styles of caption (see `captions.caption`); each image has one caption per style.

    Raises:
        ConfigError: a value out of range, disjoint drawings of a world with too few, or the colours of line drawings.

    Examples:
        >>> scenes = Scenes(part="train", count=3, kinds=20, question_kinds="exist")
        >>> example = scenes[0]
        >>> example.text.startswith("is there a"), example.labels["answer"] in ("yes", "no")
        (True, True)
    """

    part: Part
    count: int
    seed: int = 0
    size_hw: tuple[int, int] = (128, 128)
    kinds: int | None = None
    question_kinds: str | tuple[str, ...] = ()
    questions_per_image: int = 1
    drawings: Literal["shared", "disjoint"] = "shared"
    num_things: tuple[int, int] = (1, 5)
    style: Style = "colour"
    ground: Tone = "light"
    text_kind: TextKind = ""
    captions: tuple[CaptionStyle, ...] = ("list",)

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ConfigError(f"Scenes.part: got {self.part!r}; want one of {', '.join(PARTS)}")
        if self.count < 1 or self.questions_per_image < 1:
            raise ConfigError(
                f"Scenes: got count {self.count}, questions_per_image {self.questions_per_image}; want 1 or more"
            )
        if min(self.size_hw) < 32:
            raise ConfigError(f"Scenes.size_hw: got {self.size_hw}; want at least 32 pixels per side")
        if not 1 <= self.num_things[0] <= self.num_things[1] <= MAX_THINGS:
            raise ConfigError(
                f"Scenes.num_things: got {self.num_things}; want (smallest, largest), both from 1 to {MAX_THINGS}"
            )
        if not self.captions:
            raise ConfigError("Scenes.captions: got none; want at least one style, such as 'list'")
        kinds = check_kinds(self.question_kinds)
        if self.style == "line" and ("colour" in kinds or "colours" in self.captions):
            raise ConfigError(
                "Scenes.style: got 'line' with questions or captions about colours; want 'colour' for those"
            )
        for noun in self.nouns:
            drawings_of(noun, self.part, self.drawings == "shared")

    @property
    def nouns(self) -> tuple[Noun, ...]:
        """The nouns that name things."""
        return nouns_of(self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """The English names, which "class" and the boxes' labels are indices of."""
        return tuple(noun.name for noun in self.nouns)

    @property
    def answers(self) -> tuple[str, ...]:
        """The closed list of answers to this reader's questions."""
        return answers_of(self.question_kinds, self.nouns, self.num_things[1])

    def __len__(self) -> int:
        return self.count * self.questions_per_image

    def keys(self, index: int) -> tuple[str, ...]:
        return (self._image_id(self._image(index)),)

    def __getitem__(self, index: int) -> Example:
        image, which = self._image(index), index % self.questions_per_image
        if not self.question_kinds:
            return self.row(image, self._image_id(image) + (f"/{which}" if self.questions_per_image > 1 else ""))
        kinds = check_kinds(self.question_kinds)
        rng = rng_for("scene question", self.seed, self.part, image, "+".join(kinds), which)
        scene = self.scene(image)
        suffix = "+".join(kinds) + (f"/{which}" if self.questions_per_image > 1 else "")
        question = sample_question(scene, self.nouns, kinds, rng)
        return self.row(image, f"{self._image_id(image)}/{suffix}", question, scene)

    def scene(self, image: int) -> Scene:
        """Returns the layout of an image, without drawing."""
        plain = replace(self, count=1, size_hw=(128, 128), question_kinds=(), questions_per_image=1, captions=("list",))
        return _cached_layout(plain, image)

    def row(self, image: int, row_id: str, question: Question | None = None, scene: Scene | None = None) -> Example:
        """Returns the row of an image, with a question or none.

        Args:
            image: its index.
            row_id: the Example's id.
            question: for the text and the answer; None for none.
            scene: of the image, where it is known already.
        """
        scene = self.scene(image) if scene is None else scene
        image_id = self._image_id(image)
        view = View(scene, self.kinds, self.size_hw, self.style, self.captions)
        row_labels = {"answer": question.answer, "answers": (question.answer,)} if question else {}
        return Example(
            id=row_id,
            images=(SceneImage(image_id, scene, self.size_hw, self.style),),
            image_ids=(image_id,),
            text=question.text if question else "",
            labels=SceneLabels(view, row_labels),
        )

    def _image(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"scenes/{self.part}: got row {index}; want 0 to {len(self) - 1}")
        return index // self.questions_per_image

    def _image_id(self, image: int) -> str:
        return f"scenes/{self.seed}/{self.part}/{image}/{self._world()}"

    def _world(self) -> str:
        return _digest((self.kinds, self.drawings, self.num_things, self.style, self.ground, self.text_kind))


@lru_cache(maxsize=64)
def _digest(parts: tuple[object, ...]) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=4).hexdigest()


@lru_cache(maxsize=16384)
def _cached_layout(scenes: Scenes, image: int) -> Scene:
    """Returns a layout; cached, since epochs repeat the images and several readers share them."""
    return sample_scene(
        rng_for("scene", scenes.seed, scenes.part, image, scenes._world()),
        scenes.nouns,
        part=scenes.part,
        shared=scenes.drawings == "shared",
        num_things=scenes.num_things,
        text_kind=scenes.text_kind,
        tone=scenes.ground,
    )


@dataclass(frozen=True)
class FreshQuestions:
    """Makes a training row with a newly sampled question, for `Source.compose`: another one in every epoch.

    Args:
        kinds: of question; () for those of the reader.

    Raises:
        ConfigError: an unknown kind; or, when called, another reader than `Scenes`, or one without questions.
    """

    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_kinds(self.kinds)

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        if not isinstance(reader, Scenes):
            raise ConfigError(f"FreshQuestions: got a reader of type {type(reader).__name__}; want Scenes")
        kinds = check_kinds(self.kinds or reader.question_kinds)
        if "colour" in kinds and reader.style == "line":
            raise ConfigError("FreshQuestions: got 'colour' for line drawings; want a kind that needs no colours")
        if not kinds:
            raise ConfigError("FreshQuestions: got no kind of question; want kinds here or in Scenes.question_kinds")
        image = index // reader.questions_per_image
        scene = reader.scene(image)
        question = sample_question(scene, reader.nouns, kinds, rng)
        return reader.row(image, f"{reader.keys(index)[0]}/{'+'.join(kinds)}", question, scene)
