"""Real images as sources: where they are looked for, which lists are read, and cuts that keep tests unseen."""

from pathlib import Path

import pytest
from published_files import write_vqav2
from real_layouts import PHOTOS, write_cifar10, write_fashion, write_flickr8k, write_multi30k, write_receipts

from motet.core import ConfigError
from motet.data.source import Source
from motet.recipes.data.photos import data_root, flickr8k, photographs


@pytest.fixture(scope="module")
def sources(data_folder: Path) -> tuple[Source, ...]:
    pytest.importorskip("easy_vqa")
    for write in (write_cifar10, write_fashion, write_flickr8k, write_multi30k, write_receipts):
        write(data_folder)
    write_vqav2(data_folder / "vqav2", 40)
    return photographs()


def by_name(sources: tuple[Source, ...]) -> dict[str, Source]:
    return {source.name: source for source in sources}


@pytest.mark.parametrize("given", ["", "no such folder"])
def test_a_folder_that_is_none_is_named(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_DATA", given and str(tmp_path / given))
    with pytest.raises(ConfigError, match=r"MOTET_DATA: got '.*'; want the folder that holds your data sets"):
        data_root()
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    assert data_root() == tmp_path


def test_flickr8k_is_both_of_its_lists(data_folder: Path, sources: tuple[Source, ...]) -> None:
    reader = flickr8k(data_folder / "flickr8k")
    assert len(reader) == PHOTOS
    assert [reader.keys(row) for row in (0, PHOTOS - 1)] == [("flickr/1000",), (f"flickr/{1000 + PHOTOS - 1}",)]
    assert reader[0].id.startswith("flickr8k/train")
    assert reader[PHOTOS - 1].id.startswith("flickr8k/val")


def test_a_test_photograph_of_one_language_is_trained_in_neither(sources: tuple[Source, ...], images_of) -> None:
    english, german = images_of(sources, "caption_en"), images_of(sources, "caption_de")
    assert len(english["train"] | english["val"] | english["test"]) == PHOTOS
    assert len(german["train"] | german["val"] | german["test"]) == PHOTOS // 2
    both = {role: english[role] | german[role] for role in english}
    assert both["test"]
    assert not both["test"] & (both["train"] | both["val"])
    assert not both["val"] & both["train"]


def test_every_set_is_in_all_roles_and_read(sources: tuple[Source, ...]) -> None:
    asked = ["cifar10", "fashion", "caption_en", "caption_de", "receipt_line", "easy_vqa", "vqav2"]
    assert list(by_name(sources)) == [f"{name}{role}" for name in asked for role in ("", "/val", "/test")]
    for source in sources:
        example = source.reader[0]
        for task in source.tasks:
            assert task.annotation_of(example) is not None


def test_garments_are_evaluated_on_their_own_test_file(sources: tuple[Source, ...]) -> None:
    parts = [by_name(sources)[f"fashion{role}"].reader for role in ("", "/val", "/test")]
    assert [len(part) for part in parts] == [4000, 500, 1000]
    # Labels count up from 0, so that the class of a row says which row it is.
    assert [part[0].labels["class"] for part in parts] == [0, 0, 0]
    assert parts[0].keys(3999) != parts[1].keys(0)
    assert not {parts[0].keys(row) for row in range(4000)} & {parts[1].keys(row) for row in range(500)}
    assert not {parts[0].keys(row) for row in range(4000)} & {parts[2].keys(row) for row in range(1000)}


def test_lines_of_receipts_are_tested_on_the_published_val_list(sources: tuple[Source, ...]) -> None:
    (test,) = (source.reader for source in sources if source.name == "receipt_line/test")
    assert len(test) == 600
    assert test[0].labels["text"] == ("TOTAL 0",)
    assert len(by_name(sources)["receipt_line"].reader) + len(by_name(sources)["receipt_line/val"].reader) == 40
