"""Referring expressions: phrases that refer to one thing of a scene, and dialogs that single it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from motet.scenes.drawings import MIXED, colour_of
from motet.scenes.layout import MIN_GAP, Scene, Thing
from motet.scenes.sampling import one_of

PhraseCues: TypeAlias = Literal["any", "look", "place"]
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def unique_phrases(scene: Scene, thing: Thing, cues: PhraseCues = "any", *, coloured: bool = True) -> tuple[str, ...]:
    """Returns every phrase of the grammar that refers to this thing and to no other of the scene; may be none.

    Args:
        scene: that the thing is in.
        thing: one of the scene's.
        cues: "look": name, colour and size only (as in RefCOCO+); "place": position; "any": both.
        coloured: whether the drawings have colours.
    """
    phrases: list[str] = []
    if cues in ("any", "look"):
        phrases += _appearance_phrases(scene, thing, coloured)
    if cues in ("any", "place"):
        phrases += _place_phrases(scene, thing)
    return tuple(dict.fromkeys(phrases))


def _appearance_phrases(scene: Scene, thing: Thing, coloured: bool) -> list[str]:
    phrases = ["the largest thing"] if thing is scene.largest and len(scene.things) > 1 else []
    colour = _colour(thing, coloured)
    for text, trait in _traits(coloured):
        if "{colour}" in text and colour == MIXED:
            continue
        if sum(trait(other) == trait(thing) for other in scene.things) == 1:
            phrases.append(text.format(name=thing.name, colour=colour, size=thing.size))
    return phrases


def _traits(coloured: bool) -> list[tuple[str, Callable[[Thing], tuple[str, ...]]]]:
    return [
        ("the {name}", lambda thing: (thing.name,)),
        ("the {size} {name}", lambda thing: (thing.size, thing.name)),
        ("the {colour} {name}", lambda thing: (_colour(thing, coloured), thing.name)),
        ("the {size} {colour} {name}", lambda thing: (thing.size, _colour(thing, coloured), thing.name)),
        ("the {colour} thing", lambda thing: (_colour(thing, coloured),)),
    ]


def _place_phrases(scene: Scene, thing: Thing) -> list[str]:
    place, count = scene.things.index(thing), len(scene.things)
    phrases = [f"the {ORDINALS[place]} thing from the left", f"the {ORDINALS[count - 1 - place]} thing from the right"]
    if place == 0:
        phrases.append("the thing on the far left")
    if place == count - 1:
        phrases.append("the thing on the far right")
    same = [other for other in scene.things if other.name == thing.name]
    if len(same) > 1:
        phrases += [f"the {thing.name} furthest left"] if thing is same[0] else []
        phrases += [f"the {thing.name} furthest right"] if thing is same[-1] else []
    for other in scene.things:
        alone = sum(one.name == other.name for one in scene.things) == 1
        if other is thing or not alone:
            continue
        side = "left" if thing.x < other.x else "right"
        rivals = [one for one in same if (one.x < other.x) == (thing.x < other.x)]
        if len(rivals) == 1:
            phrases.append(f"the {thing.name} {side} of the {other.name}")
    return phrases


def _colour(thing: Thing, coloured: bool) -> str:
    return colour_of(thing.drawing) if coloured else MIXED


def sample_phrase(
    scene: Scene, cues: PhraseCues, rng: np.random.Generator, *, coloured: bool = True
) -> tuple[str, int]:
    """Samples a phrase and returns it with the index of its thing; all things with a unique phrase equally often."""
    options = [unique_phrases(scene, thing, cues, coloured=coloured) for thing in scene.things]
    which = one_of([i for i, phrases in enumerate(options) if phrases], rng)
    return one_of(options[which], rng), which


def sample_dialog(scene: Scene, thing: Thing, rng: np.random.Generator, *, coloured: bool = True) -> tuple[str, ...]:
    """Samples questions with their answers that single out one thing, such as "is it a dog? no".

    Each question splits the remaining things; the last one leaves `thing` alone. Every dialog ends, since a question
    by position always separates the leftmost remaining thing from the others.
    """
    left: list[Thing] = list(scene.things)
    turns: list[str] = []
    while len(left) > 1:
        options = [(text, fits) for text, fits in _yes_no_questions(scene, left, coloured) if 0 < sum(fits) < len(left)]
        text, fits = one_of(options, rng)
        answer = fits[left.index(thing)]
        turns.append(f"{text} {'yes' if answer else 'no'}")
        left = [one for one, fit in zip(left, fits, strict=True) if fit == answer]
    return tuple(turns) or ("is it the only thing? yes",)


def _yes_no_questions(scene: Scene, left: Sequence[Thing], coloured: bool) -> list[tuple[str, list[bool]]]:
    names = dict.fromkeys(thing.name for thing in left)
    sizes = dict.fromkeys(thing.size for thing in left)
    colours = dict.fromkeys(_colour(thing, coloured) for thing in left)
    tests = [
        (f"is it {'an' if name[0] in 'aeiou' else 'a'} {name}?", [thing.name == name for thing in left])
        for name in names
    ]
    tests += [(f"is it {size}?", [thing.size == size for thing in left]) for size in sizes]
    tests += [
        (f"is it {colour}?", [_colour(thing, coloured) == colour for thing in left])
        for colour in colours
        if colour != MIXED
    ]
    if all(abs(thing.x - 0.5) > MIN_GAP / 2 for thing in left):
        tests.append(("is it in the left half?", [thing.x < 0.5 for thing in left]))
    place = scene.things.index(left[0])
    tests.append((f"is it the {ORDINALS[place]} thing from the left?", [thing is left[0] for thing in left]))
    return tests
