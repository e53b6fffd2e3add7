"""The reader, metric, task and recipe of docs/ADDING.md are saved as it says, trained and asked."""

import sys
from pathlib import Path

import pytest
from documents import blocks

import motet
from motet.config.recipe_files import load_recipe
from motet.training.train import train


def test_a_reader_a_metric_and_a_task_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, recipe = blocks("docs/ADDING.md", "python")
    assert len([line for line in parts.splitlines() if line.strip()]) < 40
    (tmp_path / "shades.py").write_text(parts)
    (tmp_path / "shades_recipe.py").write_text(recipe)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    try:
        report = train(load_recipe("shades_recipe.py:run"), tmp_path / "run", show=False)
        near = report.main("shade")
        assert near.metric == "near"
        assert near.low is not None
        assert near.low > 60  # one of five shades, at most one step off: a constant answer gets 60
        shades = sys.modules["shades"]
        ask = motet.load(tmp_path / "run", trust=("shades",))
        assert ask("shade", image=shades.Squares(240, 1)[0].images[0].read()).text in shades.SHADES
    finally:
        sys.modules.pop("shades", None)
