"""Text from elsewhere (errors of other libraries, names of files and columns) as part of a one-line message."""

from __future__ import annotations

_MAX_LENGTH = 120


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, cut where it is long; its type where it has no message.

    Examples:
        >>> first_line(ValueError("no such key\\nin file x")), first_line(KeyError())
        ('no such key', 'KeyError')
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:_MAX_LENGTH]
