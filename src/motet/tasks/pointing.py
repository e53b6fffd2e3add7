"""Which of some given boxes is meant, by a question or at the end of a dialog."""

from __future__ import annotations

from motet.core import Match, Task
from motet.metrics import MatchAccuracy


def pointing(name: str = "point", *, label: str = "match", prompt: str = "{text}") -> Task:
    """A task on an image, words, and candidate boxes of which one or more are right.

    Args:
        name: the task's key.
        label: the annotation that holds the set of right places among the row's candidates.
        prompt: how the words are put, with ``{text}`` in it; the turns of a dialog are joined by spaces.

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
