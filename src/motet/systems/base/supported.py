"""The kinds of target that a system supports."""

from __future__ import annotations

from typing import Any

from motet.core import Answer, Task, UnsupportedTask


def check_target(task: Task, system: str, *kinds: type[Any], closed: bool = False) -> None:
    """Raises UnsupportedTask for a task whose kind of target a system does not support.

    Args:
        task: of any kind.
        system: its name in the error.
        kinds: that it supports, at least two.
        closed: whether it chooses answers from a list, so that an `Answer` needs names.
    """
    if not isinstance(task.target, kinds):
        names = ["Answer with names" if closed and kind is Answer else kind.__name__ for kind in kinds]
        raise UnsupportedTask(
            f"task {task.name!r}: {system} answers {', '.join(names[:-1])} and {names[-1]}: got "
            f"{type(task.target).__name__}; want one of those, or another system"
        )
    if closed and isinstance(task.target, Answer) and not task.target.names:
        raise UnsupportedTask(
            f"task {task.name!r}: {system} chooses from a list of answers: got an Answer without names; want its names"
        )
