"""Checks that every name of a task can be an answer: it fits, the tokeniser gives it back, it is no other's text."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from motet.core import ConfigError, Label, Task
from motet.core.normalised_text import normalise
from motet.systems.lit_decoder.decoding import Decoding, Scoring, answer_names
from motet.systems.lit_decoder.sequence import Sequences

log = logging.getLogger("motet.systems")
_SHOWN = 5


def check_names(sequences: Sequences, task: Task, decoding: Decoding) -> None:
    """Checks the names of a task's list; a closed list of answers is only warned of, as some may do without.

    Args:
        sequences: lays out tokens.
        task: any task; one without a list of names is not checked.
        decoding: of the task; a name that is scored need not come back from the tokeniser.

    Raises:
        ConfigError: names of a `Label` that can never be right, with the names.
    """
    for problem in _problems(sequences, task, answer_names(task), decoding):
        if isinstance(task.target, Label):
            raise ConfigError(problem)
        log.warning("%s", problem)


def _problems(sequences: Sequences, task: Task, names: Sequence[str], decoding: Decoding) -> list[str]:
    encoded = {name: tuple(sequences.answer(task, name)) for name in names}
    problems = []
    room = sequences.room(task)
    if long := [f"{name!r} ({len(ids) + 1} tokens)" for name, ids in encoded.items() if len(ids) + 1 > room]:
        problems.append(
            f"task {task.name!r}: got names longer than the {room} places left for them: {_shown(long)}; want shorter "
            "names, a larger max_tokens and answer_room, or ClassTokens()"
        )
    back = {name: sequences.text(ids) for name, ids in encoded.items()}
    changed = [f"{name!r} as {text!r}" for name, text in back.items() if normalise(text) != normalise(name)]
    if changed and not isinstance(decoding, Scoring):
        problems.append(
            f"task {task.name!r}: got names that the tokeniser does not give back, so that no answer can be right: "
            f"{_shown(changed)}; want a tokeniser that keeps case and spaces, Scoring() for this task, or ClassTokens()"
        )
    owners: dict[tuple[int, ...], list[str]] = {}
    for name, ids in encoded.items():
        owners.setdefault(ids, []).append(name)
    if same := [" and ".join(map(repr, group)) for group in owners.values() if len(group) > 1]:
        problems.append(
            f"task {task.name!r}: got names that are one text to the tokeniser: {_shown(same)}; want names that differ "
            "in more than white space, accents' form or case, or another tokeniser"
        )
    return problems


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
