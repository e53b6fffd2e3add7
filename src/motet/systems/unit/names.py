"""Names of tasks as names of parameters."""

from __future__ import annotations


def parameter_name(task: str) -> str:
    """A task's name where PyTorch allows no dot; two tasks never share one.

    Examples:
        >>> parameter_name("snli.ve")
        'snli%2Eve'
    """
    return task.replace("%", "%25").replace(".", "%2E")
