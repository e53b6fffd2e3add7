from motet.core import Report, Result
from motet.report.tables import best_trivial_baseline, classes_rows, results_rows, table, trivial_baseline_rows


def test_a_bar_or_a_line_end_in_a_cell_does_not_break_the_table() -> None:
    lines = table(("a",), [("x | y\nz",)]).splitlines()
    assert lines == ["| a |", "|---|", "| x \\| y z |"]


def test_the_baseline_that_is_hardest_to_beat_is_the_lowest_where_lower_is_better(made_run, tmp_path) -> None:
    from motet.report import read_run

    run = read_run(made_run(tmp_path / "run", {"pets": 60.0, "read": 12.0}, metrics={"read": "cer"}))
    pets, read = run.report.results
    assert best_trivial_baseline(run.report, pets) == ("30.2 (image shuffled)", 30.25)
    assert best_trivial_baseline(run.report, read) == ("21.5 (majority)", 21.5)
    assert results_rows(run.report)[1][1] == "cer (lower is better)"
    assert best_trivial_baseline(Report(), pets) == ("-", None)


def test_baselines_of_different_tasks_share_one_table(made_run, tmp_path) -> None:
    report = Report(trivial_baselines={"a": {"majority": 1.0}, "b": {"constant": 2.0}})
    assert trivial_baseline_rows(report) == (
        ("task", "score", "majority", "constant"),
        [("a", "-", "1.0", "-"), ("b", "-", "-", "2.0")],
    )


def test_every_class_has_its_number_or_is_said_to_have_no_annotation() -> None:
    asked = {"task": "streets", "source": "s", "metric": "miou", "unit": "%", "higher_is_better": True, "count": 9}
    result = Result(**asked, value=50.0, classes={"road": 50.0, "train": None})
    report = Report(results=(result, Result(**asked, value=70.0, main=False)))
    head = ("streets", "miou")
    assert classes_rows(report) == [(*head, "road", "50.0 %"), (*head, "train", "no ground truth")]
    assert Report.from_dict(report.to_dict()) == report
