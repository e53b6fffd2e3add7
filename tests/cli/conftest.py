"""Runs `motet` in this process, as the command line would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from motet.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def motet(capsys, monkeypatch) -> Callable[..., Ran]:
    """Calls `motet` with arguments; gives the exit code and what was printed."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("MOTET_DEBUG", raising=False)

    def call(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ran(left.value.code, printed.out, printed.err)

    return call
