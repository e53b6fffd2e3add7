"""Readers whose target is a region."""

import pytest

from motet.core import ConfigError
from motet.scenes import SceneDialogs, SceneReferring, Scenes

SCENES = Scenes(part="train", count=60, kinds=8, num_things=(2, 5), questions_per_image=2)
READERS = [SceneReferring(SCENES), SceneReferring(SCENES, "place", "question"), SceneDialogs(SCENES)]


@pytest.mark.parametrize("reader", READERS)
def test_the_region_is_the_matching_candidate_and_candidates_are_the_boxes(reader) -> None:
    for index in range(len(reader)):
        row = reader[index]
        (match,) = row.labels["match"]
        assert row.labels["region"] == row.candidates[match]
        assert [list(box) for box in row.candidates] == row.labels["boxes"].boxes_xyxy.tolist()
        assert row.image_ids == reader.keys(index) == SCENES.keys(index)


def test_questions_of_one_image_have_their_own_ids() -> None:
    for reader in READERS:
        assert len({reader[index].id for index in range(20)}) == 20


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_phrases_without_a_referent_have_no_region(share: float) -> None:
    reader = SceneReferring(SCENES, absent_share=share)
    absent = [index for index in range(len(reader)) if reader[index].labels["region"] is None]
    assert len(absent) == pytest.approx(share * len(reader), abs=0.15 * len(reader))
    for index in absent:
        row = reader[index]
        assert row.labels["match"] == frozenset()
        assert row.text.removeprefix("the ") not in row.labels["names"]


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=rf"absent_share: got {share}; want a share from 0 to 1"):
        SceneReferring(SCENES, absent_share=share)
