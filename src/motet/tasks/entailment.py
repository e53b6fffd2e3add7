"""Whether a sentence follows from an image, contradicts it, or is left open by it."""

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
    """A task on an image as premise and a sentence as hypothesis; also for statements that are true or false.

    An image is never mirrored for it, since sentences say left and right, nor cropped unless asked: a sentence may
    be about what was cut off.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the index.
        prompt: how the sentence is put, with ``{text}`` in it.
        crop: whether the answer still holds on a part of the image.

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
