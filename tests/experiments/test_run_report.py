"""The page of a run: pictures of rows that were judged, found again by their ids."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from motet.core import CheckpointError, Example, MemoryImage, Report, Result
from motet.data.source import Source
from motet.experiments.run_report import gallery, run_content, write_page
from motet.report import RunRecord
from motet.tasks import captioning, classification, detection, question_answering


@dataclass(frozen=True)
class Images:
    broken: int = -1

    def __len__(self):
        return 10

    def keys(self, index):
        return (f"i{index}",)

    def __getitem__(self, index):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), (index, 0, 0)).save(buffer, format="PNG")
        data = b"broken" if index == self.broken else buffer.getvalue()
        return Example(id=f"r{index}", images=(MemoryImage(f"i{index}", data),), image_ids=self.keys(index))


def lines(task, metric, score):
    return [
        {
            "id": f"r{index}",
            "images": [f"i{index}"],
            "source": f"{task}/test",
            "task": task,
            "text": "why ?" if task == "vqa" else "",
            "prediction": f"said {index}",
            "ground_truth": ["so", "so", "thus"],
            "scores": {metric: score(index)},
        }
        for index in range(10)
    ]


def result(task, metric):
    return Result(task=task, source=f"{task}/test", metric=metric, value=1.0, unit="", higher_is_better=True, count=10)


RESULTS = (result("vqa", "answer_match"), result("caption", "cider"))


@pytest.fixture
def folder(tmp_path):
    written = lines("vqa", "answer_match", lambda index: 100.0 * (index % 2)) + lines("caption", "cider", float)
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))
    (tmp_path / "run.json").write_text(json.dumps({"tasks": ["vqa", "caption"], "seed": 0, "data": {}}))
    (tmp_path / "report.json").write_text(json.dumps(Report(role="test", results=RESULTS).to_dict()))
    (tmp_path / "log.jsonl").write_text("")
    return tmp_path


def sources(**given):
    return tuple(
        Source(name=f"{task.name}/test", reader=Images(**given), tasks=(task,), role="test")
        for task in (question_answering("vqa"), captioning("caption"))
    )


def shown(folder: Path, sources, per_task=4):
    run = RunRecord(folder=folder, tasks=("vqa", "caption"), seed=0, report=Report(results=RESULTS))
    return list(gallery(folder / "predictions.jsonl", sources, run, per_task=per_task))


def test_cards_are_spread_evenly_and_say_what_was_said_and_what_is_true(folder):
    cards = shown(folder, sources())
    assert [card.task for card in cards] == ["vqa"] * 4 + ["caption"] * 4
    assert [card.prediction for card in cards[:4]] == ["said 0", "said 2", "said 5", "said 7"]
    assert [card.correct for card in cards[:4]] == [False, False, True, True]
    assert cards[0].prompt == "why ?"
    assert cards[0].ground_truth == "so / thus"
    assert cards[4].correct is None
    assert cards[5].score == "cider 2.00"


def test_fewer_rows_than_cards_are_all_shown(folder):
    assert len(shown(folder, sources(), per_task=99)) == 20


def test_a_broken_image_an_unknown_source_and_no_file_cost_only_their_cards(folder, tmp_path):
    assert len(shown(folder, sources(broken=0))) == 6
    assert len(shown(folder, sources()[:1])) == 4
    assert shown(tmp_path / "nowhere", sources()) == []


def test_the_page_holds_its_images(folder):
    page = write_page(folder, sources(), title="a run", per_task=2)
    text = page.read_text()
    assert page == folder / "report.html"
    assert text.count("<figure ") == 10
    # The four hardest of each task first, then the spaced ones that are not among them.
    assert re.findall("said ([0-9])", text) == list("0246501235")
    assert text.count("among the worst") == 8


def test_the_page_has_confusions_and_the_cards_know_their_confidence(tmp_path):
    pets = classification("pets", ("cat", "dog"))
    rows = [
        {**line, "prediction": "cat", "ground_truth": ("cat", "dog")[number % 2], "confidence": number / 10}
        for number, line in enumerate(lines("pets", "accuracy", lambda index: 100.0 * (index % 2 == 0)))
    ]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rows))
    (tmp_path / "run.json").write_text(json.dumps({"tasks": ["pets"], "seed": 0, "data": {}}))
    report = Report(role="test", results=(result("pets", "accuracy"),))
    (tmp_path / "report.json").write_text(json.dumps(report.to_dict()))
    (tmp_path / "log.jsonl").write_text("")
    source = Source(name="pets/test", reader=Images(), tasks=(pets,), role="test")
    content = run_content(tmp_path, (source,), title="a run", per_task=2, num_hardest=3)
    assert content.confusions[0].counts.tolist() == [[5, 0, 0], [5, 0, 0]]
    found = [(card.choice, card.confidence, card.correct) for card in content.gallery]
    assert found[:3] == [("surest wrong", 0.9, False), ("surest wrong", 0.7, False), ("surest wrong", 0.5, False)]
    assert found[3:] == [("evenly spaced", 0.0, True)]  # row 5 is among the surest
    assert run_content(tmp_path, (), title="a run").confusions[0].names == ("cat", "dog")


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    with pytest.raises(CheckpointError):
        write_page(tmp_path, (), title="x")


def test_boxes_are_shown_beside_the_true_ones(tmp_path):
    found = {
        "boxes_xyxy": [[1, 1, 5, 5], [0, 0, 8, 8]],
        "labels": [1, 0],
        "scores": [0.9, 0.1],
        "names": ["dog", "cat"],
    }
    true = {"boxes_xyxy": [[1, 1, 5, 6]], "labels": [0], "scores": [1.0], "names": ["cat"], "described": [["red"]]}
    line = {"id": "r0", "images": ["i0"], "source": "find/test", "task": "find", "text": "", "scores": {}}
    (tmp_path / "predictions.jsonl").write_text(json.dumps({**line, "prediction": found, "ground_truth": true}) + "\n")
    task, results = detection("find", ("cat", "dog")), (result("find", "ap"),)
    source = Source(name="find/test", reader=Images(), tasks=(task,), role="test")
    run = RunRecord(folder=tmp_path, tasks=("find",), seed=0, report=Report(results=results))
    (card,) = gallery(tmp_path / "predictions.jsonl", [source], run, per_task=1)
    assert (card.prediction, card.ground_truth, card.wide, card.correct) == ("dog 0.90", "red cat", True, None)
    width, height = Image.open(io.BytesIO(card.image)).size
    assert width > 2 * 256
    assert height > 256
