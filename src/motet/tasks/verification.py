"""Verification of statements about one image or two."""

from __future__ import annotations

from motet.core import Label, Task
from motet.metrics import Accuracy
from motet.tasks.class_names import FALSE_TRUE


def verification(name: str = "verify", *, label: str = "class", prompt: str = "{text}") -> Task:
    """Returns a task on one or two images and a statement, which is false or true.

    The reader decides the number of images per row: two for NLVR2, one for VSR and for NLVR's drawings.

    Args:
        name: the task's key.
        label: the annotation that holds 0 for false, 1 for true.
        prompt: template of the text input, with ``{text}`` for the statement.

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
