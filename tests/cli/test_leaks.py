"""`data leaks` and `data deduplicate` on a recipe with test images in its training data."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

LEAKING = '''

def leaking() -> Run:
    """Its test sets are the rows it trains on, and some more."""
    import dataclasses

    kept = run()
    whole = {"kind": ImageFolder(DATA / "kinds", name="kinds")}
    sources = [
        dataclasses.replace(source, reader=whole["kind"]) if source.name == "kind" else source
        for source in kept.sources
        if source.role != "val"
    ]
    return dataclasses.replace(kept, sources=tuple(sources))
'''


@pytest.fixture
def leaking(recipe, monkeypatch, tmp_path):
    recipe.write_text(recipe.read_text() + LEAKING)
    monkeypatch.chdir(tmp_path)
    # The recipe of `data deduplicate` is named run.py each time, and a file is a module of its name.
    monkeypatch.delitem(sys.modules, "run", raising=False)
    return f"{recipe}:leaking"


def test_leaks_are_shown_by_task(motet, leaking):
    told = json.loads(motet("data", "leaks", leaking, "--ids-only", "--json").out)
    shares = {(one["task"], one["other"]): one for one in told["shares"]}
    assert shares["kind", "kind"]["share"] == 1.0
    assert shares["vqa", "vqa"]["same"] == 0
    assert told["alike"] == []
    ran = motet("data", "leaks", leaking, "--ids-only")
    assert ran.code == 0
    assert "100.0%" in ran.out


def test_deduplicate_writes_lists_and_a_recipe_without_leaks(motet, leaking, tmp_path):
    ran = motet("data", "deduplicate", leaking, "--ids-only", "--out", tmp_path / "clean")
    assert ran.code == 0
    assert "test sets are not changed" in ran.out
    before = json.loads(motet("data", "leaks", leaking, "--ids-only", "--json").out)["shares"]
    after = json.loads(motet("data", "leaks", tmp_path / "clean/run.py", "--ids-only", "--json").out)["shares"]
    assert sum(one["same"] for one in before) > 0
    assert [one["same"] for one in after] == [0] * len(before)
    assert [one["images"] for one in after] == [one["images"] for one in before]


def test_copies_under_other_names_are_shown_in_pairs_and_go_only_when_asked(motet, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images(recipe.parent)
    told = json.loads(motet("data", "leaks", recipe, "--json", "--workers", "0", "--pairs", "pairs.html").out)
    assert told["alike"]
    assert all(pair["test_id"] != pair["train_id"] for pair in told["alike"])
    page = (tmp_path / "pairs.html").read_text()
    assert page.count("<figure") == len(told["alike"])
    assert told["alike"][0]["test_id"] in page
    kept = json.loads(motet("data", "deduplicate", recipe, "--json", "--workers", "0", "--out", "kept").out)["removed"]
    assert [one["alike"] for one in kept] == [[]] * len(kept)
    assert (tmp_path / "kept/pairs.html").exists()
    gone = json.loads(motet("data", "deduplicate", recipe, "--json", "--near", "--workers", "0", "--out", "gone").out)
    assert {key for one in gone["removed"] for key in one["alike"]} == {pair["train_id"] for pair in told["alike"]}
    assert next((tmp_path / ".motet").glob("picture-hashes-*.npz")).exists()


def test_near_and_ids_only_do_not_go_together(motet, recipe):
    ran = motet("data", "deduplicate", recipe, "--near", "--ids-only")
    assert (ran.code, ran.err) == (
        2,
        "motet: motet data deduplicate: got --near and --ids-only; want one of them, since --near must read images\n",
    )


def test_a_cleaned_run_says_what_was_left_out(motet, leaking, tmp_path):
    motet("data", "deduplicate", leaking, "--ids-only", "--out", tmp_path / "clean")
    ran = motet("train", tmp_path / "clean/run.py", "--folder", tmp_path / "trained")
    assert ran.code == 0, ran.err
    notes = json.loads((tmp_path / "trained/report.json").read_text())["notes"]
    assert [note for note in notes if note.startswith("kind: ") and "rows left out" in note]


def images(folder):
    """Every third picture of each kind becomes a copy of one and the same: some fall to training, some to the test."""
    from PIL import Image

    from motet.core import rng_for

    places = sorted((folder / "kinds").rglob("*.png"))
    for number, path in enumerate(places):
        grid = rng_for("picture", 0 if number % 3 == 0 else number).integers(0, 256, (6, 6, 3)).astype("uint8")
        Image.fromarray(grid).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    shutil.rmtree(folder / ".motet", ignore_errors=True)
