"""Which sources a model is judged on, and the files that official servers take."""

from __future__ import annotations

import dataclasses
import json

import pytest

from motet.core import ConfigError, Example, MetricError
from motet.data.source import Source
from motet.experiments.submissions import chosen_sources, write_result_files
from motet.tasks import captioning, classification, detection, glue, question_answering

TASKS = {task.name: task for task in (captioning("caption"), question_answering("vqa"), classification("kind", "ab"))}


@dataclasses.dataclass(frozen=True)
class One:
    def __len__(self):
        return 1

    def keys(self, index):
        return ("i",)

    def __getitem__(self, index):
        return Example(id="r")


def source(name, *tasks, role="test"):
    return Source(name=name, reader=One(), tasks=tuple(TASKS[task] for task in tasks), role=role)


SOURCES = (source("a", "caption", role="val"), source("b", "caption"), source("c", "vqa", "kind"), source("d", "kind"))


def names(*arguments):
    return [source.name for source in chosen_sources(*arguments)]


def test_all_sources_of_the_role_that_the_model_can_answer():
    assert names(SOURCES, "test", TASKS) == ["b", "c", "d"]
    assert names(SOURCES, "val", TASKS) == ["a"]
    assert names(SOURCES, "test", {"kind": TASKS["kind"]}) == ["c", "d"]
    assert names(SOURCES, "test", TASKS, ["vqa"]) == ["c"]


def test_what_cannot_be_evaluated_is_one_line():
    with pytest.raises(ConfigError, match="got 'vqb'; did you mean 'vqa'"):
        chosen_sources(SOURCES, "test", TASKS, ["vqb"])
    with pytest.raises(ConfigError, match=r"role 'val': got the tasks \['caption'\]; want some of \['kind'\]"):
        chosen_sources(SOURCES, "val", TASKS, ["kind"])
    other = {**TASKS, "kind": classification("kind", "xyz")}
    with pytest.raises(ConfigError, match="task 'kind': got another kind of answer"):
        chosen_sources(SOURCES, "test", other)


def test_captions_and_answers_go_into_files_of_their_own(tmp_path):
    lines = [
        {"source": "coco/test", "task": "caption", "id": "coco2017/val/7", "prediction": "a dog"},
        {"source": "vqa", "task": "vqa", "id": "vqav2/val/12", "prediction": "yes"},
        {"source": "d", "task": "kind", "id": "x/1", "prediction": "a"},
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    written = write_result_files(tmp_path / "p.jsonl", tmp_path / "out", TASKS)
    assert [path.name for path in written] == ["coco-test-caption.json", "vqa-vqa.json"]
    assert json.loads(written[0].read_text()) == [{"image_id": 7, "caption": "a dog"}]
    assert json.loads(written[1].read_text()) == [{"question_id": 12, "answer": "yes"}]


PREDICTED_COLOUR = {"boxes_xyxy": [[1.0, 2.0, 4.0, 8.0]], "labels": [1], "scores": [0.5], "names": ["dog"]}


@dataclasses.dataclass(frozen=True)
class Numbered(One):
    category_ids = (7, 9)


@pytest.mark.parametrize(
    ("names", "reader", "number"),
    [(("cat", "dog"), One(), 18), (("unicorn", "dog"), One(), 2), (("cat", "dog"), Numbered(), 9)],
)
def test_boxes_are_written_under_the_numbers_of_their_classes(tmp_path, names, reader, number):
    task = detection("find", names)
    line = {"source": "s", "task": "find", "id": "coco2017/val/7", "prediction": PREDICTED_COLOUR}
    (tmp_path / "p.jsonl").write_text(json.dumps(line))
    sources = (Source(name="s", reader=reader, tasks=(task,), role="test"),)
    (written,) = write_result_files(tmp_path / "p.jsonl", tmp_path / "out", {"find": task}, sources)
    (found,) = json.loads(written.read_text())
    assert found == {"image_id": 7, "category_id": number, "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.5}


@pytest.mark.parametrize(
    ("name", "answers", "text"),
    [("cola", ("acceptable", "unacceptable"), "0\t1\n1\t0\n"), ("rte", ("entailment",), "0\tentailment\n"),
     ("wnli", ("entailment",), "0\t1\n")],
)  # fmt: skip
def test_glue_wants_tables(tmp_path, name, answers, text):
    lines = [
        {"source": f"{name}/test", "task": name, "id": f"glue/{name}/test/{row}", "prediction": said}
        for row, said in reversed(list(enumerate(answers)))
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (written,) = write_result_files(tmp_path / "p.jsonl", tmp_path / "out", {name: glue(name)})
    assert written.name == f"{name}-test-{name}.tsv"
    assert written.read_text() == "index\tprediction\n" + text


def test_an_answer_that_glue_does_not_know_is_one_line(tmp_path):
    line = {"source": "s", "task": "rte", "id": "glue/RTE/test/3", "prediction": "perhaps"}
    (tmp_path / "p.jsonl").write_text(json.dumps(line))
    with pytest.raises(MetricError, match="index 3: got 'perhaps'; want one of entailment, not_entailment"):
        write_result_files(tmp_path / "p.jsonl", tmp_path / "out", {"rte": glue("rte")})
