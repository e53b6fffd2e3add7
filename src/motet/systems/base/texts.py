"""The text of a row as systems read it."""

from __future__ import annotations

from motet.core import Example, Task


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """Returns a row's sentence or pair of sentences, the first of them in the task's prompt."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)
