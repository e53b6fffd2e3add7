"""12-in-1's real data: photographs that two sets share are cut alike, and sets too small to evaluate are apart."""

from pathlib import Path

import pytest
from real_layouts import PHOTOS, write_entailment, write_flickr8k, write_statements

from motet.data.negatives import FourWay
from motet.data.source import Source
from motet.recipes.data.twelve_in_one import PHOTOGRAPHS, gathered, too_few


@pytest.fixture(scope="module")
def sources(data_folder: Path) -> tuple[Source, ...]:
    pytest.importorskip("easy_vqa")
    for write in (write_entailment, write_flickr8k, write_statements):
        write(data_folder)
    return gathered()


def test_a_test_photograph_of_captions_or_entailment_is_trained_in_neither(
    sources: tuple[Source, ...], images_of
) -> None:
    captions, entailed = images_of(sources, "flickr8k"), images_of(sources, "esnlive")
    assert captions == entailed  # one cut of the same photographs
    assert sum(map(len, captions.values())) == PHOTOS
    assert not captions["test"] & (captions["train"] | captions["val"])
    assert sum(PHOTOGRAPHS.values()) == pytest.approx(1)


def test_only_training_pairs_have_wrong_ones_beside_them(sources: tuple[Source, ...]) -> None:
    composed = {source.name: source.compose for source in sources if source.compose is not None}
    assert list(composed) == ["flickr8k"]
    assert isinstance(composed["flickr8k"], FourWay)
    (train,) = (source.reader for source in sources if source.name == "flickr8k")
    assert len(composed["flickr8k"].hard.rows) == len(train)  # a pool of training images alone


def test_drawings_are_trained_on_dev_and_tested_on_hidden_ones_in_one_order(
    sources: tuple[Source, ...], images_of
) -> None:
    images = images_of(sources, "nlvr")
    assert images["test"] == {f"nlvr/hidden-{number}-0-0" for number in range(8)}
    assert len(images["train"] | images["val"]) == 20 * 4
    assert all(key.startswith("nlvr/dev-") for key in images["train"] | images["val"])
    assert not images["train"] & images["val"]


def test_every_task_is_in_all_roles_and_read(sources: tuple[Source, ...]) -> None:
    asked = ["nlvr", "esnlive", "flickr8k", "easy_vqa"]
    assert [source.name for source in sources] == [f"{name}{role}" for name in asked for role in ("", "/val", "/test")]
    for source in sources:
        assert source.reader[0].images


def test_sets_of_dozens_are_read_and_cut_by_image(sources: tuple[Source, ...], images_of) -> None:
    few = too_few()
    assert list(dict.fromkeys(source.tasks[0].name for source in few)) == ["vqav2", "vsr", "refcocos"]
    for name, count in (("vqav2", 40), ("vsr", 20), ("refcocos", 20)):
        images = images_of(few, name)
        assert sum(map(len, images.values())) == len(set().union(*images.values())) == count
