"""The tutorials of docs/tutorials are run as they are."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from documents import blocks
from PIL import Image

import motet
from motet.nn.tower import Finetune, FromScratch, Frozen


def write_image(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((24, 24, 3), shade, np.uint8)).save(path)


def test_own_data_trains_two_tasks_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        write_image(tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}.png", 20 * number)
        write_image(tmp_path / "photos" / f"{number}.png", 20 * number)
    captions = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 24, "width": 24} for n in range(12)],
        "annotations": [{"id": n, "image_id": n, "caption": f"shade {n}"} for n in range(12)],
    }
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    write_image(tmp_path / "photo.jpg", 90)
    recipe, use = blocks("docs/tutorials/own_data.md", "python")
    names: dict[str, object] = {}
    exec(recipe, names)
    run = names["run"]()  # type: ignore[operator]
    small = dataclasses.replace(run.system, width=32, heads=1, encoder=dataclasses.replace(run.system.encoder, size=32))
    run = dataclasses.replace(run, system=small, train=dataclasses.replace(run.train, steps=2))
    report = motet.train(run, "runs/pets", show=False)
    assert {result.task for result in report.results} == {"breed", "caption"}
    exec(use, {})
    assert capsys.readouterr().out.endswith("\n")


def test_own_backbones_are_configurations() -> None:
    (lines,) = blocks("docs/tutorials/own_backbone.md", "python")
    names: dict[str, object] = {}
    exec(lines, names)
    for name, mode in (("frozen", Frozen), ("tuned", Finetune), ("scratch", FromScratch)):
        assert isinstance(names[name].mode, mode)  # type: ignore[attr-defined]
