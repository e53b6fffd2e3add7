"""Reports: the main result of a task, and JSON and back."""

import json

import pytest

from motet.core import Report, Result, decimals


def result(metric: str, *, main: bool, task: str = "depth") -> Result:
    return Result(
        task=task, source="rooms", metric=metric, value=1.5, unit="m", higher_is_better=False, count=3, main=main,
        classes={"cat": None},
    )  # fmt: skip


REPORT = Report(
    step=5,
    results=(result("abs_rel", main=False), result("rmse", main=True)),
    trivial_baselines={"depth": {"constant": 2.0}},
    samples_seen={"rooms": 40},
    notes=("a note",),
)


def test_the_main_result_is_the_one_that_is_marked() -> None:
    assert REPORT.main("depth").metric == "rmse"
    with pytest.raises(KeyError, match=r"report of step 5: got tasks \['depth'\]; want 'edges'"):
        REPORT.main("edges")


def test_json_and_back_is_equal() -> None:
    data = json.loads(json.dumps(REPORT.to_dict()))
    assert {"trivial_baselines", "samples_seen"} <= set(data)
    assert Report.from_dict(data) == REPORT


def test_metres_have_two_decimals() -> None:
    assert [decimals(unit) for unit in ("m", "%", "deg", "")] == [2, 1, 1, 1]
