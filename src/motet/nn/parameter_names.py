"""Names of tasks and heads as names of parameters."""

from __future__ import annotations


def parameter_name(name: str) -> str:
    """A name where PyTorch allows no dot; two names never share one.

    Examples:
        >>> parameter_name("snli.ve")
        'snli%2Eve'
    """
    return name.replace("%", "%25").replace(".", "%2E")
