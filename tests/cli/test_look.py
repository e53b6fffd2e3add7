"""`list`, `data check`, `data stats` and `plan` on a small recipe of one's own."""

from __future__ import annotations

import json
import sys

import pytest

RECIPE = """
from pathlib import Path
from motet.data.readers import ImageFolder
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.prep.words import TrainedWords
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import classification
from motet.train.plan import Plan
from motet.train.run import Run

def run() -> Run:
    "Two kinds of grey."
    reader = ImageFolder(Path(__file__).parent / "kinds")
    system = LiTDecoderConfig(encoder=PlainViT(size=32, width=16, depth=1, heads=1), depth=1, width=16, heads=1,
                              max_tokens=32, words=TrainedWords(size=300))
    kinds = Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),))
    return Run(system=system, sources=(kinds,), schedule=Mixed(batch_size=2), plan=Plan(steps=6))
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    from PIL import Image

    for name, value in (("dark", 20), ("light", 200)):
        (tmp_path / "kinds" / name).mkdir(parents=True)
        for index in range(2):
            Image.new("L", (8, 8), value + index).save(tmp_path / "kinds" / name / f"{index}.png")
    (tmp_path / "grey_recipe.py").write_text(RECIPE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / "grey_recipe.py"
    sys.modules.pop("grey_recipe", None)


def test_list_shows_every_table(motet):
    ran = motet("list")
    assert ran.code == 0
    for name in ("ImageFolder", "easy_vqa", "lit_decoder"):
        assert name in ran.out
    found = json.loads(motet("list", "--json").out)
    assert list(found) == ["readers", "tasks", "systems", "recipes"]
    assert found["tasks"]["digits"] == "sees image; one of 10 names: 0, 1, 2, 3, 4, 5, 6, 7, ...; accuracy"
    assert list(json.loads(motet("list", "systems", "--json").out)) == ["systems"]
    assert all(summary for kind in found.values() for summary in kind.values())


def test_good_data_is_code_0(motet, recipe):
    ran = motet("data", "check", recipe)
    assert (ran.code, ran.out) == (0, "4 rows read, 0 with a problem\n")


def test_bad_rows_are_named_and_code_1(motet, recipe):
    picture = recipe.parent / "kinds/light/1.png"
    picture.write_bytes(picture.read_bytes()[:30])
    ran = motet("data", "check", recipe)
    assert ran.code == 1
    assert "kinds, row 3: image: got" in ran.out
    assert "4 rows read, 1 with a problem" in ran.out
    told = json.loads(motet("data", "check", recipe, "--json").out)
    assert told["rows"] == 4
    assert [(problem["source"], problem["row"]) for problem in told["problems"]] == [("kinds", 3)]


def test_stats_count(motet, recipe):
    ran = motet("data", "stats", recipe)
    assert ran.code == 0
    assert "dark 50%, light 50%" in ran.out
    (told,) = json.loads(motet("data", "stats", recipe, "--json").out)
    assert told["counts"] == {"rows": 4, "images": 4, "pairs": 4, "unique_images": 4}


def test_plan_says_what_each_task_will_see(motet, recipe):
    ran = motet("plan", recipe, "--timed-steps", "1")
    assert ran.code == 0
    assert "kind" in ran.out
    assert "100.0%" in ran.out
    assert "3.0" in ran.out
    told = json.loads(motet("plan", recipe, "--timed-steps", "1", "--json", "--set", "plan.steps=20").out)
    assert told["steps"] == 20
    assert [(sees["seen"], sees["epochs"]) for sees in told["sees"]] == [(40, 10.0)]
    assert told["frozen"] > 0


def test_a_setting_that_does_not_fit_is_one_line(motet, recipe):
    ran = motet("plan", recipe, "--set", "plan.stesp=3")
    assert ran.code == 2
    assert ran.err == "motet: --set plan.stesp=3: got no field 'stesp' in Plan; did you mean 'steps'?\n"
