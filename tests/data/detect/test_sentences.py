"""GLUE's folders, SNLI-VE and e-SNLI-VE as they lie."""

import json

import pytest
from PIL import Image

from motet.data.detect import detect
from motet.data.readers import READERS

FILES = {
    "cola": ("CoLA/train.tsv", "gj04\t1\t\tA dog runs.\ngj04\t0\t*\tA dog run.\n"),
    "sst2": ("SST-2/train.tsv", "sentence\tlabel\ngood\t1\nbad\t0\n"),
    "mrpc": (
        "MRPC/msr_paraphrase_train.txt",
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t2\t3\ta\tb\n0\t2\t3\ta\tc\n",
    ),
    "qqp": (
        "QQP_part/train.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t0\n1\t2\t3\ta\tb\t1\n",
    ),
    "mnli": (
        "mnli/dev_matched.tsv",
        "index\tsentence1\tsentence2\tgold_label\n0\ta\tb\tneutral\n1\ta\tb\tentailment\n",
    ),
    "qnli": ("QNLI/train.tsv", "index\tquestion\tsentence\tlabel\n0\ta\tb\tentailment\n1\ta\tb\tnot_entailment\n"),
    "rte": ("RTE/train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n1\ta\tb\tnot_entailment\n"),
    "wnli": ("WNLI/train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n1\ta\tb\t0\n"),
}


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize("task", FILES)
def test_a_task_of_glue_is_told_by_its_folder_and_its_header(tmp_path, task):
    name, content = FILES[task]
    text(tmp_path / name, content)
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.rows) == ("Glue", "sentences", "class", 2)
    assert found.arguments["task"] == task
    assert READERS[found.reader](**found.arguments)[1].labels["class"] in (0, 1)


@pytest.mark.parametrize("task", ["mrpc", "qqp", "mnli"])
def test_some_headers_tell_the_task_in_any_folder(tmp_path, task):
    name, content = FILES[task]
    text(tmp_path / "mine" / name.split("/")[1], content)
    assert [found.arguments["task"] for found in detect(tmp_path)] == [task]


def test_parts_without_labels_are_told_and_tables_of_others_are_none_of_glue(tmp_path):
    text(tmp_path / "RTE" / "test.tsv", "index\tsentence1\tsentence2\n0\ta\tb\n")
    text(tmp_path / "mine" / "train.tsv", "sentence\tlabel\ngood\t1\n")
    text(tmp_path / "SST-2" / "dev.tsv", "text\tlabel\ngood\t1\n")
    (found,) = detect(tmp_path)
    assert (found.arguments["task"], found.split, found.rows) == ("rte", "test", 0)
    assert "without labels, which GLUE does not publish" in found.problems[0]


def snli_ve(path, photo="7"):
    row = {
        "Flickr30K_ID": photo,
        "sentence1": "A dog.",
        "sentence2": "An animal.",
        "gold_label": "entailment",
        "pairID": "7.jpg#0r1e",
    }
    text(path, json.dumps(row) + "\n")


def esnlive(path, photo="7.jpg"):
    head = ",pairID,Flickr30kID,hypothesis,gold_label,explanation"
    text(path, f'{head}\n0,{photo}#0r1n,{photo},"A dog, barking.",neutral,Why not.\n')


def test_visual_entailment_of_both_forms(tmp_path):
    (tmp_path / "flickr30k-images").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "flickr30k-images" / "7.jpg")
    snli_ve(tmp_path / "snli_ve_train.jsonl")
    esnlive(tmp_path / "esnlive_dev.csv")
    found = detect(tmp_path)
    assert sorted((one.reader, one.kind, one.label, one.split, one.rows) for one in found) == [
        ("ESnliVe", "visual entailment", "class", "val", 1),
        ("SnliVe", "visual entailment", "class", "train", 1),
    ]
    rows = {one.reader: READERS[one.reader](**one.arguments)[0] for one in found}
    assert rows["SnliVe"].image_ids == rows["ESnliVe"].image_ids == ("flickr/7",)
    assert rows["ESnliVe"].text == "A dog, barking."
    assert [rows[name].labels["class"] for name in ("SnliVe", "ESnliVe")] == [0, 1]


def test_visual_entailment_without_its_photos_is_told(tmp_path):
    snli_ve(tmp_path / "a.jsonl")
    esnlive(tmp_path / "b.csv")
    text(tmp_path / "c.jsonl", '{"sentence2": "x"}\n')
    problems = sorted(problem for found in detect(tmp_path) for problem in found.problems)
    assert len(problems) == 2
    assert all("got no folder with the image 7.jpg" in problem for problem in problems)
