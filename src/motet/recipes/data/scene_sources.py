"""The bundled scenes as sources: one stream of images, one source per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from motet.core import ConfigError, Reader, Task, nearest
from motet.data.negatives import FourWay
from motet.data.source import Compose, Role, Source
from motet.scenes import (
    ATTRIBUTES,
    KINDS,
    MOTIONS,
    FreshQuestions,
    SceneDialogs,
    ScenePairs,
    SceneReferring,
    Scenes,
    SceneSentences,
    SceneStatements,
    SceneVideos,
)
from motet.scenes.captions import CaptionStyle
from motet.scenes.drawings import Part, Style
from motet.scenes.grounds import Tone
from motet.scenes.sentences import SENTENCE_NAMES
from motet.scenes.tasks import (
    largest_thing,
    number_of_things,
    scene_boxes,
    scene_caption,
    scene_depth,
    scene_edges,
    scene_entailment,
    scene_normals,
    scene_pair,
    scene_pointing,
    scene_question,
    scene_region,
    scene_retrieval,
    scene_segmentation,
    scene_sentences,
    scene_statement,
    scene_text,
)
from motet.tasks import masked_words, question_answering, video_captioning, video_classification, video_retrieval

QUESTIONS = {kind: kind for kind in KINDS}
SENTENCES = {kind: kind for kind in SENTENCE_NAMES}
STATEMENTS: Mapping[str, Literal["entailment", "truth"]] = {"entail": "entailment", "statement": "truth"}
PHRASES: Mapping[str, Literal["any", "look", "place"]] = {"refer": "any", "refer_look": "look", "refer_place": "place"}
CAPTIONED: Mapping[str, CaptionStyle] = {"retrieve": "list", "retrieve_colours": "colours"}
MAPS = ("segment", "depth", "normals", "edges")
VIDEOS = ("motion", "mover", "video_caption", "video_retrieve")
OTHERS = ("largest", "number", "read", "caption", "words", "detect", "describe", "point", "dialog", "pair")


@dataclass(frozen=True, kw_only=True)
class SceneSources:
    """A stream of scenes with one or more tasks.

    Args:
        task_names: of "largest", "number", "read", "caption", "caption_de" (or another language), a kind of question,
            "detect" (boxes), "describe" (boxes with colours and sizes), "entail" and "statement" (an image and a
            sentence), "pair" (two images and a sentence), "retrieve" and "retrieve_colours" (the image of a caption,
            which may name colours), "refer", "refer_look" and "refer_place" (the region of a phrase, which describes
            its appearance, its position, or either), "point" and "dialog" (the thing that a question or dialog refers
            to), a kind of sentences without an image: "entailment", "paraphrase", "answerable", "sentiment"; "words"
            (masked words of a caption, without its image); "motion", "mover", "video_caption" and "video_retrieve"
            (the motion in a clip, the thing that moves, both as a caption, the clip of a caption); and the maps
            "segment", "depth", "normals", "edges", which share one source, "scenes/maps", whose rows have all of them.
        train: images to train on.
        val: images to choose a model by.
        test: images to evaluate on.
        kinds: nouns in the world; None for all categories.
        things: fewest and most things in an image.
        size: height and width of an image, in pixels.
        answers: "open" for generated answers; or a closed list for "each" kind of question, or "one" list for all.
        phrases: training rows per image of the tasks with a sentence, a phrase or a dialog, all different.
        sentences: training rows of sentences per training image; they cost almost nothing.
        style: of the drawings: "colour", or "line" for black lines on grey, on which no task may need a colour.
        ground: the background: "light" or "dark".
        frames: per clip.
        seed: of the stream.

    Raises:
        ConfigError: an unknown task.
    """

    task_names: tuple[str, ...]
    train: int
    val: int
    test: int
    kinds: int | None = 20
    things: tuple[int, int] = (1, 5)
    size: int = 128
    answers: Literal["open", "each", "one"] = "open"
    phrases: int = 1
    sentences: int = 1
    style: Style = "colour"
    ground: Tone = "light"
    frames: int = 8
    seed: int = 0

    def task(self, name: str) -> Task:
        """Returns the task of a name."""
        if name in QUESTIONS:
            return self._question(name)
        if name in SENTENCES:
            return scene_sentences(name)
        if name in STATEMENTS:
            return scene_entailment() if name == "entail" else scene_statement()
        if name in PHRASES:
            return scene_region(name=name)
        if name in CAPTIONED:
            return scene_retrieval(name=name)
        if name == "caption" or name.startswith("caption_"):
            return scene_caption("en" if name == "caption" else name.removeprefix("caption_"))
        names = self._scenes("train", 1).names
        match name:
            case "largest":
                return largest_thing(names)
            case "number":
                return number_of_things(most=self.things[1])
            case "read":
                return scene_text()
            case "words":
                return masked_words()
            case "motion":
                return video_classification("motion", MOTIONS, hflip=False, crop=False)
            case "mover":
                return video_classification("mover", names, label="object", crop=False)
            case "video_caption":
                return video_captioning(crop=False)
            case "video_retrieve":
                return video_retrieval("video_retrieve")
            case "detect":
                return scene_boxes(names)
            case "describe":
                return scene_boxes(names, attributes=ATTRIBUTES, name="describe")
            case "point" | "dialog":
                return scene_pointing(name=name)
            case "pair":
                return scene_pair()
            case "segment":
                return scene_segmentation(names)
            case "depth":
                return scene_depth()
            case "normals":
                return scene_normals()
            case "edges":
                return scene_edges()
        known = [*OTHERS, *VIDEOS, *MAPS, *QUESTIONS, *STATEMENTS, *PHRASES, *CAPTIONED, *SENTENCES]
        raise ConfigError(f"SceneSources.task_names: got {name!r}; {nearest(name, known)}")

    def sources(self, roles: Sequence[Role] = ("train", "val", "test")) -> tuple[Source, ...]:
        """Returns one source per task and role, and one for all maps; training questions are drawn anew each time."""
        maps = tuple(name for name in self.task_names if name in MAPS)
        # The source of all maps takes the position of the first map.
        names = [name for name in self.task_names if name not in maps[1:]]
        return tuple(
            self._maps(maps, role) if name in maps else self._source(name, role) for role in roles for name in names
        )

    def _question(self, name: str) -> Task:
        match self.answers:
            case "open":
                return scene_question(name)
            case "each":
                kinds: tuple[str, ...] = (name,)
            case "one":
                kinds = tuple(one for one in self.task_names if one in QUESTIONS)
        answers = self._scenes("train", 1, question_kinds=kinds).answers
        return question_answering(name, answers=answers, crop=False)

    def _maps(self, names: Sequence[str], role: Role) -> Source:
        return Source(
            name=_called("maps", role),
            reader=self._scenes(role, getattr(self, role)),
            tasks=tuple(self.task(name) for name in names),
            role=role,
        )

    def _source(self, name: str, role: Role) -> Source:
        return Source(
            name=_called(name, role),
            reader=self._reader(name, role),
            tasks=(self.task(name),),
            role=role,
            compose=self._compose(name) if role == "train" else None,
        )

    def _compose(self, name: str) -> Compose | None:
        if name in QUESTIONS:
            return FreshQuestions()
        return FourWay() if name in CAPTIONED else None

    def _reader(self, name: str, role: Role) -> Reader:
        count: int = getattr(self, role)
        rows = self.phrases if role == "train" else 1
        if name in SENTENCES:
            return SceneSentences(
                self._scenes(role, count * self.sentences if role == "train" else count), SENTENCES[name]
            )
        if name in CAPTIONED:
            return replace(self._scenes(role, count), captions=(CAPTIONED[name],))
        if name in VIDEOS:
            return self._videos(role, count)
        if name == "pair":
            return ScenePairs(self._scenes(role, count), rounds=rows)
        if name in QUESTIONS:
            return self._scenes(role, count, question_kinds=(name,))
        scenes = self._scenes(role, count)
        repeated = replace(scenes, questions_per_image=rows)
        if name in STATEMENTS:
            return SceneStatements(repeated, STATEMENTS[name])
        if name in PHRASES:
            return SceneReferring(repeated, PHRASES[name])
        match name:
            case "point":
                return SceneReferring(repeated, "any", "question")
            case "dialog":
                return SceneDialogs(repeated)
        return scenes

    def _videos(self, part: Part, count: int) -> SceneVideos:
        return SceneVideos(
            part=part,
            count=count,
            seed=self.seed,
            frames=self.frames,
            size_hw=(self.size, self.size),
            kinds=self.kinds,
            style=self.style,
            ground=self.ground,
        )

    def _scenes(self, part: Part, count: int, *, question_kinds: tuple[str, ...] = ()) -> Scenes:
        return Scenes(
            part=part,
            count=count,
            seed=self.seed,
            size_hw=(self.size, self.size),
            kinds=self.kinds,
            num_things=self.things,
            question_kinds=question_kinds,
            # A word on a plate is part of no thing, so it has no class in a map: scenes for maps alone have none.
            text_kind="" if set(self.task_names) <= set(MAPS) else "word",
            style=self.style,
            ground=self.ground,
        )


def _called(name: str, role: Role) -> str:
    return f"scenes/{name}" if role == "train" else f"scenes/{name}/{role}"
