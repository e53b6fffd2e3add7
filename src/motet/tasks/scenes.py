"""What is asked of the embedded scenes. Every annotation is exact for the whole picture, so none survives a crop."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Task
from motet.tasks.captioning import captioning
from motet.tasks.classification import classification
from motet.tasks.questions import question_answering
from motet.tasks.reading import text_reading

QUESTION_KINDS = ("count", "exist", "colour", "position", "size", "compare")


def largest_thing(names: Sequence[str], *, name: str = "largest") -> Task:
    """Naming the largest thing of a scene, one of `names`."""
    return classification(name, names, crop=False)


def number_of_things(*, most: int = 5) -> Task:
    """Naming how many things a scene holds, "1" to `most`: a second classification task on the same pictures."""
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
