"""Questions about scenes with exact answers from a closed list, sampled so that no answer dominates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from motet.core import ConfigError, nearest
from motet.scenes.drawings import COLOURS, MIXED, colour_of
from motet.scenes.layout import SIZES, Scene, Thing
from motet.scenes.nouns import Noun, nouns_of
from motet.scenes.sampling import one_of

Kind: TypeAlias = Literal["count", "exist", "colour", "position", "size", "compare"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "count": tuple(str(count) for count in range(6)),
    "exist": ("yes", "no"),
    "colour": (*COLOURS, MIXED),
    "position": tuple(noun.name for noun in nouns_of()),
    "size": tuple(SIZES),
    "compare": ("yes", "no"),
}


@dataclass(frozen=True)
class Question:
    """A question with its one answer.

    Args:
        kind: of question.
        text: of the question.
        answer: one of `ANSWERS`.
    """

    kind: Kind
    text: str
    answer: str


def answers_of(kinds: str | Sequence[str], nouns: Sequence[Noun], most: int = 5) -> tuple[str, ...]:
    """Returns every possible answer to questions of these kinds in a world, each once.

    Args:
        kinds: of question.
        nouns: of the world.
        most: the largest number of things in a scene.
    """
    answers: dict[str, None] = {}
    for kind in check_kinds(kinds):
        own: Sequence[str] = ANSWERS[kind]
        if kind == "position":
            own = [noun.name for noun in nouns]
        elif kind == "count":
            own = [str(count) for count in range(most + 1)]
        answers.update(dict.fromkeys(own))
    return tuple(answers)


def check_kinds(kinds: str | Sequence[str]) -> tuple[Kind, ...]:
    """Returns the kinds as a tuple.

    Raises:
        ConfigError: an unknown kind.
    """
    names = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    known = {str(kind): kind for kind in KINDS}
    for name in names:
        if name not in known:
            raise ConfigError(f"kind of question: got {name!r}; {nearest(name, known)}")
    return tuple(known[name] for name in names)


def sample_question(scene: Scene, nouns: Sequence[Noun], kinds: Sequence[Kind], rng: np.random.Generator) -> Question:
    """Samples a question of one of the kinds, all equally often."""
    kind = kinds[int(rng.integers(len(kinds)))]
    text, answer = _SAMPLERS[kind](scene, nouns, rng)
    return Question(kind, text, answer)


def _sample_count(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    """Samples a count: half of them of all things, so 1 or more; the others of one noun, absent in 40 % of cases."""
    if rng.random() < 0.5:
        return "how many things are there?", str(len(scene.things))
    names = [thing.name for thing in scene.things]
    absent = [noun for noun in nouns if noun.name not in names]
    if absent and rng.random() < 0.4:
        noun = one_of(absent, rng)
    else:
        repeated = sorted({name for name in names if names.count(name) > 1})
        several = repeated and rng.random() < 0.7
        noun = _noun(nouns, one_of(repeated if several else sorted(set(names)), rng))
    return f"how many {noun.forms['en'].plural} are there?", str(names.count(noun.name))


def _sample_exist(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    names = {thing.name for thing in scene.things}
    absent = [noun.name for noun in nouns if noun.name not in names]
    present = bool(rng.random() < 0.5) or not absent
    name = one_of(sorted(names) if present else absent, rng)
    return f"is there {_a(name)}?", "yes" if present else "no"


def _sample_colour(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    """Samples a question about a thing of one clear colour; about any thing where none has one."""
    del nouns
    clear = [thing for thing in scene.things if colour_of(thing.drawing) != MIXED]
    thing = one_of(clear or scene.things, rng)
    return f"what colour is {unique_phrase(scene, thing)}?", colour_of(thing.drawing)


def _sample_position(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    del nouns
    left, right = scene.things[0], scene.things[-1]
    if rng.random() < 0.5:
        return "what is on the far left?", left.name
    return "what is on the far right?", right.name


def _sample_size(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    """Samples a question about a size, all sizes that are in the scene equally often."""
    del nouns
    size = one_of([size for size in SIZES if any(thing.size == size for thing in scene.things)], rng)
    thing = one_of([thing for thing in scene.things if thing.size == size], rng)
    return f"what size is {unique_phrase(scene, thing, largest=False)}?", size


def _sample_compare(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    """Samples a comparison (larger, left of, more) with its sides in either order, so yes and no are equally likely."""
    names = [thing.name for thing in scene.things]
    single = [thing for thing in scene.things if names.count(thing.name) == 1]
    pairs = [(first, second) for first in single for second in single if first is not second]
    unequal = [(first, second) for first, second in pairs if first.size != second.size]
    ways = ["more", *(["left"] if pairs else []), *(["larger"] if unequal else [])]
    match one_of(ways, rng):
        case "left":
            first, second = one_of(pairs, rng)
            return f"is the {first.name} left of the {second.name}?", _yes(first.x < second.x)
        case "larger":
            first, second = one_of(unequal, rng)
            return f"is the {first.name} larger than the {second.name}?", _yes(first.side > second.side)
        case _:
            return _sample_more(names, nouns, rng)


def _sample_more(names: list[str], nouns: Sequence[Noun], rng: np.random.Generator) -> tuple[str, str]:
    """Samples a comparison of the numbers of two nouns, which differ; one of them may be absent."""
    here = one_of(sorted(set(names)), rng)
    others = [noun.name for noun in nouns if names.count(noun.name) != names.count(here)]
    present = [name for name in others if name in names]
    there = one_of(present if present and rng.random() < 0.5 else others, rng) if others else here
    first, second = (here, there) if rng.random() < 0.5 else (there, here)
    more = names.count(first) > names.count(second)
    plural = {noun.name: noun.forms["en"].plural for noun in nouns}
    return f"are there more {plural[first]} than {plural[second]}?", _yes(more)


_SAMPLERS: Mapping[Kind, Callable[[Scene, Sequence[Noun], np.random.Generator], tuple[str, str]]] = {
    "count": _sample_count,
    "exist": _sample_exist,
    "colour": _sample_colour,
    "position": _sample_position,
    "size": _sample_size,
    "compare": _sample_compare,
}


def unique_phrase(scene: Scene, thing: Thing, *, largest: bool = True) -> str:
    """Returns a phrase that refers to this thing and to no other of the scene.

    Args:
        scene: that the thing is in.
        thing: one of the scene's.
        largest: whether "the largest thing" may be used.
    """
    if sum(other.name == thing.name for other in scene.things) == 1:
        return f"the {thing.name}"
    if largest and thing.size == "large":
        return "the largest thing"
    same = [other for other in scene.things if other.name == thing.name]
    places = {2: ("left", "right"), 3: ("left", "middle", "right")}.get(len(same))
    place = scene.things.index(thing)
    if places is None:
        return f"the {_ORDINALS[place]} thing from the left"
    return f"the {thing.name} {_PLACES[places[same.index(thing)]]}"


_PLACES = {"left": "furthest left", "right": "furthest right", "middle": "in the middle"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _noun(nouns: Sequence[Noun], name: str) -> Noun:
    return next(noun for noun in nouns if noun.name == name)
