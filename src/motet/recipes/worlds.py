"""The embedded scenes as sources: one stream of pictures, a source for each thing that is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.core import ConfigError, Reader, Task, nearest
from motet.data.source import Role, Source
from motet.scenes import ATTRIBUTES, KINDS, FreshQuestions, Scenes, SceneSentences, SceneStatements
from motet.scenes.drawings import Part
from motet.scenes.sentences import SENTENCE_NAMES
from motet.tasks import (
    largest_thing,
    number_of_things,
    question_answering,
    scene_boxes,
    scene_caption,
    scene_entailment,
    scene_question,
    scene_sentences,
    scene_statement,
    scene_text,
)

QUESTIONS = {kind: kind for kind in KINDS}
SENTENCES = {kind: kind for kind in SENTENCE_NAMES}
OTHERS = ("largest", "number", "read", "caption", "detect", "describe", "entail", "statement")


@dataclass(frozen=True, kw_only=True)
class World:
    """A stream of scenes, and what is asked of it.

    Args:
        asked: names of tasks: "largest", "number", "read", "caption", "caption_de" (or another language), a kind of
            question, "detect" (boxes), "describe" (boxes with colours and sizes), "entail" and "statement" (a picture
            and a sentence), or a kind of sentences without a picture: "entailment", "paraphrase", "answerable",
            "sentiment".
        train: pictures to learn from.
        val: pictures to choose by.
        test: pictures to judge by.
        kinds: nouns in the world; None for all categories.
        things: fewest and most in a picture.
        size: height and width of a picture, in pixels.
        closed: questions have a closed list of answers, to choose from.
        sentences: how many times as many rows sentences have to learn from as pictures; they cost next to nothing.
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
    closed: bool = False
    sentences: int = 1
    seed: int = 0

    def task(self, name: str) -> Task:
        """The task of a name."""
        if name in QUESTIONS:
            reader = self._scenes("train", 1, ask=name)
            return question_answering(name, answers=reader.answers, crop=False) if self.closed else scene_question(name)
        if name in SENTENCES:
            return scene_sentences(name)
        names = self._scenes("train", 1).names
        match name:
            case "largest":
                return largest_thing(names)
            case "number":
                return number_of_things(most=self.things[1])
            case "read":
                return scene_text()
            case "detect":
                return scene_boxes(names)
            case "describe":
                return scene_boxes(names, attributes=ATTRIBUTES, name="describe")
            case "entail":
                return scene_entailment()
            case "statement":
                return scene_statement()
        if name == "caption" or name.startswith("caption_"):
            return scene_caption("en" if name == "caption" else name.removeprefix("caption_"))
        raise ConfigError(f"World.asked: got {name!r}; {nearest(name, [*OTHERS, *QUESTIONS, *SENTENCES])}")

    def sources(self, roles: Sequence[Role] = ("train", "val", "test")) -> tuple[Source, ...]:
        """A source for each task and role; training questions are drawn anew each time a picture is taken."""
        return tuple(self._source(name, role) for role in roles for name in self.asked)

    def _source(self, name: str, role: Role) -> Source:
        return Source(
            name=f"scenes/{name}" if role == "train" else f"scenes/{name}/{role}",
            reader=self._reader(name, role),
            tasks=(self.task(name),),
            role=role,
            compose=FreshQuestions() if name in QUESTIONS and role == "train" else None,
        )

    def _reader(self, name: str, role: Role) -> Reader:
        count: int = getattr(self, role)
        if name in SENTENCES:
            rows = count * self.sentences if role == "train" else count
            return SceneSentences(self._scenes(role, rows), SENTENCES[name])
        if name in ("entail", "statement"):
            return SceneStatements(self._scenes(role, count), "entailment" if name == "entail" else "truth")
        return self._scenes(role, count, ask=name if name in QUESTIONS else "")

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
