"""Referring expressions, evaluated by a second reading of the phrases."""

from collections import Counter

import pytest

from motet.core import rng_for
from motet.scenes import Scenes
from motet.scenes.referring import ORDINALS, sample_dialog, sample_phrase, unique_phrases

SCENES = Scenes(part="train", count=200, kinds=6, num_things=(2, 6))


@pytest.mark.parametrize("cues", ["any", "look", "place"])
def test_no_phrase_refers_to_two_things(cues) -> None:
    for index in range(len(SCENES)):
        scene = SCENES.scene(index)
        phrases = Counter(phrase for thing in scene.things for phrase in unique_phrases(scene, thing, cues))
        assert set(phrases.values()) <= {1}


def test_appearance_has_no_positions_and_line_drawings_have_no_colours() -> None:
    for index in range(50):
        scene = SCENES.scene(index)
        for thing in scene.things:
            look = set(unique_phrases(scene, thing, "look"))
            assert not any("left" in phrase or "right" in phrase for phrase in look)
            assert set(unique_phrases(scene, thing, "look", coloured=False)) <= look
            assert set(unique_phrases(scene, thing)) == look | set(unique_phrases(scene, thing, "place"))


def test_every_thing_has_a_phrase_by_its_position() -> None:
    for index in range(50):
        scene = SCENES.scene(index)
        for place, thing in enumerate(scene.things):
            assert f"the {ORDINALS[place]} thing from the left" in unique_phrases(scene, thing, "place")


def test_a_sampled_phrase_is_one_of_its_thing() -> None:
    for index in range(50):
        scene = SCENES.scene(index)
        phrase, which = sample_phrase(scene, "any", rng_for("t", index))
        assert phrase in unique_phrases(scene, scene.things[which])


def test_dialogs_end_and_repeat_no_question() -> None:
    for index in range(len(SCENES)):
        scene = SCENES.scene(index)
        turns = sample_dialog(scene, scene.things[-1], rng_for("t", index))
        assert 1 <= len(turns) < len(scene.things)
        assert all(turn.rpartition("? ")[2] in ("yes", "no") for turn in turns)
        questions = [turn.rpartition(" ")[0] for turn in turns]
        assert len(set(questions)) == len(questions)
