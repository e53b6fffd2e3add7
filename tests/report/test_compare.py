import shutil

import pytest

from motet.core import ConfigError
from motet.report import compare, delta_m, read_run
from motet.report.compare import relative_delta
from motet.report.tables import comparison_rows, cost_rows

METRICS = {"read": "cer"}


def runs(made_run, tmp_path, joint, single, **options):
    """A multi-task run and a single-task run a task, read back."""
    folders = [made_run(tmp_path / "joint", joint, metrics=METRICS, **options)]
    folders += [made_run(tmp_path / f"single-{t}", {t: v}, metrics=METRICS, **options) for t, v in single.items()]
    return [read_run(folder) for folder in folders]


def test_gains_have_the_right_sign_and_are_relative_to_the_baseline(made_run, tmp_path) -> None:
    comparison = compare(runs(made_run, tmp_path, {"pets": 66.0, "read": 12.0}, {"pets": 60.0, "read": 10.0}))
    assert [pair.delta for pair in comparison.pairs] == [pytest.approx(10.0), pytest.approx(-20.0)]
    assert comparison.delta_m == pytest.approx(-5.0)
    assert (comparison.delta_m_low, comparison.delta_m_high) == (None, None)
    better = relative_delta(8.0, 10.0, higher_is_better=False)
    assert better == pytest.approx(20.0)


def test_seeds_give_means_and_spreads(made_run, tmp_path) -> None:
    folders = [made_run(tmp_path / f"j{s}", {"pets": 60.0 + s, "cows": 50.0}, seed=s) for s in range(3)]
    folders += [made_run(tmp_path / f"p{s}", {"pets": 50.0 + 2 * s}, seed=s) for s in range(2)]
    folders.append(made_run(tmp_path / "c", {"cows": 50.0}))
    comparison = compare([read_run(folder) for folder in folders])
    pets = comparison.pairs[0]
    assert (pets.multi.mean, pets.multi.spread) == (61.0, pytest.approx(1.0))
    assert (pets.single.mean, pets.single.spread) == (51.0, pytest.approx(2**0.5))
    assert comparison.pairs[1].single.spread is None
    assert comparison.seeds == (0, 1, 2)
    assert comparison.delta_m == pytest.approx(100 * (61 / 51 - 1) / 2)
    assert comparison.fewest_seeds == 1
    assert comparison.delta_m_low is not None
    assert comparison.delta_m_high is not None
    assert comparison.delta_m_low < comparison.delta_m < comparison.delta_m_high
    assert comparison.pairs[0].difference.over == "seeds"


def test_the_seeds_of_the_baselines_widen_delta_m(made_run, tmp_path) -> None:
    folders = [made_run(tmp_path / f"j{s}", {"pets": 70.0, "cows": 70.0}, seed=s) for s in range(2)]
    for task in ("pets", "cows"):
        folders += [made_run(tmp_path / f"{task}{s}", {task: v}, seed=s) for s, v in enumerate((40.0, 100.0))]
    comparison = compare([read_run(folder) for folder in folders])
    assert comparison.delta_m == pytest.approx(0.0)
    assert comparison.delta_m_low is not None
    assert comparison.delta_m_high is not None
    assert comparison.delta_m_low < -10
    assert comparison.delta_m_high > 10


def test_a_run_that_is_given_twice_counts_once(made_run, tmp_path) -> None:
    found = runs(made_run, tmp_path, {"pets": 66.0, "read": 12.0}, {"pets": 60.0, "read": 10.0})
    shutil.copytree(found[0].folder, tmp_path / "copy")
    comparison = compare([*found, found[0], read_run(tmp_path / "joint" / ".." / "joint"), read_run(tmp_path / "copy")])
    assert comparison.pairs[0].multi.values == (66.0,)
    assert comparison.fewest_seeds == 1


def test_costs_are_added_over_models_and_averaged_over_seeds(made_run, tmp_path) -> None:
    comparison = compare(runs(made_run, tmp_path, {"pets": 60.0, "read": 10.0}, {"pets": 60.0, "read": 10.0}))
    assert (comparison.multi.parameters, comparison.single.parameters) == (3_000_000, 6_000_000)
    assert (comparison.multi.samples_seen, comparison.single.samples_seen) == (2560, 2560)
    assert (comparison.multi.seconds, comparison.single.seconds) == (50.0, 100.0)
    assert cost_rows(comparison)[1] == ("2 single-task models", "6,000,000", "2,600,000", "2,560", "1 min 40 s")


def test_a_baseline_of_zero_has_no_relative_gain(made_run, tmp_path) -> None:
    comparison = compare(runs(made_run, tmp_path, {"pets": 60.0, "read": 10.0}, {"pets": 0.0, "read": 10.0}))
    assert comparison.pairs[0].delta is None
    assert comparison.delta_m is None
    assert comparison_rows(comparison)[-1][4] == "-"
    assert delta_m([]) is None


def test_without_real_baselines_nothing_is_compared(made_run, tmp_path) -> None:
    joint, *_ = runs(made_run, tmp_path, {"pets": 60.0, "read": 10.0}, {"pets": 60.0})
    pets = read_run(tmp_path / "single-pets")
    with pytest.raises(ConfigError, match="got no single-task run of read; want one run per task"):
        compare([joint, pets])
    with pytest.raises(ConfigError, match="all of one task; want a multi-task run"):
        compare([pets])
    with pytest.raises(ConfigError, match="got no run"):
        compare([])


def test_runs_on_other_rows_are_refused(made_run, tmp_path) -> None:
    joint, pets, read = runs(made_run, tmp_path, {"pets": 60.0, "read": 10.0}, {"pets": 60.0, "read": 10.0})
    other = made_run(tmp_path / "other", {"pets": 60.0}, data={"pets/val": {"fingerprint": "x", "count": 299}})
    with pytest.raises(
        ConfigError, match="source 'pets/val': got fingerprint x, count 299 in other; want the rows of joint"
    ):
        compare([joint, read_run(other), read])
    assert compare([joint, pets, read]).pairs


def test_runs_evaluated_by_another_metric_are_refused(made_run, tmp_path) -> None:
    joint, _, read = runs(made_run, tmp_path, {"pets": 60.0, "read": 10.0}, {"pets": 60.0, "read": 10.0})
    other = made_run(tmp_path / "other", {"pets": 60.0}, metrics={"pets": "vqa_accuracy"})
    with pytest.raises(ConfigError, match=r"pets: got vqa_accuracy on pets/val \(val\) in other; want accuracy"):
        compare([joint, read_run(other), read])


def test_multi_task_runs_of_other_tasks_are_refused(made_run, tmp_path) -> None:
    joint = made_run(tmp_path / "joint", {"pets": 60.0, "read": 10.0})
    other = made_run(tmp_path / "other", {"pets": 60.0, "cows": 10.0})
    with pytest.raises(ConfigError, match="other: got the tasks pets, cows; want those of joint: pets, read"):
        compare([read_run(joint), read_run(other)])
