"""Runs one case in a process of its own, with limits on memory and time, and tells how it ended."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import json
import os
import resource
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from motet.core import MotetError

End: TypeAlias = Literal["read", "refused", "traceback", "hang", "crash", "memory"]
FINDINGS: tuple[End, ...] = ("traceback", "hang", "crash", "memory")
MEMORY_BYTES = 3 * 1024**3
"""Address space that a case may take beyond what the process has when it begins."""
SECONDS = 60.0  # a process that motet starts takes some on a busy machine
_MAX_LINE = 2500
_PAGE = resource.getpagesize()


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Args:
        end: "read", "refused" in one line, or a finding.
        text: the line, or where a finding happened.
        memory_mb: the largest memory of the process, less what it had when it began.
        seconds: how long it took.
    """

    end: End
    text: str
    memory_mb: float
    seconds: float


def run_case(act: Callable[[], None]) -> Outcome:
    """Runs a function in a forked process with limits.

    Args:
        act: raises a MotetError where it refuses a file, and returns where it reads it.
    """
    reading, writing = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(act, writing)
    os.close(writing)
    data, hangs = b"", False
    while not hangs:
        left = SECONDS - (time.perf_counter() - began)
        ready = select.select([reading], [], [], max(0.0, left))[0]
        part = os.read(reading, 2**16) if ready else b""
        hangs = not ready
        if not part:
            break
        data += part
    os.close(reading)
    if hangs:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - began
    if hangs:
        return Outcome("hang", f"more than {SECONDS:g} s", 0.0, seconds)
    if os.WIFSIGNALED(status) or not data:
        return Outcome("crash", f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "exit", 0.0, seconds)
    found: dict[str, Any] = json.loads(data)
    return Outcome(found["end"], found["text"], found["memory_mb"], seconds)


def _child(act: Callable[[], None], writing: int) -> NoReturn:
    gc.freeze()  # freeing what the parent has, a video with threads, would wait for threads that are not here
    faulthandler.disable()  # pytest's would write the stack of a crash among the dots
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    with open("/proc/self/statm") as statm:
        virtual = int(statm.read().split()[0]) * _PAGE
    resource.setrlimit(resource.RLIMIT_AS, (virtual + MEMORY_BYTES, virtual + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _obey_permissions()
    before = _peak_mb()
    end, text = _ended(act)
    found = {"end": end, "text": text, "memory_mb": round(_peak_mb() - before, 1)}
    os.write(writing, json.dumps(found).encode()[: 2**15])
    os._exit(0)


def _obey_permissions() -> None:
    """Gives up the right of root to read files without permission."""
    version, words = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(version, words) == 0:
        found = list(struct.unpack("=6I", words.raw))
        found[0] &= ~0b110  # of what counts now: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.capset(version, struct.pack("=6I", *found))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ended(act: Callable[[], None]) -> tuple[End, str]:
    try:
        act()
    except MotetError as error:
        line = str(error)
        ok = line.isprintable() or "\n" not in line
        return ("refused", line) if ok and len(line) <= _MAX_LINE else ("traceback", f"no line: {line[:200]!r}")
    except MemoryError as error:
        return "memory", _place(error)
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {str(error)[:200]!r} {_place(error)}"
    return "read", ""


def _place(error: BaseException) -> str:
    """Returns the last places of a traceback, of motet's own files where there are any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/motet/" in frame.filename] or frames
    return " < ".join(f"{frame.filename.rpartition('/motet/')[2]}:{frame.lineno}" for frame in reversed(own[-3:]))
