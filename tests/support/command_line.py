"""Runs `motet` in this process, as the command line would, and takes back what a recipe leaves in the interpreter."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from motet.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Ran:
    """One command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert isinstance(left.value.code, int)
    return Ran(left.value.code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Takes back what loading a recipe leaves in the interpreter."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if not name.startswith(("motet.", "torch", "tensorboard")) and "recipe" in name:
                del sys.modules[name]
