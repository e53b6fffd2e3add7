"""Matching with hard negatives."""

import pytest

from motet.core import ConfigError, rng_for
from motet.scenes import SceneChoices, Scenes
from motet.scenes.captions import caption
from motet.scenes.choices import alter_scene

SCENES = Scenes(part="train", count=60, kinds=8, num_things=(1, 4))


def test_one_caption_is_of_the_image_and_the_others_are_not() -> None:
    reader = SceneChoices(SCENES)
    places = set()
    for index in range(len(reader)):
        row = reader[index]
        (match,) = row.labels["match"]
        places.add(match)
        own = caption(SCENES.scene(index), SCENES.nouns)
        assert row.candidates[match] == own
        assert len(set(row.candidates)) == len(row.candidates) == 4
    assert places == {0, 1, 2, 3}


def test_only_one_image_fits_the_caption() -> None:
    reader = SceneChoices(SCENES, "images", 3)
    for index in range(len(reader)):
        row = reader[index]
        (match,) = row.labels["match"]
        captions = [caption(image.scene, SCENES.nouns) for image in row.images]
        assert [text == row.text for text in captions] == [place == match for place in range(3)]
        assert row.candidates == row.image_ids == reader.keys(index)


def test_an_altered_scene_has_another_caption_and_keeps_a_thing() -> None:
    for index in range(60):
        scene = SCENES.scene(index)
        altered = alter_scene(scene, SCENES.nouns, rng_for("t", index))
        assert abs(len(altered.things) - len(scene.things)) <= 1
        assert len(altered.things) >= 1
        assert sorted(t.name for t in altered.things) != sorted(t.name for t in scene.things)


@pytest.mark.parametrize("number", [1, 17])
def test_a_number_of_candidates_outside_its_range_is_refused(number: int) -> None:
    with pytest.raises(ConfigError, match=f"num_candidates: got {number}; want 2 to 16"):
        SceneChoices(SCENES, num_candidates=number)
