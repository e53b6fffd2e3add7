"""Every public name of the front door and every verb is in the documents."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from documents import ROOT

import motet
from motet.cli.main import app as build

API = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs/api").glob("*.md")))
COMMANDS = (ROOT / "docs/COMMANDS.md").read_text(encoding="utf-8")
TUTORIALS = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))


def verbs(command: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every command with the first line of its help."""
    for name, one in sorted(getattr(command, "commands", {}).items()):
        if getattr(one, "commands", None):
            yield from verbs(one, (*before, name))
        elif not one.hidden:
            yield " ".join((*before, name)), str(one.help).strip().split("\n")[0]


ALL_VERBS = dict(verbs(typer.main.get_command(build())))


@pytest.mark.parametrize("name", [name for name in motet.__all__ if name != "__version__"])
def test_every_name_of_the_front_door_is_in_the_api_and_in_a_text(name: str) -> None:
    thing = getattr(motet, name)
    home = thing.__name__ if name in ("data", "tasks") else f"{thing.__module__}.{name}"
    assert re.search(rf"^::: {re.escape(home)}$", API, flags=re.MULTILINE), (
        f"docs/api/motet.md: want the line ::: {home}"
    )
    used = rf"motet\.{name}\b|from motet import [^\n]*\b{name}\b"
    assert re.search(used, TUTORIALS), f"docs: want motet.{name} in use on some page"


def test_what_the_api_names_is_there() -> None:
    for place in re.findall(r"^::: ([\w.]+)$", API, flags=re.MULTILINE):
        try:
            importlib.import_module(place)
        except ModuleNotFoundError:
            module, _, name = place.rpartition(".")
            assert hasattr(importlib.import_module(module), name), place


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_every_verb_is_listed_with_the_line_of_its_help(verb: str) -> None:
    assert f"| `motet {verb}` | {ALL_VERBS[verb]} |\n" in COMMANDS


def test_no_verb_is_listed_that_is_not_there() -> None:
    listed = re.findall(r"^\| `motet ([a-z ]+)` \|", COMMANDS, flags=re.MULTILINE)
    assert sorted(listed) == sorted(ALL_VERBS)
