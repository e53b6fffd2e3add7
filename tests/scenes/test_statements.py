"""Statements, phrases and dialogs are read back against their scenes."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import rng_for
from motet.scenes import Scene, Scenes, Thing
from motet.scenes.drawings import colour_of
from motet.scenes.nouns import nouns_of
from motet.scenes.referring import ORDINALS, sample_dialog, sample_phrase, unique_phrases
from motet.scenes.statements import NUMBERS, RELATIONS, sample_hypothesis, sample_pair_statement, sample_statement

INDEX = st.integers(0, 10**6)
WORLDS = st.sampled_from([None, 2, 20])


def scene_at(index: int, kinds: int | None, **fields: object) -> tuple[Scene, Scenes]:
    scenes = Scenes(part="train", count=10**6 + 2, kinds=kinds, **fields)
    return scenes.scene(index), scenes


def number(word: str) -> int:
    return NUMBERS.index(word)


def holds(text: str, things: tuple[Thing, ...], kinds: int | None) -> bool:
    """Whether a statement is true of things, by its words alone."""
    names = [thing.name for thing in things]
    singular = {noun.forms["en"].plural: noun.name for noun in nouns_of(kinds)} | {"things": "thing"}

    def the(name: str) -> Thing:
        (only,) = [thing for thing in things if thing.name == name]
        return only

    if found := re.fullmatch(r"there is no (.*)", text):
        return found[1] not in names
    if found := re.fullmatch(r"there (?:is|are) (\w+) (.*?)(?: in all)?", text):
        if found[1] in ("a", "an"):
            return found[2] in names
        noun = singular.get(found[2], found[2])
        return number(found[1]) == (len(names) if noun == "thing" else names.count(noun))
    if found := re.fullmatch(r"the largest thing is an? (.*)", text):
        return max(things, key=lambda thing: thing.side).name == found[1]
    if found := re.fullmatch(r"the (.*) is (left|right) of the (.*)", text):
        return (the(found[1]).x < the(found[3]).x) == (found[2] == "left")
    if found := re.fullmatch(r"the (.*) is (larger|smaller) than the (.*)", text):
        return (the(found[1]).side > the(found[3]).side) == (found[2] == "larger")
    found = re.fullmatch(r"the (.*) is (\w+)", text)
    assert found, text
    return colour_of(the(found[1]).drawing) == found[2]


@settings(max_examples=150, deadline=None)
@given(index=INDEX, kinds=WORLDS, true=st.booleans())
def test_statements_are_as_true_as_asked(index: int, kinds: int | None, true: bool) -> None:
    scene, scenes = scene_at(index, kinds)
    text = sample_statement(scene, scenes.nouns, true, rng_for("t", index))
    assert holds(text, scene.things, kinds) == true, text


@settings(max_examples=60, deadline=None)
@given(index=INDEX, kinds=WORLDS)
def test_neutral_sentences_speak_of_what_is_there_and_cannot_be_seen(index: int, kinds: int | None) -> None:
    scene, scenes = scene_at(index, kinds)
    text = sample_hypothesis(scene, scenes.nouns, "neutral", rng_for("t", index))
    assert any(thing.name in text for thing in scene.things)
    with pytest.raises((AssertionError, ValueError)):
        holds(text, scene.things, kinds)
    for relation in ("entailment", "contradiction"):
        said = sample_hypothesis(scene, scenes.nouns, relation, rng_for("t", index))
        assert holds(said, scene.things, kinds) == (relation == "entailment")
    assert set(RELATIONS) == {"neutral", "entailment", "contradiction"}


@settings(max_examples=150, deadline=None)
@given(index=INDEX, kinds=WORLDS, true=st.booleans())
def test_statements_of_two_images(index: int, kinds: int | None, true: bool) -> None:
    (left, scenes), (right, _) = scene_at(index, kinds), scene_at(index + 1, kinds)
    text = sample_pair_statement(left, right, scenes.nouns, true, rng_for("t", index))
    shows = [{thing.name for thing in scene.things} for scene in (left, right)]
    if found := re.fullmatch(r"(both pictures show|exactly one picture shows|neither picture shows) an? (.*)", text):
        times = sum(found[2] in names for names in shows)
        said = {"both pictures show": 2, "exactly one picture shows": 1, "neither picture shows": 0}[found[1]]
        assert (times == said) == true, text
    elif found := re.fullmatch(r"the (left|right) picture has more things than the other", text):
        more = len(left.things) > len(right.things)
        assert len(left.things) != len(right.things)
        assert (more == (found[1] == "left")) == true
    else:
        assert holds(text, (*left.things, *right.things), kinds) == true, text


def test_the_words_of_true_and_false_statements_are_alike() -> None:
    scenes = Scenes(part="train", count=600, kinds=20)
    forms: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for index in range(600):
        for true in (True, False):
            text = sample_statement(scenes.scene(index), scenes.nouns, true, rng_for("t", index))
            forms[true][" ".join(text.split()[:3])] += 1
    shared = forms[True].keys() & forms[False].keys()
    assert sum(forms[True][form] for form in shared) > 0.9 * 600


@settings(max_examples=80, deadline=None)
@given(index=INDEX, kinds=WORLDS, words=st.sampled_from(["any", "look", "place"]))
def test_a_phrase_means_one_thing_only(index: int, kinds: int | None, words: str) -> None:
    scene, _ = scene_at(index, kinds, num_things=(1, 6))
    owners: dict[str, int] = {}
    for which, thing in enumerate(scene.things):
        for text in unique_phrases(scene, thing, words):
            assert owners.setdefault(text, which) == which, text
            if words == "look":
                assert not re.search(r"left|right|from", text)
    text, which = sample_phrase(scene, words, rng_for("t", index), coloured=bool(index % 2))
    assert owners[text] == which if index % 2 else text in owners


@settings(max_examples=80, deadline=None)
@given(index=INDEX, kinds=WORLDS, which=st.integers(0, 5))
def test_a_dialog_leaves_its_thing_and_no_other(index: int, kinds: int | None, which: int) -> None:
    scene, _ = scene_at(index, kinds, num_things=(1, 6))
    thing = scene.things[which % len(scene.things)]
    turns = sample_dialog(scene, thing, rng_for("t", index))

    def fits(one: Thing, question: str) -> bool:
        if found := re.fullmatch(r"is it the (\w+) thing from the left\?", question):
            return scene.things.index(one) == ORDINALS.index(found[1])
        if question == "is it in the left half?":
            return one.x < 0.5
        if question == "is it the only thing?":
            return len(scene.things) == 1
        if found := re.fullmatch(r"is it an? (.*)\?", question):
            return one.name == found[1]
        found = re.fullmatch(r"is it (\w+)\?", question)
        assert found, question
        return found[1] in (one.size, colour_of(one.drawing))

    left = [
        one
        for one in scene.things
        if all(fits(one, turn.rpartition(" ")[0]) == (turn.rpartition(" ")[2] == "yes") for turn in turns)
    ]
    assert left == [thing]
