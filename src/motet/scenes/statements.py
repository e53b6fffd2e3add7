"""Statements about one scene or two: true, false, or undecidable from an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from motet.scenes.captions import phrase
from motet.scenes.drawings import COLOURS, MIXED, colour_of
from motet.scenes.layout import Scene, Thing
from motet.scenes.nouns import Form, Noun
from motet.scenes.sampling import one_of

Relation: TypeAlias = Literal["contradiction", "neutral", "entailment"]
RELATIONS: tuple[Relation, ...] = ("contradiction", "neutral", "entailment")
FALSE_TRUE = ("false", "true")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_UNDECIDABLE = (
    "someone bought the {} yesterday",
    "the {} belongs to a child",
    "the {} was drawn first",
    "everyone likes the {}",
    "the {} is very expensive",
    "the {} was here last week too",
    "nobody wants the {}",
    "the {} is older than it looks",
)


def sample_statement(
    scene: Scene, nouns: Sequence[Noun], true: bool, rng: np.random.Generator, *, coloured: bool = True
) -> str:
    """Samples a true or a false statement about a scene; both kinds use the same words.

    Args:
        scene: that the statement is about.
        nouns: of its world.
        true: whether the statement is true.
        rng: for the choice of the statement.
        coloured: whether the drawings have colours.
    """
    ways: list[Callable[[], str]] = [
        lambda: _presence(scene, nouns, true, rng),
        lambda: _number(scene, nouns, true, rng),
        lambda: _largest(scene, nouns, true, rng),
    ]
    single = _single(scene)
    if coloured and any(colour_of(thing.drawing) != MIXED for thing in single):
        ways.append(lambda: _colour(single, true, rng))
    if len(single) > 1:
        ways.append(lambda: _place(single, true, rng))
    if len({thing.size for thing in single}) > 1:
        ways.append(lambda: _larger(single, true, rng))
    return one_of(ways, rng)()


def sample_hypothesis(
    scene: Scene, nouns: Sequence[Noun], relation: Relation, rng: np.random.Generator, *, coloured: bool = True
) -> str:
    """Samples a sentence that a scene entails, contradicts, or leaves open (about facts that no image shows).

    Args:
        scene: the premise.
        nouns: of its world.
        relation: of the sentence to the scene.
        rng: for the choice of the sentence.
        coloured: whether the drawings have colours.
    """
    if relation == "neutral":
        return one_of(_UNDECIDABLE, rng).format(one_of(scene.things, rng).name)
    return sample_statement(scene, nouns, relation == "entailment", rng, coloured=coloured)


def sample_pair_statement(
    left: Scene, right: Scene, nouns: Sequence[Noun], true: bool, rng: np.random.Generator
) -> str:
    """Samples a true or a false statement about two images side by side that cannot be decided from one of them."""
    here, there = _names(left), _names(right)
    both, either = set(here) & set(there), set(here) | set(there)
    neither = {noun.name for noun in nouns} - either
    forms = {noun.name: noun.forms["en"] for noun in nouns}
    templates: list[tuple[str, set[str]]] = [
        ("both pictures show {}", both if true else either - both),
        ("exactly one picture shows {}", either - both if true else both | neither),
        ("neither picture shows {}", neither if true else either),
    ]
    ways: list[Callable[[], str]] = [
        partial(_pair_presence, text, [forms[name] for name in sorted(fitting)], rng)
        for text, fitting in templates
        if fitting
    ]
    ways.append(lambda: _total([*here, *there], nouns, true, rng))
    if len(here) != len(there):
        more = (len(here) > len(there)) == true
        ways.append(lambda: f"the {'left' if more else 'right'} picture has more things than the other")
    return one_of(ways, rng)()


def _pair_presence(text: str, forms: Sequence[Form], rng: np.random.Generator) -> str:
    return text.format(phrase(one_of(forms, rng), 1))


def _presence(scene: Scene, nouns: Sequence[Noun], true: bool, rng: np.random.Generator) -> str:
    present = set(_names(scene))
    absent = [noun.name for noun in nouns if noun.name not in present]
    denied = bool(absent) and bool(rng.random() < 0.5)
    if not denied and not true and not absent:
        denied = True
    name = one_of(sorted(present) if true != denied else absent, rng)
    form = next(noun.forms["en"] for noun in nouns if noun.name == name)
    return f"there is no {name}" if denied else f"there is {phrase(form, 1)}"


def _number(scene: Scene, nouns: Sequence[Noun], true: bool, rng: np.random.Generator) -> str:
    names = _names(scene)
    if rng.random() < 0.5:
        return count_sentence(true_or_near_count(len(names), true, rng), "thing", "things")
    return _total(names, nouns, true, rng)


def _total(names: Sequence[str], nouns: Sequence[Noun], true: bool, rng: np.random.Generator) -> str:
    name = one_of(sorted(set(names)), rng)
    form = next(noun.forms["en"] for noun in nouns if noun.name == name)
    return count_sentence(true_or_near_count(names.count(name), true, rng), form.singular, form.plural) + " in all"


def _largest(scene: Scene, nouns: Sequence[Noun], true: bool, rng: np.random.Generator) -> str:
    largest = scene.largest.name
    name = largest if true else one_of([noun.name for noun in nouns if noun.name != largest], rng)
    form = next(noun.forms["en"] for noun in nouns if noun.name == name)
    return f"the largest thing is {phrase(form, 1)}"


def _colour(single: Sequence[Thing], true: bool, rng: np.random.Generator) -> str:
    thing = one_of([thing for thing in single if colour_of(thing.drawing) != MIXED], rng)
    colour = colour_of(thing.drawing)
    return f"the {thing.name} is {colour if true else one_of([c for c in COLOURS if c != colour], rng)}"


def _place(single: Sequence[Thing], true: bool, rng: np.random.Generator) -> str:
    first, second = sorted(one_of(_pairs(single), rng), key=lambda thing: thing.x)
    if rng.random() < 0.5:
        side = "left" if true else "right"
    else:
        first, second = second, first
        side = "right" if true else "left"
    return f"the {first.name} is {side} of the {second.name}"


def _larger(single: Sequence[Thing], true: bool, rng: np.random.Generator) -> str:
    unequal = [(first, second) for first, second in _pairs(single) if first.size != second.size]
    small, large = sorted(one_of(unequal, rng), key=lambda thing: thing.side)
    if rng.random() < 0.5:
        small, large, true = large, small, not true
    return f"the {large.name} is {'larger' if true else 'smaller'} than the {small.name}"


def count_sentence(count: int, singular: str, plural: str) -> str:
    """Returns a sentence that states a number of things.

    Examples:
        >>> count_sentence(1, "dog", "dogs"), count_sentence(3, "dog", "dogs")
        ('there is one dog', 'there are three dogs')
    """
    return f"there is one {singular}" if count == 1 else f"there are {NUMBERS[count]} {plural}"


def true_or_near_count(count: int, true: bool, rng: np.random.Generator) -> int:
    """Returns the count itself where `true`, else one more or one less, but never 0."""
    if true:
        return count
    return count + 1 if count == 1 or rng.random() < 0.5 else count - 1


def _names(scene: Scene) -> list[str]:
    return [thing.name for thing in scene.things]


def _single(scene: Scene) -> list[Thing]:
    names = _names(scene)
    return [thing for thing in scene.things if names.count(thing.name) == 1]


def _pairs(things: Sequence[Thing]) -> list[tuple[Thing, Thing]]:
    return [(first, second) for first in things for second in things if first is not second]
