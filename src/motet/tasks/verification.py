"""Whether a statement is true of an image, or of two."""

from __future__ import annotations

from motet.core import Label, Task
from motet.metrics import Accuracy
from motet.tasks.class_names import FALSE_TRUE


def verification(name: str = "verify", *, label: str = "class", prompt: str = "{text}") -> Task:
    """A task on one or two images and a statement: false or true.

    How many images a row shows is the reader's matter: two for NLVR2, one for VSR and for NLVR's drawings.

    Args:
        name: the task's key.
        label: the annotation that holds 0 for false, 1 for true.
        prompt: how the statement is put, with ``{text}`` in it.

    Examples:
        >>> verification("nlvr2").target.names
        ('false', 'true')
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Label(FALSE_TRUE),
        metrics=(Accuracy,),
        prompt=prompt,
        category="verification",
    )
