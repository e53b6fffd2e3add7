import pytest

from motet.core import Report, Result
from motet.report.compare import Comparison, Cost, SeedValues, TaskComparison
from motet.report.differences import Difference
from motet.report.tables import (
    COMPARISON_HEAD,
    COST_HEAD,
    RESULTS_HEAD,
    best_trivial_baseline,
    classes_rows,
    comparison_rows,
    cost_rows,
    duration,
    interval,
    results_rows,
    table,
    trivial_baseline_rows,
)


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


def depth(**changes) -> Result:
    given = {
        "task": "depth", "source": "d", "metric": "rmse", "value": 0.4567, "unit": "m", "higher_is_better": False,
        "count": 12_345, **changes,
    }  # fmt: skip
    return Result(**given)


def test_a_row_has_its_interval_its_counts_and_the_lowest_baseline_of_an_error() -> None:
    report = Report(
        results=(depth(low=0.4, high=0.51, num_images=2000), depth(metric="rel", main=False)),
        trivial_baselines={"depth": {"constant": 1.25, "nearest": 0.75}},
    )
    first, second = results_rows(report)
    assert len(first) == len(second) == len(RESULTS_HEAD)
    assert first == ("depth", "rmse (lower is better)", "0.46 m", "0.40 to 0.51", "12,345", "2,000", "0.75 (nearest)")
    # What is not the main metric has no baseline beside it: those are of the main one.
    assert (second[0], second[-1]) == ("", "")


@pytest.mark.parametrize("ends", [{}, {"low": 0.4}, {"high": 0.5}])
def test_half_an_interval_is_none(ends: dict[str, float]) -> None:
    assert interval(depth(**ends)) == "-"


def comparison(**changes) -> Comparison:
    pairs = (
        TaskComparison(
            "pets",
            "accuracy",
            "%",
            True,
            SeedValues((62.0, 60.0)),
            SeedValues((50.0,)),
            Difference(11.0, 8.0, 14.0, "images"),
            250,
            single_steps=270,
        ),
        TaskComparison(
            "depth", "rmse", "m", False, SeedValues((0.6, 0.6)), SeedValues((0.5, 0.7)), Difference(0.0), 250
        ),
    )
    multi, single = Cost(1_500_000, 200, 2560.4, 42.0), Cost(None, None, 5120.0, 7300.0)
    return Comparison(**{"pairs": pairs, "delta_m": 11.0, "delta_m_low": 9.75, "delta_m_high": 12.25, "multi": multi,
                         "single": single, "seeds": (0, 1), "fewest_seeds": 1, **changes})  # fmt: skip


def test_a_comparison_ends_with_the_mean_of_its_signed_gains() -> None:
    pets, error, mean = comparison_rows(comparison())
    assert {len(row) for row in (pets, error, mean)} == {len(COMPARISON_HEAD)}
    assert pets == ("pets", "accuracy", "61.0 ± 1.4 %", "50.0 %", "+22.0 %", "+11.0 (+8.0 to +14.0)", "better",
                    "at equal rows (270 steps)")  # fmt: skip
    assert error[:5] == ("depth", "rmse (lower is better)", "0.60 ± 0.00 m", "0.60 ± 0.14 m", "+0.0 %")
    assert error[5:7] == ("+0.00", "no claim")
    assert mean == ("delta-m", "mean delta", "", "", "+11.0 %", "+9.8 % to +12.2 %", "", "")
    alone = comparison_rows(comparison(delta_m=None, delta_m_low=None, delta_m_high=None))[-1]
    assert alone[4:6] == ("-", "")


def test_costs_that_a_run_did_not_record_are_dashes() -> None:
    multi, single = cost_rows(comparison())
    assert len(multi) == len(COST_HEAD)
    assert multi == ("one multi-task model", "1,500,000", "200", "2,560", "42 s")
    assert single == ("2 single-task models", "-", "-", "5,120", "2 h 1 min")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.6, "1 h 0 min"), (90_061, "25 h 1 min")],
)
def test_seconds_are_rounded_before_they_are_split(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_score_that_is_not_above_the_best_trivial_baseline_is_marked() -> None:
    def marked(value: float, **best: float) -> bool:
        report = Report(results=(depth(value=value),), trivial_baselines={"depth": best})
        assert ("▼" in trivial_baseline_rows(report)[1][0][1]) == ("▼" in results_rows(report)[0][2])
        return "▼" in results_rows(report)[0][2]

    assert marked(0.8, constant=1.25, nearest=0.75)  # lower is better
    assert marked(0.75, constant=1.25, nearest=0.75)
    assert not marked(0.7, constant=1.25, nearest=0.75)
    assert "▼" not in results_rows(Report(results=(depth(value=0.8),)))[0][2]
