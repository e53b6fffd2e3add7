"""Captioning."""

from motet.core import Text
from motet.tasks import captioning


def test_images_are_never_mirrored_and_cropped_only_on_request() -> None:
    assert captioning().invariant == {"crop"}
    assert captioning(crop=False).invariant == frozenset()


def test_a_language_is_a_task_with_its_own_annotation() -> None:
    task = captioning("caption_de", label="captions_de", max_words=12)
    assert (task.name, task.label, task.target) == ("caption_de", "captions_de", Text(12))
