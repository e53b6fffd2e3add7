"""Names of tasks and heads as parameter names."""

from __future__ import annotations


def parameter_name(name: str) -> str:
    """Returns a parameter name for any name: PyTorch allows no dots. Different names stay different.

    Examples:
        >>> parameter_name("snli.ve")
        'snli%2Eve'
    """
    return name.replace("%", "%25").replace(".", "%2E")
