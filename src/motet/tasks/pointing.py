"""Pointing: the choice of the box that a question or a dialog refers to, among candidates."""

from __future__ import annotations

from motet.core import Match, Task
from motet.metrics import MatchAccuracy


def pointing(name: str = "point", *, label: str = "match", prompt: str = "{text}") -> Task:
    """Returns a pointing task: inputs are image, text and candidate boxes, of which one or more are correct.

    Args:
        name: the task's key.
        label: the annotation that holds the set of indices of the correct candidates.
        prompt: template of the text input, with ``{text}`` for the text; turns of a dialog are joined by spaces.

    Examples:
        >>> pointing("visual7w").target
        Match(among='regions', pool='row')
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text", "regions"}),
        label=label,
        target=Match("regions"),
        metrics=(MatchAccuracy,),
        prompt=prompt,
        category="pointing",
    )
