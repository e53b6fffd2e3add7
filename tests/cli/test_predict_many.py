"""`motet predict --images`: folders, patterns and tables to a file, bad rows, a stop and a restart."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command_line import call
from toy_predictor import GreyConfig, grey_png, toy_task

from motet.core.model_folder import write_model
from motet.hub.many import RowPredictions
from motet.hub.predict import Predictor


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tasks = [toy_task(name) for name in ("bright", "caption", "echo", "ask", "which")]
    write_model(tmp_path / "model", GreyConfig().build(tasks, texts=tuple))
    return tmp_path / "model"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for place, grey in enumerate((0, 255, 10, 250, 130)):
        path = tmp_path / "photos" / f"sub{place % 2}" / f"p_{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(grey_png(grey))
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"no image")
    (tmp_path / "photos" / "notes.txt").write_text("no image either")
    return tmp_path / "photos"


def many(model: Path, images: object, out: Path, *more: str) -> list[dict]:
    ran = call("predict", model, "--trust", "toy_predictor", "--images", images, "--out", out, *more)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_folder_is_predicted_for_several_tasks_with_one_line_per_bad_image(model, photos, tmp_path) -> None:
    lines = many(model, photos, tmp_path / "o.jsonl", "--task", "bright", "--task", "caption", "--scores", "2")
    assert [Path(line["id"]).name for line in lines] == [
        "bad.jpg",
        "p_0.png",
        "p_2.png",
        "p_4.png",
        "p_1.png",
        "p_3.png",
    ]
    assert "got 8 bytes that start with b'no image'" in lines[0]["error"] or "a file that starts" in lines[0]["error"]
    assert [line["predictions"]["bright"] for line in lines[1:]] == ["dark", "dark", "bright", "bright", "bright"]
    assert lines[1]["predictions"]["caption"] == "a grey of 0"
    assert lines[1]["scores"]["bright"]["top"][0] == {"name": "dark", "probability": 1.0}
    assert [one["name"] for one in lines[3]["scores"]["bright"]["top"]] == ["bright", "dark"]


def test_a_pattern_takes_what_it_matches_and_official_results_are_written(model, photos, tmp_path) -> None:
    lines = many(
        model, photos / "sub1" / "*.png", tmp_path / "o.jsonl", "--task", "caption", "--results", str(tmp_path / "res")
    )
    assert [line["predictions"] for line in lines] == [{"caption": "a grey of 255"}, {"caption": "a grey of 250"}]
    results = json.loads((tmp_path / "res" / "predict-caption.json").read_text())
    assert results == [{"image_id": 1, "caption": "a grey of 255"}, {"image_id": 3, "caption": "a grey of 250"}]


def test_tables_of_texts_and_of_images_with_questions(model, photos, tmp_path) -> None:
    (tmp_path / "t.csv").write_text("question\nhow?\nwhy?\n")
    lines = many(model, tmp_path / "t.csv", tmp_path / "o.jsonl", "--task", "echo", "--text-column", "question")
    assert [line["predictions"]["echo"] for line in lines] == ["how?:0", "why?:0"]
    table = photos / "t.jsonl"
    rows = [{"image": "sub0/p_0.png", "text": "one"}, {"image": "gone.png", "text": "two"}, {"image": "sub0/p_2.png"}]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = many(model, table, tmp_path / "p.jsonl", "--task", "ask", "--task", "bright")
    assert lines[0]["predictions"] == {"ask": "one:1", "bright": "dark"}
    assert "gone.png" in lines[1]["error"]
    assert "error" in lines[2]


def test_one_text_and_candidates_for_all_rows(model, photos, tmp_path) -> None:
    lines = many(model, photos / "sub0", tmp_path / "o.jsonl", "--task", "ask", "--text", "how many?")
    assert {line["predictions"]["ask"] for line in lines} == {"how many?:1"}
    lines = many(
        model,
        photos / "sub0",
        tmp_path / "p.jsonl",
        "--task",
        "which",
        "--candidate",
        "a",
        "--candidate",
        "b",
        "--scores",
        "1",
    )
    assert lines[0]["scores"]["which"] == {"top": [{"candidate": 0, "score": 0.0}]}


def test_a_stopped_command_continues_and_gives_the_same_file(model, photos, tmp_path, monkeypatch) -> None:
    whole = many(model, photos, tmp_path / "whole.jsonl", "--task", "caption", "--batch-size", "2")
    plain = Predictor.many
    started = []

    def stopped_after_three(self, tasks, rows, *, workers, first):
        started.append(first)
        for row in plain(self, tasks, rows, workers=workers, first=first):
            if row.row == 3 and len(started) == 1:
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(Predictor, "many", stopped_after_three)
    arguments = (
        "predict",
        model,
        "--trust",
        "toy_predictor",
        "--images",
        photos,
        "--task",
        "caption",
        "--batch-size",
        "2",
    )
    ran = call(*arguments, "--out", tmp_path / "o.jsonl")
    assert (ran.code, (tmp_path / "o.jsonl").exists()) == (130, False)
    assert "the same command continues" in ran.err
    ran = call(*arguments, "--out", tmp_path / "o.jsonl")
    assert "2 of 6 rows are there already" in ran.out
    assert started == [0, 2]
    assert [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()] == whole


def test_another_request_and_a_finished_file_are_not_overwritten(model, photos, tmp_path, monkeypatch) -> None:
    out = tmp_path / "o.csv"
    arguments = ("predict", model, "--trust", "toy_predictor", "--images", photos, "--out", out)
    monkeypatch.setattr(Predictor, "many", lambda *a, **k: (_ for _ in [RowPredictions(row=0)] if (_ or 1 / 0)))
    (tmp_path / ".o.csv.unfinished").write_text('{"model": "another"}\n')
    assert "of another request" in call(*arguments, "--task", "caption").err
    monkeypatch.undo()
    assert call(*arguments, "--task", "caption", "--force").code == 0
    with open(out, newline="") as file:
        assert [row["caption"] for row in csv.DictReader(file)][1] == "a grey of 0"
    assert "got the existing file" in call(*arguments, "--task", "caption").err


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("--task", "capton"), "did you mean 'caption'"),
        ((), "--task: got none; want one or several"),
        (("--task", "ask"), "want --text, the same for all, or a table"),
        (("--task", "caption", "--candidate", "a"), "want one task that chooses from candidates"),
        (("--task", "caption", "--images", "no/such/*.png"), "--images: got no image in 'no/such/*.png'"),
        (("--task", "caption", "--out", "o.txt"), "want a file that ends in .jsonl, .csv, .parquet"),
    ],
)
def test_what_does_not_fit_is_one_line(model, photos, tmp_path, more, error) -> None:
    ran = call("predict", model, "--trust", "toy_predictor", "--images", photos, "--out", tmp_path / "o.csv", *more)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert error in ran.err


def test_a_table_without_the_column_names_those_that_it_has(model, tmp_path) -> None:
    (tmp_path / "t.csv").write_text("file,q\na.png,b\n")
    ran = call(
        "predict",
        model,
        "--trust",
        "toy_predictor",
        "--images",
        tmp_path / "t.csv",
        "--out",
        tmp_path / "o.csv",
        "--task",
        "ask",
    )
    assert "--image-column: got 'image', and a table with the columns file, q; want" in ran.err


def test_a_file_of_one_prediction_takes_one_task(model, photos) -> None:
    ran = call(
        "predict",
        model,
        "--trust",
        "toy_predictor",
        "--task",
        "bright",
        "--task",
        "caption",
        "--image",
        photos / "sub0" / "p_0.png",
    )
    assert "--task: got bright, caption; want one of" in ran.err
