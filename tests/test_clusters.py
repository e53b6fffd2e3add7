"""docs/CLUSTERS.md: every command on the page is one that `motet` takes, and the one of torchrun runs over gloo."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from motet.cli.main import app
from motet.cli.places import place_of, slurm_share
from motet.core import ConfigError
from motet.experiments.run_grid import HERE

PAGE = (Path(__file__).parent.parent / "docs" / "CLUSTERS.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = [
    shlex.split(re.split(r"\bmotet(?:\.cli)? ", line, maxsplit=1)[1], comments=True)
    for line in LINES
    if re.search(r"\bmotet(?:\.cli)? ", line)
]


def parsed(words):
    """The context of a command line; an unknown option or a missing argument raises."""
    whole = typer.main.get_command(app())
    context = whole.make_context("motet", list(words))
    name, command, rest = whole.resolve_command(context, list(words))
    return command.make_context(name, rest, parent=context)


def test_the_page_has_commands():
    assert len(COMMANDS) >= 7
    assert {words[0] for words in COMMANDS} == {"train", "study"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_taken(words):
    context = parsed(words)
    if words[0] == "study" and not context.params["on"].startswith(("ray", "slurm")):
        assert place_of(context, context.params["on"], context.params["part"], default=HERE) is not HERE


def test_every_option_of_the_table_is_a_place():
    options = re.findall(r"`(--(?:on|part) [^`]+)`", PAGE[PAGE.index("| option |") :])
    assert len(set(options)) == 5
    for option in options:
        context = parsed(["study", "f.py", *option.split()])
        if "slurm" in option:
            with pytest.raises(ConfigError, match="no task of Slurm"):
                slurm_share({})
        elif "ray" not in option:
            assert place_of(context, context.params["on"], context.params["part"], default=HERE).width > 1


@pytest.mark.slow
def test_the_line_of_torchrun_trains_over_gloo(tmp_path):
    (line,) = [line for line in LINES if "--standalone" in line]
    words = shlex.split(line.replace("--nproc-per-node 8", "--nproc-per-node 2"))
    words[words.index("lit_decoder:photos")] = "lit_decoder:tiny"
    words[words.index("runs/photos")] = str(tmp_path / "run")
    typed = [sys.executable, "-m", "torch.distributed.run", *words[1:], "--device", "cpu", "--set", "train.steps=2"]
    ran = subprocess.run(typed, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "run/report.json").exists()
