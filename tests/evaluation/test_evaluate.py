import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from motet.core import DataError
from motet.data.source import Source
from motet.evaluation import evaluate
from motet.tasks import captioning, classification, question_answering

NAMES = ("cat", "dog", "cow")


def pets_source(toy, *, rows=5, broken=-1, name="pets"):
    """Rows 0, 2, 4 ... are right, row 1 has another name, row 3 no name at all; two rows per image."""
    names = ["cat", "dog", "cat", "unicorn"]
    made = tuple(
        toy["row"](i, names[i % 4], image=f"image{i // 2}", **{"class": 0}, captions=("cat",)) for i in range(rows)
    )
    return Source(name=name, reader=toy["reader"](made, broken), tasks=(classification("pets", NAMES),), role="val")


def test_every_row_counts_once_and_predictions_that_are_no_name_are_noted(toy) -> None:
    source = pets_source(toy)
    system = toy["system"](*source.tasks)
    report = evaluate(system, [source], batch_size=2, step=7, role="test")
    result = report.main("pets")
    assert (result.value, result.count, result.num_images, result.unit) == (60.0, 5, 3, "%")
    assert (report.step, report.role, result.source, result.metric) == (7, "test", "pets", "accuracy")
    assert report.notes == (
        "pets on pets: 1 of 5 answers were no name",
        "pets on pets: 3 test images: a format check; a claim needs 200",
    )
    assert system.calls == [2, 2, 1]


def test_two_hundred_images_are_enough_for_a_claim(toy) -> None:
    source = pets_source(toy, rows=400)
    notes = evaluate(toy["system"](*source.tasks), [source], batch_size=64).notes
    assert not any("format check" in note for note in notes)


def test_modes_are_put_back_module_by_module(toy) -> None:
    source = pets_source(toy)
    system = toy["system"](*source.tasks)
    system.train()
    system.inside.eval()
    evaluate(system, [source], batch_size=2)
    assert system.training
    assert not system.inside.training


def test_modes_are_put_back_after_an_error_and_the_error_is_the_rows_own(toy) -> None:
    source = pets_source(toy, broken=3)
    system = toy["system"](*source.tasks)
    system.train()
    for workers in (0, 1):
        with pytest.raises(DataError, match=r"^image: got nothing; want an image \(toy.txt, row 3\)$"):
            evaluate(system, [source], batch_size=2, workers=workers)
    assert system.training


def test_workers_change_nothing_and_no_global_generator_is_read(toy) -> None:
    source = pets_source(toy)
    system = toy["system"](*source.tasks)
    before = torch.get_rng_state()
    alone = evaluate(system, [source], batch_size=2, interval=True)
    assert evaluate(system, [source], batch_size=3, workers=2, interval=True) == alone
    assert torch.equal(torch.get_rng_state(), before)


def test_ids_that_repeat_are_an_error(toy) -> None:
    again = toy["row"](0, "cat", **{"class": 0})
    source = Source(name="twice", reader=toy["reader"]((again, again)), tasks=(classification("pets", NAMES),))
    with pytest.raises(DataError, match="got 1 different ids in 2 rows"):
        evaluate(toy["system"](*source.tasks), [source], batch_size=2)


def test_results_come_in_the_order_of_the_systems_tasks_with_the_main_metric_first(toy) -> None:
    pets, caption = classification("pets", NAMES), captioning()
    source = toy["replace"](pets_source(toy), tasks=(pets, caption))
    for many in (False, True):
        report = evaluate(toy["system"](caption, pets, many=many), [source], batch_size=4)
        assert [(r.task, r.metric, r.main) for r in report.results] == [
            ("caption", "cider", True),
            ("caption", "bleu4", False),
            ("caption", "rouge_l", False),
            ("pets", "accuracy", True),
        ]
    only = evaluate(toy["system"](caption, pets), [source], batch_size=4, tasks=["pets"])
    assert {result.task for result in only.results} == {"pets"}


def test_rows_that_lack_an_annotation_are_left_out_where_rows_carry_many_tasks(toy) -> None:
    pets, caption = classification("pets", NAMES), captioning()
    rows = (toy["row"](0, "cat", **{"class": 0}), toy["row"](1, "a cat", captions=("a cat",)))
    source = Source(name="partly", reader=toy["reader"](rows), tasks=(pets, caption), role="val")
    report = evaluate(toy["system"](pets, caption, many=True), [source], batch_size=2)
    assert report.main("pets").count == report.main("caption").count == 1


def test_every_prediction_is_written_with_its_annotation_and_score(toy, tmp_path: Path) -> None:
    vqa = question_answering("vqa")
    rows = (
        toy["row"](0, "red", text="What colour?", answers=("red", "red", "blue")),
        toy["row"](1, "green", text="And this?", answers=("blue",)),
    )
    source = Source(name="questions", reader=toy["reader"](rows), tasks=(vqa,), role="val")
    path = tmp_path / "deep" / "predictions.jsonl"
    evaluate(toy["system"](vqa), [source], batch_size=2, predictions=path)
    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert first == {
        "id": "toy/0",
        "images": ["image0"],
        "source": "questions",
        "task": "vqa",
        "text": "What colour?",
        "prediction": "red",
        "ground_truth": ["red", "red", "blue"],
        "scores": {"answer_match": 100.0},
    }
    assert second["scores"] == {"answer_match": 0.0}
    assert not list(tmp_path.glob("**/*.part"))


def test_progress_is_called_after_every_batch(toy) -> None:
    source, calls = pets_source(toy), []
    evaluate(toy["system"](*source.tasks), [source], batch_size=2, progress=lambda *call: calls.append(call))
    assert calls == [("pets: pets", 2, 5), ("pets: pets", 4, 5), ("pets: pets", 5, 5)]


def test_any_number_of_ranks_gives_the_same_report_and_predictions_on_each(toy, tmp_path: Path) -> None:
    source = pets_source(toy)
    alone = evaluate(
        toy["system"](*source.tasks), [source], batch_size=2, interval=True, predictions=tmp_path / "alone.jsonl"
    )
    script = Path(__file__).parents[1] / "support" / "evaluate_ranks.py"
    ranks = [subprocess.Popen([sys.executable, script, str(rank), "2", str(tmp_path)]) for rank in range(2)]
    assert [process.wait(timeout=120) for process in ranks] == [0, 0]
    call = [json.loads((tmp_path / f"report{rank}.json").read_text()) for rank in range(2)]
    assert call[0] == call[1] == json.loads(json.dumps(alone.to_dict()))
    assert (tmp_path / "predictions.jsonl").read_text() == (tmp_path / "alone.jsonl").read_text()
