"""The command line: quick to start, one line an error, an example in every help."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import typer

from motet.cli import inspect as look
from motet.cli.main import app
from motet.core import DataError

HEAVY = ("torch", "numpy", "PIL", "timm", "transformers", "rich", "matplotlib", "motet.core")


def every_command() -> list[list[str]]:
    """Every command and group of commands, as typed."""
    found = [[]]
    waiting = [([], typer.main.get_command(app()))]
    while waiting:
        path, command = waiting.pop()
        for name, below in getattr(command, "commands", {}).items():
            found.append([*path, name])
            waiting.append(([*path, name], below))
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_help_has_an_example_of_that_very_command(motet, path):
    ran = motet(*path, "--help")
    assert ran.code == 0
    assert ran.err == ""
    (example,) = [line for line in ran.out.splitlines() if line.strip().startswith("Example:")]
    typed = example.split("Example:")[1].split()
    assert typed[: 1 + len(path)] == ["motet", *path]


def test_the_commands_are_those_that_are_promised():
    names = {" ".join(path) for path in every_command()}
    promised = (
        "demo init list plan train evaluate baseline compare report study tune predict serve data analyse export import"
    )
    below = {
        "data": "check look stats leaks deduplicate regions",
        "analyse": "groups consistency interference affinity",
    }
    deeper = {f"{name} {part}" for name, parts in below.items() for part in parts.split()}
    assert names == {"", *promised.split(), *deeper}


def test_help_brings_nothing_heavy():
    script = (
        "import sys\nfrom motet.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage: motet" in ran.stdout
    assert ran.stderr.strip() == "[]"


def test_python_m_is_the_same_command():
    ran = subprocess.run([sys.executable, "-m", "motet.cli", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("motet ")


def test_no_command_shows_the_help(motet):
    ran = motet()
    assert ran.code == 0
    assert "Usage: motet" in ran.out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["trian"], "No such command 'trian'."),
        (["plan"], "Missing argument 'RECIPE'. (see motet plan --help)"),
        (["plan", "x", "--sett", "a=1"], "No such option: --sett"),
        (["plan", "lit_decodr:tiny"], "got no file 'lit_decodr'; did you mean 'lit_decoder'?"),
        (["plan", "no/such/recipe.py:run"], "No such file or directory; want a readable Python file"),
        (
            ["predict", "no/such/run", "--image", "x.png"],
            "got no such folder; want the folder of a saved model or of a run, or owner/name on the Hub",
        ),
        (["list", "raeders"], "raeders"),
    ],
)
def test_an_error_is_one_line_and_code_2(motet, typed, said):
    ran = motet(*typed)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("motet: ")
    assert ran.err.count("\n") == 1
    assert said in ran.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("answers: got 9; want 10", path="a.json", row=3), 2, "answers: got 9; want 10 (a.json, row 3)"),
        (OSError(28, "No space left on device", "runs/x"), 2, "runs/x: got No space left on device"),
        (MemoryError(), 2, "out of memory: want smaller batches"),
        (torch.OutOfMemoryError("CUDA out of memory.\nTried"), 2, "out of memory: want smaller batches"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't"),
            2,
            "out of memory: want smaller batches",
        ),
        (
            ZeroDivisionError("division by zero"),
            2,
            "got ZeroDivisionError: division by zero (MOTET_DEBUG=1 shows the whole traceback)",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_whatever_is_raised_is_one_line(motet, monkeypatch, error, code, said):
    def raising(*_):
        raise error

    monkeypatch.setattr(look, "_listed", raising)
    ran = motet("list")
    assert ran.code == code
    assert ran.err.count("\n") == 1
    assert said in ran.err


def test_debug_shows_where(motet, monkeypatch):
    monkeypatch.setenv("MOTET_DEBUG", "1")
    from motet.cli import main

    with pytest.raises(ValueError, match="got no file"):
        main(["plan", "lit_decodr:tiny"])
