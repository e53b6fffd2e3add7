"""Stop signals (Ctrl-C, the end of a job's time): the step is finished and saved before they take effect."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from motet.core.ranks import gather


class StopSignals:
    """A context that holds back the first SIGINT or SIGTERM until it ends; a second SIGINT raises KeyboardInterrupt.

    At the end the signal is raised again, for whoever handled it before: by default SIGINT is a KeyboardInterrupt, and
    SIGTERM ends the process. Only the main thread can receive signals; in any other nothing is changed.

    Attributes:
        number: of the signal, once one was received.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def share(self) -> None:
        """Gives every rank the signal that one of them received; every rank calls it."""
        received = [number for number in gather(self.number) if number is not None]
        self.number = received[0] if received else None

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if error is None and self.number is not None and self._before:
            signal.raise_signal(self.number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
