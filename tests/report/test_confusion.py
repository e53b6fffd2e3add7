import numpy as np

from motet.core import Report
from motet.report import RunRecord
from motet.report.confusion import NO_CLASS, Confusion, confusions


def run_of(tmp_path, *results) -> RunRecord:
    return RunRecord(folder=tmp_path, tasks=("pets",), seed=0, report=Report(results=results))


def lines(*pairs: tuple[str, str], task: str = "pets") -> list[dict]:
    return [
        {"task": task, "source": f"{task}/val", "id": str(place), "ground_truth": truth, "prediction": predicted}
        for place, (truth, predicted) in enumerate(pairs)
    ]


def test_rows_are_counted_by_ground_truth_and_prediction(tmp_path, make_result) -> None:
    run = run_of(tmp_path, make_result("pets", 50.0))
    rows = lines(("cat", "cat"), ("cat", "dog"), ("dog", "dog"), ("cat", "dog"), ("dog", "wolf"))
    (found,) = confusions(rows, run, {"pets": ("dog", "cat", "cow")})
    assert found.names == ("dog", "cat", "cow")
    assert found.counts.tolist() == [[1, 0, 0, 1], [2, 1, 0, 0], [0, 0, 0, 0]]
    assert found.columns == ("dog", "cat", "cow", NO_CLASS)
    assert [(one.ground_truth, one.predicted, one.count) for one in found.most_confused()] == [
        ("cat", "dog", 2),
        ("dog", NO_CLASS, 1),
    ]
    assert found.most_confused(1)[0].share == 2 / 3
    assert found.shares()[2].tolist() == [0, 0, 0, 0]


def test_without_names_the_classes_are_the_ground_truths_and_spaces_do_not_count(tmp_path, make_result) -> None:
    run = run_of(tmp_path, make_result("pets", 50.0))
    (found,) = confusions(lines(("dog", " dog "), ("cat", "cow")), run, {})
    assert found.names == ("cat", "dog")
    assert found.counts.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_tasks_of_other_metrics_sources_and_forms_have_none(tmp_path, make_result) -> None:
    run = run_of(tmp_path, make_result("pets", 50.0), make_result("vqa", 50.0, metric="answer_match"))
    other = [{**one, "source": "pets/test"} for one in lines(("cat", "dog"))]
    strange = [{**one, "prediction": 3} for one in lines(("cat", "dog"))]
    assert confusions([*lines(("a", "b"), task="vqa"), *other, *strange], run, {}) == ()


def test_a_matrix_without_unknown_names_has_no_column_for_them() -> None:
    one = Confusion("pets", ("a", "b"), np.array([[1, 2, 0], [0, 3, 0]]))
    assert one.columns == ("a", "b")
    assert one.shares().tolist() == [[1 / 3, 2 / 3], [0, 1]]
