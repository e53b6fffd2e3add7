"""UniT's real data: boxes, questions, entailment and sentences, cut so that nothing tested is trained."""

from pathlib import Path

import pytest
from real_layouts import PHOTOS, write_cells, write_coco, write_entailment, write_glue

from motet.core import Answer, Boxes
from motet.data.source import Source
from motet.recipes.data.unit import REAL_RATES, SENTENCES, collected


@pytest.fixture(scope="module")
def sources(data_folder: Path) -> tuple[Source, ...]:
    pytest.importorskip("easy_vqa")
    for write in (write_cells, write_coco, write_entailment, write_glue):
        write(data_folder)
    return collected()


def rows(sources: tuple[Source, ...], name: str) -> list[int]:
    return [len(source.reader) for source in sources if source.tasks[0].name == name]


def test_every_source_that_is_sampled_is_in_all_roles(sources: tuple[Source, ...]) -> None:
    assert [source.name for source in sources] == [
        f"{name}{role}" for name in REAL_RATES for role in ("", "/val", "/test")
    ]
    assert sum(REAL_RATES.values()) == pytest.approx(1)
    for source in sources:
        example = source.reader[0]
        assert source.tasks[0].annotation_of(example) is not None


def test_cells_are_tested_on_both_small_parts_and_chosen_by_a_tenth_of_train(
    sources: tuple[Source, ...], images_of
) -> None:
    images = images_of(sources, "bccd")
    numbers = {role: {int(key[-5:]) for key in keys} for role, keys in images.items()}
    assert numbers["test"] == set(range(10, 17))
    assert numbers["train"] | numbers["val"] == set(range(10))
    assert not numbers["train"] & numbers["val"]
    (task,) = next(source.tasks for source in sources if source.name == "bccd")
    assert task.target == Boxes(("RBC",))


def test_dev_sentences_are_the_test_and_every_twentieth_of_train_the_val_set(sources: tuple[Source, ...]) -> None:
    for name in SENTENCES:
        assert rows(sources, name) == [95, 5, 10]
    (val,) = (source.reader for source in sources if source.name == "sst2/val")
    assert [val[row].text for row in range(5)] == [f"a film {number}" for number in range(0, 100, 20)]
    (train,) = (source.reader for source in sources if source.name == "sst2")
    told = {train[row].text for row in range(95)}
    assert told == {f"a film {number}" for number in range(100) if number % 20}


def test_a_photograph_with_two_sentences_is_in_one_part(sources: tuple[Source, ...], images_of) -> None:
    images = images_of(sources, "esnlive")
    assert sum(map(len, images.values())) == PHOTOS
    assert sum(rows(sources, "esnlive")) == 2 * PHOTOS


def test_half_of_easy_vqa_is_used_and_every_ninth_of_its_test_questions(sources: tuple[Source, ...]) -> None:
    train, val, test = rows(sources, "easy_vqa")
    assert test == 1000
    assert 0.4 < train / 38_575 < 0.5
    assert 0.03 < val / 38_575 < 0.07
    (task,) = next(source.tasks for source in sources if source.name == "easy_vqa")
    assert isinstance(task.target, Answer)
    assert len(task.target.names) == 13
