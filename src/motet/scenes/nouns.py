"""The nouns of things, their forms in six languages, and the drawings that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from motet.core import ConfigError

Gender: TypeAlias = Literal["m", "f", "n"]
World: TypeAlias = Literal["full", "small"]
WRITTEN_LANGUAGES = ("en", "de", "fr", "es", "it", "pt")


@dataclass(frozen=True)
class Form:
    """A noun in one language.

    Args:
        gender: "n" in English.
        singular: form for one.
        plural: form for several.
    """

    gender: Gender
    singular: str
    plural: str


@dataclass(frozen=True)
class Noun:
    """A noun and the drawings that show it.

    Args:
        name: the English singular, which is its key everywhere.
        forms: by language code, for `WRITTEN_LANGUAGES`.
        drawings: characters of the drawings' font.
    """

    name: str
    forms: Mapping[str, Form]
    drawings: tuple[str, ...]


@cache
def _table() -> tuple[tuple[World, Noun], ...]:
    lines = files("motet.scenes").joinpath("nouns.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    languages = rows[0][1:-1]
    return tuple((_world(row[0]), _noun(languages, row[1:-1], row[-1])) for row in rows[1:])


def _world(word: str) -> World:
    return "full" if word == "full" else "small"


def _noun(languages: list[str], cells: list[str], drawings: str) -> Noun:
    forms = {language: _form(cell) for language, cell in zip(languages, cells, strict=True)}
    return Noun(forms["en"].singular, forms, tuple(drawings))


def _form(cell: str) -> Form:
    for gender in ("m", "f", "n"):
        if cell.startswith(f"{gender} "):
            singular, _, plural = cell[2:].partition("/")
            return Form(gender, singular, plural)
    singular, _, plural = cell.partition("/")
    return Form("n", singular, plural)


@cache
def nouns_of(kinds: int | None = None) -> tuple[Noun, ...]:
    """Returns the nouns of a world.

    Args:
        kinds: None for the full world, whose nouns are categories of many drawings ("bird", "vegetable"); a number n
            for the first n plain nouns ("dog", "car"), with one to six drawings each.

    Raises:
        ConfigError: more kinds than there are, or fewer than two.

    Examples:
        >>> [noun.name for noun in nouns_of(3)]
        ['dog', 'car', 'tree']
        >>> len(nouns_of()) >= 40
        True
    """
    if kinds is None:
        return tuple(noun for world, noun in _table() if world == "full")
    small = tuple(noun for world, noun in _table() if world == "small")
    if not 2 <= kinds <= len(small):
        raise ConfigError(f"kinds: got {kinds}; want 2 to {len(small)}, or None for the full world")
    return small[:kinds]


@cache
def noun_by_name(name: str, kinds: int | None = None) -> Noun:
    """Returns the noun of a world by its English name.

    Raises:
        ConfigError: the world has no such noun.
    """
    for noun in nouns_of(kinds):
        if noun.name == name:
            return noun
    raise ConfigError(f"noun: got {name!r}; want one of {', '.join(noun.name for noun in nouns_of(kinds))}")
