"""A run without the images that the lists name; every other part of it stays as it is."""

import dataclasses
from pathlib import Path

import pytest
from toys import ToyReader, toy_run

from motet.core import ConfigError, DataError
from motet.data.leakage import removals, write_lists
from motet.experiments.deduplicated import without_leaks
from motet.training.run import Run


def leaky_run() -> Run:
    """Returns a run whose first training source shares 15 of its 40 images with its test source."""
    run = toy_run()
    train = dataclasses.replace(run.sources[0], reader=ToyReader("a-train", 40, images="shared"))
    sources = tuple(
        dataclasses.replace(source, reader=ToyReader("a-test", 15, images="shared"))
        if source.name == "a/test"
        else source
        for source in run.sources[1:]
    )
    return dataclasses.replace(run, sources=(train, *sources))


def test_only_the_leaking_source_loses_rows(tmp_path: Path) -> None:
    run = leaky_run()
    write_lists(tmp_path, removals(run.sources))
    clean = without_leaks(run, tmp_path)
    assert len(clean.sources[0].reader) == 40 - 15
    assert clean.sources[1:] == run.sources[1:]
    assert dataclasses.replace(clean, sources=run.sources) == run


def test_a_folder_may_be_a_text(tmp_path: Path) -> None:
    run = leaky_run()
    write_lists(tmp_path, removals(run.sources))
    assert without_leaks(run, str(tmp_path)) == without_leaks(run, tmp_path)


def test_lists_of_other_data_are_refused(tmp_path: Path) -> None:
    run = leaky_run()
    write_lists(tmp_path, removals(run.sources))
    grown = dataclasses.replace(run.sources[0], reader=ToyReader("a-train", 41, images="shared"))
    with pytest.raises(ConfigError, match="source 'a': got a list made for 40 other rows; want one for its 41"):
        without_leaks(dataclasses.replace(run, sources=(grown, *run.sources[1:])), tmp_path)


def test_a_folder_without_lists_or_with_damaged_ones_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lists: got no such file; want the file that `motet data deduplicate` writes"):
        without_leaks(toy_run(), tmp_path)
    (tmp_path / "lists.json").write_text("{")
    with pytest.raises(DataError, match=r"lists: got .*; want the file"):
        without_leaks(toy_run(), tmp_path)
