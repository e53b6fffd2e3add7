"""Scalars for TensorBoard, written at once.

`torch.utils.tensorboard.SummaryWriter` writes in a thread of its own: where the disk is full that thread prints a
traceback, and the run hears of it later or not at all. Here the write that fails raises.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class ScalarBoard:
    """The event file of a run with scalars, for TensorBoard.

    Args:
        folder: gets the file.

    Raises:
        OSError: a full disk, or a folder that cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"
        self._path = folder / name
        self._file = self._path.open("wb", buffering=0)
        self._records = RecordWriter(self._file)
        try:
            self._write(Event(file_version="brain.Event:2"))
        except OSError:
            self.close()
            raise

    def add(self, values: Iterable[tuple[str, float]], step: int) -> None:
        """Adds scalars of one step. Raises OSError, see the class."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=float(value)) for name, value in values]
        self._write(Event(step=step, summary=Summary(value=found)))

    def remove_earlier(self) -> None:
        """Removes the files of earlier starts of the run, whose scalars have been added to this one.

        Raises:
            OSError: a folder that cannot be written.
        """
        for path in self._path.parent.glob("events.out.tfevents.*"):
            if path != self._path:
                path.unlink()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
