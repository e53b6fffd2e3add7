"""`list`, `data check`, `data look`, `data stats` and `plan` on a small recipe of one's own."""

from __future__ import annotations

import io
import json
import sys

import pytest
from PIL import Image

from motet.cli.main import main


def test_list_shows_every_table(motet):
    ran = motet("list")
    assert ran.code == 0
    for name in ("ImageFolder", "easy_vqa", "lit_decoder"):
        assert name in ran.out
    found = json.loads(motet("list", "--json").out)
    assert list(found) == ["readers", "tasks", "systems", "recipes"]
    assert found["tasks"]["digits"] == "inputs: image; one of 10 names: 0, 1, 2, 3, 4, 5, 6, 7, ...; accuracy"
    assert list(json.loads(motet("list", "systems", "--json").out)) == ["systems"]
    assert all(summary for kind in found.values() for summary in kind.values())


def test_balancers_have_a_cost_a_memory_and_a_source(motet):
    found = json.loads(motet("list", "balancers", "--json").out)["balancers"]
    assert {"TaskMean", "FAMO", "UPGrad", "GradNorm"} <= set(found)
    assert all(info[key] for info in found.values() for key in ("summary", "passes", "state", "paper"))
    assert found["UPGrad"]["passes"] == "one per task"
    assert found["FAMO"] | {"summary": ""} == {
        "summary": "",
        "paper": "Liu et al., NeurIPS 2023 (FAMO)",
        "passes": "1, and a forward pass",
        "state": "a logit per task, Adam",
    }
    assert "one per task" in motet("list", "balancers").out


def test_good_data_is_code_0(motet, recipe):
    ran = motet("data", "check", recipe)
    assert (ran.code, ran.out) == (0, "24 rows read, 0 with a problem\n")


def test_bad_rows_are_named_and_code_1(motet, recipe):
    image = recipe.parent / "kinds/light/1.png"
    image.write_bytes(image.read_bytes()[:30])
    ran = motet("data", "check", recipe)
    assert ran.code == 1
    assert "image: got" in ran.out
    assert str(image) in ran.out
    assert "24 rows read, 2 with a problem" in ran.out
    told = json.loads(motet("data", "check", recipe, "--json").out)
    assert told["rows"] == 24
    assert {problem["source"].partition("/")[0] for problem in told["problems"]} == {"kind", "vqa"}


def test_a_folder_is_checked_by_what_is_recognised_in_it(motet, recipe):
    ran = motet("data", "check", recipe.parent)
    assert (ran.code, ran.out) == (0, "24 rows read, 0 with a problem\n")


def test_what_is_near_a_layout_and_cannot_be_read_is_told_of_a_folder(motet, recipe):
    labels = recipe.parent / "cells" / "labels"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text("0 .5 .5 .2 .2\n")
    ran = motet("data", "check", recipe.parent)
    assert ran.code == 1
    assert "left out: " in ran.out
    assert "got no folder with the image a;" in ran.out
    assert "24 rows read, 0 with a problem" in ran.out
    (unread,) = json.loads(motet("data", "check", recipe.parent, "--json").out)["left_out"]
    assert str(labels) in unread


def test_what_is_not_read_of_a_folder_is_the_same_list_in_check_stats_and_look(motet, recipe):
    folder = recipe.parent
    (folder / "log.csv").write_text("step,loss\n1,.5\n")
    note = f"note: {folder}/log.csv: got a table without a column of images ('step', 'loss'); want a column of their "
    note += "names, if it is about images"
    ran = motet("data", "check", folder)
    assert (ran.code, ran.out.splitlines()[0]) == (0, note)
    (folder / "more.csv").write_text("image;answer\n1.jpg;yes\n")
    left_out = (
        f"left out: {folder}/more.csv: table: got no folder with the images of column 'image' (1.jpg); want them "
    )
    left_out += f"in {folder}, or a column with their paths"
    for command in ("check", "stats", "look"):
        ran = motet("data", command, folder, *(["--out", folder / "data.html"] if command == "look" else []))
        assert ran.code == (1 if command == "check" else 0)
        assert ran.out.splitlines()[:2] == [left_out, note]
    told = json.loads(motet("data", "check", folder, "--json").out)
    assert [f"left out: {line}" for line in told["left_out"]] + [f"note: {line}" for line in told["notes"]] == [
        left_out,
        note,
    ]


def test_names_of_bytes_that_are_no_text_are_read_listed_and_drawn(motet, recipe, monkeypatch):
    kinds = recipe.parent / "kinds"
    image = (kinds / "light" / "0.png").read_bytes()
    (kinds / "light" / "0.png").write_bytes(b"no")
    for kind in ("dark", "light"):
        for number in range(2):
            (kinds / kind / f"{number}.png").rename(kinds / kind / f"f\udcfcr\n{number}.png")
    (kinds / "dark").rename(kinds / "d\udcfcnkel")
    ran = motet("data", "check", kinds)
    assert ran.code == 1
    assert ran.out.count("\n") == 3
    assert "light/f\\udcfcr\\n0.png" in ran.out
    (kinds / "light" / "f\udcfcr\n0.png").write_bytes(image)
    page = recipe.parent / "data.html"
    assert motet("data", "look", kinds, "--out", page).code == 0
    assert page.read_text(encoding="utf-8")
    ascii_terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_terminal)
    with pytest.raises(SystemExit) as left:
        main(["data", "stats", str(kinds)])
    ascii_terminal.flush()
    assert left.value.code == 0
    assert rb"d\udcfcnkel" in ascii_terminal.buffer.getvalue()


def cut_boxes(folder, lines):
    """Writes YOLO labels of one image, of which those past its border are cut."""
    for number in range(3):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.new("L", (10, 10), number).save(folder / "images" / f"{number}.png")
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{number}.txt").write_text("".join(lines))
    (folder / "data.yaml").write_text("names: [cup]\n")


def test_boxes_that_are_cut_are_counted_by_check_and_stats(motet, tmp_path):
    cut_boxes(tmp_path, ["0 .5 .5 .2 .2\n"] * 30 + ["0 .9 .5 .6 .2\n"])
    ran = motet("data", "check", tmp_path)
    assert ran.code == 0
    assert "boxes: of 62 boxes 2 cut at the border of the image" in ran.out
    clipped = json.loads(motet("data", "check", tmp_path, "--json").out)["clipped_boxes"]
    assert sum(counts["cut"] for counts in clipped.values()) == 3
    ran = motet("data", "stats", tmp_path)
    assert "cut at the border" in ran.out
    found = json.loads(motet("data", "stats", tmp_path, "--json").out)
    assert sum(task["cut"] for source in found for task in source["tasks"]) == 3


def test_stats_name_the_first_row_that_cannot_be_read(motet, tmp_path):
    cut_boxes(tmp_path, ["0 .5 .5 .2 .2\n"])
    (tmp_path / "labels" / "1.txt").write_text("0 50 50 20 20\n")
    ran = motet("data", "stats", tmp_path)
    assert ran.code == 0
    assert "1 rows cannot be read, the first: numbers: got '0 50 50 20 20'" in ran.out
    assert "1.txt, row 0" in ran.out


def test_a_folder_that_is_left_out_as_a_whole_is_one_line_with_the_reason(motet, tmp_path):
    cut_boxes(tmp_path, ["0 .9 .5 .6 .2\n"])
    ran = motet("data", "check", tmp_path)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "got nothing to train on" in ran.err
    assert "boxes: got 3 of 3 that pass the border of their image" in ran.err
    assert "0.txt, row 0" in ran.err
    assert motet("data", "check", tmp_path / "images").code == 2


def test_stats_count(motet, recipe):
    ran = motet("data", "stats", recipe)
    assert ran.code == 0
    assert "dark" in ran.out
    told = json.loads(motet("data", "stats", recipe, "--json").out)
    assert sum(source["counts"]["rows"] for source in told) == 24
    assert {source["role"] for source in told} == {"train", "val", "test"}


def test_plan_says_what_each_task_will_see(motet, recipe):
    ran = motet("plan", recipe, "--timed-steps", "1")
    assert ran.code == 0
    assert "samples to see" in ran.out
    assert "parameters: " in ran.out
    told = json.loads(motet("plan", recipe, "--timed-steps", "1", "--json", "--set", "train.steps=20").out)
    assert told["steps"] == 20
    assert sum(counts["samples"] for counts in told["samples"]) == 80
    assert told["frozen"] > 0


def test_a_setting_that_does_not_fit_is_one_line(motet, recipe):
    ran = motet("plan", recipe, "--set", "train.stesp=3")
    assert ran.code == 2
    assert ran.err == "motet: --set train.stesp=3: got no field 'stesp' in TrainConfig; did you mean 'steps'?\n"


def test_look_draws_some_rows_of_every_source_on_a_page(motet, recipe):
    page = recipe.parent / "new" / "data.html"
    ran = motet("data", "look", recipe, "--rows", "2", "--out", page)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"12 rows of 6 sources, 0 with an impossible annotation: {page}\n"
    html = page.read_text()
    assert "Greys: nobody&#x27;s" in html
    assert "<h2>kind/val (val, " in html
    assert "is it dark ?" in html
    told = json.loads(motet("data", "look", recipe, "--rows", "1", "--out", page, "--json").out)
    assert told == {"file": str(page), "rows": 6, "with_a_problem": 0}
    ran = motet("data", "look", recipe, "--rows", "1", "--out", recipe / "data.html")
    assert ran.code == 2
    assert "--out: got File exists; want a path that can be written" in ran.err
