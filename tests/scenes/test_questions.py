"""Answers are true, from their closed list, and none is the safe one."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import ConfigError, rng_for
from motet.scenes import ANSWERS, KINDS, Scene, Scenes, answers_of
from motet.scenes.drawings import colour_of
from motet.scenes.layout import Thing
from motet.scenes.nouns import nouns_of
from motet.scenes.questions import sample_question

MANY = 10**6


def answer_again(scene: Scene, text: str, kinds: int | None) -> str:
    """The answer read off the scene by the words of the question alone."""
    names = [thing.name for thing in scene.things]
    plural = {noun.forms["en"].plural: noun.name for noun in nouns_of(kinds)}

    def meant(words: str) -> Thing:
        if words == "the largest thing":
            return max(scene.things, key=lambda thing: thing.side)
        if found := re.fullmatch(r"the (\w+) thing from the left", words):
            places = ["first", "second", "third", "fourth", "fifth", "sixth"]
            return sorted(scene.things, key=lambda thing: thing.x)[places.index(found[1])]
        for place, which in (("furthest left", 0), ("furthest right", -1), ("in the middle", 1)):
            if words.endswith(place):
                name = words.removeprefix("the ").removesuffix(place).strip()
                return sorted((thing for thing in scene.things if thing.name == name), key=lambda thing: thing.x)[which]
        (only,) = [thing for thing in scene.things if f"the {thing.name}" == words]
        return only

    def yes(true: bool) -> str:
        return "yes" if true else "no"

    if text == "how many things are there?":
        return str(len(names))
    if found := re.fullmatch(r"how many (.*) are there\?", text):
        return str(names.count(plural[found[1]]))
    if found := re.fullmatch(r"is there an? (.*)\?", text):
        return yes(found[1] in names)
    if found := re.fullmatch(r"what colour is (.*)\?", text):
        return colour_of(meant(found[1]).drawing)
    if found := re.fullmatch(r"what size is (.*)\?", text):
        side = meant(found[1]).side
        return "small" if side < 0.263 else "medium" if side < 0.37 else "large"
    if found := re.fullmatch(r"what is on the far (left|right)\?", text):
        chosen = min if found[1] == "left" else max
        return chosen(scene.things, key=lambda thing: thing.x).name
    if found := re.fullmatch(r"is (.*) left of (.*)\?", text):
        return yes(meant(found[1]).x < meant(found[2]).x)
    if found := re.fullmatch(r"is (.*) larger than (.*)\?", text):
        return yes(meant(found[1]).side > meant(found[2]).side)
    found = re.fullmatch(r"are there more (.*) than (.*)\?", text)
    assert found, text
    return yes(names.count(plural[found[1]]) > names.count(plural[found[2]]))


@settings(max_examples=150, deadline=None)
@given(index=st.integers(0, MANY), kind=st.sampled_from(KINDS), kinds=st.sampled_from([None, 2, 20]))
def test_answers_are_true_and_from_the_closed_list(index: int, kind: str, kinds: int | None) -> None:
    scenes = Scenes(part="train", count=MANY + 1, kinds=kinds, question_kinds=kind, num_things=(1, 4))
    example = scenes[index]
    assert example.labels["answer"] == answer_again(scenes.scene(index), str(example.text), kinds)
    assert example.labels["answer"] in scenes.answers


def test_existence_is_balanced_also_for_each_noun() -> None:
    scenes = Scenes(part="train", count=1000, kinds=20, question_kinds="exist", questions_per_image=2)
    counts = Counter((scenes[i].text, scenes[i].labels["answer"]) for i in range(2000))
    yes = sum(count for (_, answer), count in counts.items() if answer == "yes")
    assert abs(yes - 1000) < 90  # four standard deviations
    for text in {text for text, _ in counts}:
        assert 0.3 < counts[text, "yes"] / (counts[text, "yes"] + counts[text, "no"]) < 0.7


@pytest.mark.parametrize(("kind", "most"), [("count", 0.36), ("compare", 0.54), ("size", 0.56), ("colour", 0.3)])
def test_no_answer_is_the_safe_one(kind: str, most: float) -> None:
    scenes = Scenes(part="train", count=500, kinds=20, question_kinds=kind, questions_per_image=3)
    counts = Counter(scenes[i].labels["answer"] for i in range(1500))
    assert set(counts) <= set(ANSWERS[kind])
    assert len(counts) >= 0.8 * len(ANSWERS[kind]) - 1
    assert max(counts.values()) / 1500 < most


def test_position_answers_are_the_readers_names() -> None:
    scenes = Scenes(part="train", count=1, kinds=5, question_kinds=("position", "exist"))
    assert scenes.answers == (*scenes.names, "yes", "no")
    assert answers_of("count", scenes.nouns, most=3) == ("0", "1", "2", "3")


def test_every_kind_is_asked_about_every_scene() -> None:
    scenes = Scenes(part="val", count=60, num_things=(1, 6))
    for index in range(60):
        for kind in KINDS:
            question = sample_question(scenes.scene(index), scenes.nouns, (kind,), rng_for("test", index))
            assert question.kind == kind
            assert question.text.endswith("?")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'smell'"):
        answers_of(("count", "smell"), nouns_of(3))
