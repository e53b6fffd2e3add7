"""`data regions`: a file of regions that a recipe's model can take as its source."""

from __future__ import annotations

import json

import pytest

from motet.config.recipe_files import load_recipe
from motet.data.formats.regions import LmdbRegions


@pytest.fixture
def quick(monkeypatch):
    """The embedded trunk takes a second to build: a detector that says one box serves for the command."""
    import torch

    from motet.data.formats.regions import DetectorOutput
    from motet.experiments import region_extraction as regions

    def find(image):
        box = torch.tensor([[0.0, 0.0, image.width, image.height]])
        return DetectorOutput(box, torch.ones(1, 6), torch.ones(1))

    monkeypatch.setattr(regions, "trunk_detector", lambda *_, **__: find)


def test_every_image_of_a_recipe_is_written_once(motet, recipe, tmp_path, quick):
    out = tmp_path / "found.lmdb"
    ran = motet("data", "regions", recipe, "--out", out)
    assert ran.code == 0, ran.err
    assert f"features of 6 numbers in {out}" in ran.out
    assert f'TwelveInOneConfig(source=LmdbRegions(path="{out}"), ...)' in ran.out
    again = json.loads(motet("data", "regions", recipe, "--out", out, "--json").out)
    assert again["done"] == 0
    assert again["there"] > 0
    reader = LmdbRegions(path=out)
    for source in load_recipe(str(recipe)).sources:
        example = source.reader[0]
        assert len(reader.regions(example.images[0], example.image_ids[0])) == 1


def test_a_broken_image_is_told_and_the_rest_is_written(motet, recipe, tmp_path, quick):
    broken = sorted((recipe.parent / "kinds").rglob("*.png"))[0]
    broken.write_bytes(b"no picture")
    ran = motet("data", "regions", recipe, "--out", tmp_path / "found")
    assert ran.code == 1
    assert "not read: " in ran.out
    assert ", 2 could not be read" in ran.out  # the recipe knows it by two ids
    assert len(list((tmp_path / "found").glob("*.npz"))) > 0


def test_another_detector_in_the_same_file_is_one_line(motet, recipe, tmp_path, quick):
    motet("data", "regions", recipe, "--out", tmp_path / "found")
    ran = motet("data", "regions", recipe, "--out", tmp_path / "found", "--detector", "grid")
    assert ran.code == 2
    assert "detector: got 'grid'; want 'embedded'" in ran.err


def test_help_has_an_example(motet):
    assert "Example:  motet data regions" in motet("data", "regions", "--help").out
