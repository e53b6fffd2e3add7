"""What goes wrong with boxes and sentences, and what looks wrong and is legal: one clear line, or a whole run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import line_of, write_image
from toy_unit import CONFIG

from motet.core import BoxSet, Report
from motet.data.readers import CocoInstances, ESnliVe, Glue
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.hub import load_system
from motet.hub.predict import Predictor
from motet.tasks import detection, glue, visual_entailment
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import SkipUnusedAdamW
from motet.training.run import Run
from motet.training.run_training import run_training

LONG = "word " * 10_000


def run_of(*sources: Source) -> Run:
    """Two steps of a UniT of a few thousand parameters."""
    return Run(
        system=CONFIG,
        sources=sources,
        schedule=Mixed(batch_size=2, whole_batches=True),
        train=TrainConfig(steps=2, optimizer=SkipUnusedAdamW(), evaluate_every=0),
        balancer=TaskMean(),
    )


def boxes_file(folder: Path, *boxes: dict[str, Any]) -> Path:
    """Two pictures of 24 x 24 pixels, and the boxes of the first."""
    entries = [{"id": n, "file_name": f"{n}.jpg", "width": 24, "height": 24} for n in (1, 2)]
    for entry in entries:
        write_image(folder / str(entry["file_name"]))
    known = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    given = [{"image_id": 1, "category_id": 1, "bbox": [2, 2, 8, 8]} | box for box in boxes]
    file = folder / "boxes.json"
    file.write_text(json.dumps({"images": entries, "annotations": given, "categories": known}))
    return file


def boxes_run(file: Path) -> Run:
    """Finding what is in the file, judged on the same pictures."""
    reader = CocoInstances(file, file.parent, image_prefix="mine")
    task = detection("pets", reader.names)
    return run_of(*(Source(name=role, reader=reader, tasks=(task,), role=role) for role in ("train", "test")))


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ({"bbox": [20, 2, 8, 8]}, "box: got (20, 2, 28, 10) as left, top, right, bottom; want a box inside the image "
         "of 24 x 24 pixels"),
        ({"bbox": [5, 5, 0, 8]}, "box: got (5, 5, 5, 13) as left, top, right, bottom; want left < right and top < "
         "bottom"),
        ({"bbox": [5, float("nan"), 3, 8]}, "bbox: got nan; want a finite number of at most 64 bits"),
        ({"category_id": 7}, "category_id: got 7, a class without a name; want one of 2"),
    ],
    ids=["outside", "no area", "no number", "no name"],
)  # fmt: skip
def test_a_box_that_is_none_is_told_with_its_file_and_row(tmp_path: Path, box: dict[str, Any], said: str) -> None:
    file = boxes_file(tmp_path, {}, box)
    assert line_of(lambda: boxes_run(file), tmp_path / "run") == f"{said} ({file}, row 1)"


@pytest.mark.parametrize("boxes", [(), ({},)], ids=["none anywhere", "none in one"])
def test_images_without_boxes_train_and_are_evaluated(tmp_path: Path, boxes: tuple[dict[str, Any], ...]) -> None:
    report = run_training(boxes_run(boxes_file(tmp_path, *boxes)), tmp_path / "run", device="cpu", show=False)
    assert report.step == 2
    assert {result.task for result in report.results} == {"pets"}
    found = Predictor(load_system(tmp_path / "run"))("pets", image=tmp_path / "2.jpg")
    assert isinstance(found, BoxSet)
    assert len(found.labels) == CONFIG.box_queries


def entailment_run(folder: Path, *hypotheses: str) -> Run:
    """Whether a picture says what a sentence does."""
    write_image(folder / "10.jpg")
    with (folder / "esnlive_dev.csv").open("w", newline="") as file:
        header = ("", "pairID", "Flickr30kID", "hypothesis", "gold_label", "explanation")
        rows = [(n, f"10.jpg#{n}", "10.jpg", text, "entailment", "") for n, text in enumerate(hypotheses)]
        csv.writer(file).writerows([header, *rows])
    reader = ESnliVe(folder / "esnlive_dev.csv", folder)
    task = visual_entailment("entail", reader.names)
    return run_of(*(Source(name=role, reader=reader, tasks=(task,), role=role) for role in ("train", "test")))


def sentences_run(folder: Path, *sentences: str) -> Run:
    """Whether a sentence is kind."""
    lines = "".join(f"{sentence}\t{n % 2}\n" for n, sentence in enumerate(sentences))
    for part in ("train", "dev"):
        (folder / "SST-2").mkdir(exist_ok=True)
        (folder / "SST-2" / f"{part}.tsv").write_text(f"sentence\tlabel\n{lines}")
    parts = {"train": Glue(folder, "sst2", "train"), "test": Glue(folder, "sst2", "dev")}
    return run_of(*(Source(name=role, reader=parts[role], tasks=(glue("sst2"),), role=role) for role in parts))


@pytest.mark.parametrize("text", ["", LONG], ids=["an empty one", "ten thousand words"])
def test_any_hypothesis_trains_and_is_evaluated_and_asked(tmp_path: Path, text: str) -> None:
    report = evaluated(entailment_run, tmp_path, text, "a grey field")
    assert report.results[0].count == 2
    system = load_system(tmp_path / "run")
    asked = Predictor(system)("entail", image=tmp_path / "10.jpg", text=text)
    assert asked == Predictor(system)("entail", image=tmp_path / "10.jpg", text=text)


def test_a_sentence_of_ten_thousand_words_is_cut_and_trained_on(tmp_path: Path) -> None:
    assert evaluated(sentences_run, tmp_path, LONG, "a kind film").results[0].count == 2
    system = load_system(tmp_path / "run")
    row = system.processor.row(Glue(tmp_path, "sst2", "train")[0], list(system.tasks.values()), None)
    assert len(row.entries[0].ids) == CONFIG.text_limits.max_tokens


def evaluated(make: Callable[..., Run], folder: Path, *texts: str) -> Report:
    report = run_training(make(folder, *texts), folder / "run", device="cpu", show=False)
    assert report.step == 2
    return report
