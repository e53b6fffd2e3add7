"""The embedded scenes as sources: one stream of pictures, a source for each thing that is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.core import ConfigError, Task, nearest
from motet.data.source import Role, Source
from motet.scenes import KINDS, FreshQuestions, Scenes
from motet.scenes.drawings import Part
from motet.tasks import largest_thing, number_of_things, scene_caption, scene_question, scene_text

QUESTIONS = {kind: kind for kind in KINDS}


@dataclass(frozen=True, kw_only=True)
class World:
    """A stream of scenes, and what is asked of it.

    Args:
        asked: names of tasks: "largest", "number",
            "read", "caption", "caption_de" (or another language), or a kind of question.
        train: pictures to learn from.
        val: pictures to choose by.
        test: pictures to judge by.
        kinds: nouns in the world; None for all categories.
        things: fewest and most in a picture.
        size: height and width of a picture, in pixels.
        seed: of the stream.

    Raises:
        ConfigError: an unknown task.
    """

    asked: tuple[str, ...]
    train: int
    val: int
    test: int
    kinds: int | None = 20
    things: tuple[int, int] = (1, 5)
    size: int = 128
    seed: int = 0

    def task(self, name: str) -> Task:
        """The task of a name."""
        if name == "largest":
            return largest_thing(self._scenes("train", 1).names)
        if name == "number":
            return number_of_things(most=self.things[1])
        if name == "read":
            return scene_text()
        if name in QUESTIONS:
            return scene_question(name)
        language = "en" if name == "caption" else name.removeprefix("caption_")
        if name == "caption" or name.startswith("caption_"):
            return scene_caption(language)
        raise ConfigError(f"World.asked: got {name!r}; {nearest(name, ['largest', 'read', 'caption', *QUESTIONS])}")

    def sources(self, roles: Sequence[Role] = ("train", "val", "test")) -> tuple[Source, ...]:
        """A source for each task and role; training questions are drawn anew each time a picture is taken."""
        return tuple(self._source(name, role) for role in roles for name in self.asked)

    def _source(self, name: str, role: Role) -> Source:
        question = name in QUESTIONS
        return Source(
            name=f"scenes/{name}" if role == "train" else f"scenes/{name}/{role}",
            reader=self._scenes(role, getattr(self, role), ask=name if question else ""),
            tasks=(self.task(name),),
            role=role,
            compose=FreshQuestions() if question and role == "train" else None,
        )

    def _scenes(self, part: Part, count: int, *, ask: str = "") -> Scenes:
        return Scenes(
            part=part,
            count=count,
            seed=self.seed,
            size_hw=(self.size, self.size),
            kinds=self.kinds,
            num_things=self.things,
            ask=ask or (),
            written="word",
        )
