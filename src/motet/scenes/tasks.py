"""The tasks of the synthetic scenes.

Annotations are of the whole image, so only those per pixel, the dense maps, remain valid for a crop.
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
    """Returns the classification of the largest thing of a scene, one of `names`."""
    return classification(name, names, crop=False)


def number_of_things(*, most: int = 5) -> Task:
    """Returns the classification of a scene by its number of things, "1" to `most`."""
    return classification("number", [str(count + 1) for count in range(most)], label="number", crop=False)


def scene_caption(language: str = "en", *, max_words: int = 30) -> Task:
    """Returns captioning in one language; its name is ``caption`` in English, else ``caption_de``, ...

    Examples:
        >>> scene_caption("de").name, scene_caption("de").label
        ('caption_de', 'captions_de')
    """
    if language == "en":
        return captioning("caption", label="captions", max_words=max_words, crop=False)
    return captioning(f"caption_{language}", label=f"captions_{language}", max_words=max_words, crop=False)


def scene_text(*, max_words: int = 4) -> Task:
    """Returns the reading of the text in a scene."""
    return text_reading("read", label="text", max_words=max_words)


def scene_question(kind: str) -> Task:
    """Returns question answering of one kind, such as ``"count"``; a mixture of kinds may have any name."""
    return question_answering(kind, crop=False)


def scene_boxes(names: Sequence[str], *, attributes: Sequence[str] = (), name: str = "detect") -> Task:
    """Returns the detection of the things of a scene, with colours and sizes where `attributes` name them.

    A box includes hidden parts, so a crop could leave boxes of nothing visible; mirroring is harmless.

    Examples:
        >>> scene_boxes(("cat", "dog"), attributes=("red", "large")).metrics[-1]().name
        'attribute_f1'
    """
    return detection(name, names, attributes=attributes, crop=False)


def scene_segmentation(names: Sequence[str], *, name: str = "segment") -> Task:
    """Returns the segmentation of a scene into the ground and the things of `names`.

    Examples:
        >>> scene_segmentation(("cat", "dog")).target.names
        ('ground', 'cat', 'dog')
    """
    return semantic_segmentation(name, ("ground", *names))


def scene_depth(*, name: str = "depth") -> Task:
    """Returns the depth estimation of a scene, in metres."""
    return depth(name)


def scene_normals(*, name: str = "normals") -> Task:
    """Returns the estimation of a scene's surface normals."""
    return surface_normals(name)


def scene_edges(*, name: str = "edges") -> Task:
    """Returns the detection of edges between the things of a scene, and between things and ground."""
    return edges(name)


def scene_entailment(*, name: str = "entail") -> Task:
    """Returns visual entailment: a scene entails a sentence, contradicts it, or leaves it open."""
    return visual_entailment(name, RELATIONS)


def scene_statement(*, name: str = "statement") -> Task:
    """Returns the classification of a sentence about a scene, or about a pair of scenes, as false or true."""
    return visual_entailment(name, FALSE_TRUE)


def scene_retrieval(among: Literal["images", "texts"] = "images", *, name: str = "retrieve") -> Task:
    """Returns the retrieval of a caption's scene among all scenes, or of a scene's caption among all captions."""
    return retrieval(name, among=among)


def scene_match(among: Literal["images", "texts"] = "texts", *, name: str = "match") -> Task:
    """Returns the choice of a scene's caption, or of a caption's scene, among a few candidates (`SceneChoices`)."""
    return matching(name, among=among)


def scene_region(*, name: str = "refer") -> Task:
    """Returns referring expression comprehension: the box that a phrase refers to (`SceneReferring`)."""
    return referring(name)


def scene_pointing(*, name: str = "point") -> Task:
    """Returns the choice of the thing that a question (`SceneReferring`) or dialog (`SceneDialogs`) refers to."""
    return pointing(name)


def scene_pair(*, name: str = "pair") -> Task:
    """Returns the verification of a sentence about two scenes (`ScenePairs`)."""
    return verification(name)


def scene_sentences(kind: str, *, name: str = "") -> Task:
    """Returns a task on sentences about scenes, without images.

    Args:
        kind: "entailment", "paraphrase" or "answerable", on two sentences; "sentiment", on one.
        name: the task's key; `kind` by default.

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
