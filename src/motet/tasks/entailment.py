"""Visual entailment: an image entails a sentence, contradicts it, or leaves it open."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Label, Task
from motet.metrics import Accuracy
from motet.tasks.class_names import SNLI_VE


def visual_entailment(
    name: str = "entail",
    names: Sequence[str] = SNLI_VE,
    *,
    label: str = "class",
    prompt: str = "{text}",
    crop: bool = False,
) -> Task:
    """Returns a visual entailment task, with the image as premise; also for statements that are true or false.

    Its images are never mirrored in training, since sentences contain "left" and "right", and not cropped by default,
    since a sentence may be about the part that was cut off.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the index.
        prompt: template of the text input, with ``{text}`` for the sentence.
        crop: whether the class remains valid for a crop of the image.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> visual_entailment().target.names
        ('entailment', 'neutral', 'contradiction')
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Label(tuple(names)),
        metrics=(Accuracy,),
        prompt=prompt,
        category="entailment",
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )
