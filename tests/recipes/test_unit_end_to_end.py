"""A UniT that finds things, from the recipe to the picture: trained, judged, restored, asked, drawn, written down."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motet.cli import main
from motet.hub import load_system
from motet.hub.predict import Predictor
from motet.preprocess.images import decode
from motet.recipes.data.scene_sources import SceneSources
from motet.report.draw import class_colour

RECIPE = """
from dataclasses import replace

from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.recipes.unit import small
from motet.recipes.data.scene_sources import SceneSources
from motet.training.balancers import TaskMean
from motet.training.optim import SkipUnusedAdamW
from motet.training.config import TrainConfig
from motet.training.run import Run


def run() -> Run:
    scenes = SceneSources(
        task_names=("describe", "sentiment"), train=8, val=2, test=6, kinds=3, things=(1, 2), size=64
    )
    sources = scenes.sources()
    trunk = GridOf(PlainViT(size=32, patch=8, width=16, depth=1, heads=1))
    system = replace(
        small(width=32, depth=1, box_queries=4, text=TinyBert(width=16, depth=1, heads=1, words=300)),
        trunk=trunk, mode=FromScratch(), image_width=16, image_depth=1,
    )
    rates = FixedRates({"scenes/describe": 2.0, "scenes/sentiment": 1.0})
    return Run(
        system=system, sources=sources, schedule=Mixed(rates=rates, batch_size=4, whole_batches=True),
        train=TrainConfig(steps=4, optimizer=SkipUnusedAdamW(), precision="bfloat16"), balancer=TaskMean(),
    )
"""


def said(*arguments: object) -> str:
    """What a command prints that ends well."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a run that the command line trained, with a picture to ask about."""
    made = tmp_path_factory.mktemp("unit")
    (made / "finding.py").write_text(RECIPE)
    path = list(sys.path)
    try:
        said("train", made / "finding.py", "--folder", made / "run", "--json")
        image = (
            SceneSources(task_names=("describe",), train=1, val=1, test=1, size=64)
            .sources(("test",))[0]
            .reader[0]
            .images[0]
        )
        decode(image).save(made / "asked.png")
        yield made
    finally:
        sys.path[:] = path
        sys.modules.pop("finding", None)


def test_the_report_has_twelve_numbers_of_boxes_and_their_baselines(folder: Path) -> None:
    report = json.loads((folder / "run/report.json").read_text())
    metrics = {result["metric"] for result in report["results"] if result["task"] == "describe"}
    assert {"ap", "ap50", "ap75", "ap_small"} <= metrics
    # A size that no test image has is told instead of scored.
    told = [note for note in report["notes"] if ": no a" in note and "no annotated box of this size" in note]
    assert len(metrics) + len(told) >= 12
    assert all(result["value"] >= 0 for result in report["results"] if result["task"] == "describe")
    assert "describe" in json.dumps(report["trivial_baselines"])


def test_boxes_are_asked_for_and_drawn(folder: Path) -> None:
    ask = ("predict", folder / "run", "--task", "describe", "--image", folder / "asked.png")
    told = json.loads(said(*ask, "--json"))["answer"]
    boxes = Predictor(load_system(folder / "run"))("describe", image=folder / "asked.png")
    np.testing.assert_allclose(told["boxes_xyxy"], boxes.boxes_xyxy, atol=1e-3)
    assert len(told["names"]) == len(told["described"]) == 4
    lines = said(*ask, "--out", folder / "out.png", "--min-score", 0).splitlines()
    assert len(lines) == 4
    with Image.open(folder / "out.png") as file, Image.open(folder / "asked.png") as plain:
        drawn, before = np.asarray(file.convert("RGB")), np.asarray(plain.convert("RGB"))
    assert drawn.shape == before.shape
    changed = drawn[(drawn != before).any(-1)]
    assert (changed == class_colour(told["labels"][int(np.argmax(told["scores"]))])).all(-1).any()


def test_boxes_are_written_as_coco_wants_them(folder: Path) -> None:
    said("evaluate", folder / "run", "--result-files", folder / "files", "--task", "describe")
    found = json.loads((folder / "files/scenes-describe-test-describe.json").read_text())
    assert len(found) == 6 * 4
    assert len({box["image_id"] for box in found}) == 6
    assert set(found[0]) == {"image_id", "category_id", "bbox", "score"}
    assert all(box["category_id"] in (1, 2, 3) and len(box["bbox"]) == 4 for box in found)


def test_the_page_shows_the_true_boxes_beside_the_said_ones(folder: Path) -> None:
    page = (folder / "run/report.html").read_text()
    found = [base64.b64decode(data) for data in re.findall(r'src="data:image/(?:jpeg|png);base64,([^"]+)"', page)]
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in found]
    pairs = [picture for picture in images if picture.width > 1.9 * picture.height * 0.9]
    assert len(pairs) == 6
    for image in pairs:
        left = np.asarray(image, dtype=int)[:, : image.width // 2]
        near = [(abs(left - np.array(class_colour(label))).sum(-1) < 40).sum() for label in range(3)]
        assert max(near) > 100  # the frame and the plate of a true box; JPEG blurs its colour
