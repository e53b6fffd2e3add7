"""What is asked of the embedded scenes.

Every annotation is exact for the whole image, so only what belongs to a pixel, the maps, survives a crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motet.core import ConfigError, Task, nearest
from motet.tasks.captioning import captioning
from motet.tasks.class_names import FALSE_TRUE
from motet.tasks.classification import classification
from motet.tasks.dense import depth, edges, semantic_segmentation, surface_normals
from motet.tasks.detection import detection
from motet.tasks.entailment import visual_entailment
from motet.tasks.pointing import pointing
from motet.tasks.questions import question_answering
from motet.tasks.referring import referring
from motet.tasks.retrieval import matching, retrieval
from motet.tasks.sentences import PARAPHRASE_METRICS, sentence, sentence_pair
from motet.tasks.text_reading import text_reading
from motet.tasks.verification import verification

QUESTION_KINDS = ("count", "exist", "colour", "position", "size", "compare")
RELATIONS = ("contradiction", "neutral", "entailment")
SENTENCES = {
    "entailment": RELATIONS,
    "paraphrase": ("different", "same"),
    "answerable": ("unanswerable", "answerable"),
    "sentiment": ("sad", "happy"),
}


def largest_thing(names: Sequence[str], *, name: str = "largest") -> Task:
    """Naming the largest thing of a scene, one of `names`."""
    return classification(name, names, crop=False)


def number_of_things(*, most: int = 5) -> Task:
    """Naming how many things a scene holds, "1" to `most`: a second classification task on the same images."""
    return classification("number", [str(count + 1) for count in range(most)], label="number", crop=False)


def scene_caption(language: str = "en", *, max_words: int = 30) -> Task:
    """Describing a scene in one language; English is called ``caption``, the others ``caption_de``, ...

    Examples:
        >>> scene_caption("de").name, scene_caption("de").label
        ('caption_de', 'captions_de')
    """
    if language == "en":
        return captioning("caption", label="captions", max_words=max_words, crop=False)
    return captioning(f"caption_{language}", label=f"captions_{language}", max_words=max_words, crop=False)


def scene_text(*, max_words: int = 4) -> Task:
    """Reading what is written in a scene."""
    return text_reading("read", label="text", max_words=max_words)


def scene_question(kind: str) -> Task:
    """Answering one kind of question about a scene, such as ``"count"``; any name serves for a mixture of kinds."""
    return question_answering(kind, crop=False)


def scene_boxes(names: Sequence[str], *, attributes: Sequence[str] = (), name: str = "detect") -> Task:
    """Finding the things of a scene, with their colours and sizes where `attributes` name them.

    A box holds hidden parts too, so a crop would leave boxes of nothing; a mirrored scene is as good.

    Examples:
        >>> scene_boxes(("cat", "dog"), attributes=("red", "large")).metrics[-1]().name
        'attribute_f1'
    """
    return detection(name, names, attributes=attributes, crop=False)


def scene_segmentation(names: Sequence[str], *, name: str = "segment") -> Task:
    """Naming what each pixel of a scene shows: the ground, or one of the things called `names`.

    Examples:
        >>> scene_segmentation(("cat", "dog")).target.names
        ('ground', 'cat', 'dog')
    """
    return semantic_segmentation(name, ("ground", *names))


def scene_depth(*, name: str = "depth") -> Task:
    """Telling how far away the ground and the things of a scene are, in metres."""
    return depth(name)


def scene_normals(*, name: str = "normals") -> Task:
    """Telling which way the ground and the things of a scene face."""
    return surface_normals(name)


def scene_edges(*, name: str = "edges") -> Task:
    """Finding where one thing of a scene ends and another, or the ground, begins."""
    return edges(name)


def scene_entailment(*, name: str = "entail") -> Task:
    """Whether a sentence follows from a scene, contradicts it, or is left open by it."""
    return visual_entailment(name, RELATIONS)


def scene_statement(*, name: str = "statement") -> Task:
    """Whether a sentence is true of a scene, or of a pair of scenes."""
    return visual_entailment(name, FALSE_TRUE)


def scene_retrieval(among: Literal["images", "texts"] = "images", *, name: str = "retrieve") -> Task:
    """Finding the scene of a caption among all, or the caption of a scene."""
    return retrieval(name, among=among)


def scene_match(among: Literal["images", "texts"] = "texts", *, name: str = "match") -> Task:
    """Telling a scene's caption from wrong ones, or a caption's scene from others (`SceneChoices`)."""
    return matching(name, among=among)


def scene_region(*, name: str = "refer") -> Task:
    """Finding the one thing of a scene that a phrase means (`SceneReferring`)."""
    return referring(name)


def scene_pointing(*, name: str = "point") -> Task:
    """Telling which of a scene's things is meant, by a question (`SceneReferring`) or a dialog (`SceneDialogs`)."""
    return pointing(name)


def scene_pair(*, name: str = "pair") -> Task:
    """Whether a sentence is true of two scenes (`ScenePairs`)."""
    return verification(name)


def scene_sentences(kind: str, *, name: str = "") -> Task:
    """A task on sentences about scenes that are not shown, called by its kind unless `name` says otherwise.

    Args:
        kind: "entailment", "paraphrase" or "answerable", on two sentences; "sentiment", on one.
        name: the task's key.

    Raises:
        ConfigError: another kind.

    Examples:
        >>> scene_sentences("paraphrase").main_metric, scene_sentences("sentiment").target.names
        ('f1', ('sad', 'happy'))
    """
    if kind not in SENTENCES:
        raise ConfigError(f"scene_sentences: got {kind!r}; {nearest(kind, SENTENCES)}")
    if kind == "sentiment":
        return sentence(name or kind, SENTENCES[kind])
    if kind == "paraphrase":
        return sentence_pair(name or kind, SENTENCES[kind], metrics=PARAPHRASE_METRICS)
    return sentence_pair(name or kind, SENTENCES[kind])


SCENE_TASKS: dict[str, Task] = {
    "number": number_of_things(),
    "caption": scene_caption("en"),
    "caption_de": scene_caption("de"),
    "read": scene_text(),
    "count": scene_question("count"),
    "exist": scene_question("exist"),
    "colour": scene_question("colour"),
    "position": scene_question("position"),
    "size": scene_question("size"),
    "compare": scene_question("compare"),
    "entail": scene_entailment(),
    "statement": scene_statement(),
    "retrieve": scene_retrieval(),
    "match": scene_match(),
    "refer": scene_region(),
    "point": scene_pointing(),
    "pair": scene_pair(),
    **{kind: scene_sentences(kind) for kind in SENTENCES},
}
"""Tasks on scenes by name; `motet list tasks` shows them as ``scenes/NAME``."""
