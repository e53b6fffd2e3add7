"""Ctrl-C and the end of a job's time: a command ends with 130 or 143, and one line says how to go on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_RECEIVED = threading.Event()


class Stopped(BaseException):
    """A command was stopped by a signal. Neither `except Exception` nor typer catches it, as it does Ctrl-C.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number, self.how_to_continue = number, ""

    @property
    def code(self) -> int:
        """The exit code by which a shell knows the signal: 130 or 143."""
        return 128 + self.number

    def __str__(self) -> str:
        line = f"stopped by {signal.Signals(self.number).name}"
        return f"{line}; {self.how_to_continue}" if self.how_to_continue else line


def is_stopping() -> bool:
    """Returns whether a signal has stopped the command: for threads, in which `Stopped` is not raised."""
    return _RECEIVED.is_set()


@contextmanager
def stopping() -> Iterator[None]:
    """Raises `Stopped` in the main thread on SIGINT and SIGTERM; a process that is forked inside just ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = os.getpid()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() == own:
            _RECEIVED.set()
            raise Stopped(number)
        # A loader's worker: torch ends it in silence on these, while any other exception is a page of traceback.
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _RECEIVED.clear()


@contextmanager
def continued_by(how: str) -> Iterator[None]:
    """Adds to the line of a stop how to go on, such as a command line.

    Args:
        how: of the innermost of several.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:  # of a second Ctrl-C while a step was finished
        stopped = Stopped(signal.SIGINT)
        stopped.how_to_continue = how
        raise stopped from interrupt
    except Stopped as stopped:
        stopped.how_to_continue = stopped.how_to_continue or how
        raise
