"""The page of interference measurements."""

import json
from pathlib import Path

import numpy as np
import pytest

from motet.analysis.interference import BlockNumbers, Interference
from motet.analysis.interference_measurement import InterferenceSettings, Measurement
from motet.report.pages.interference import (
    _block_kind,
    extreme_rows,
    heat_table,
    page,
    shallow_and_deep,
    table_rows,
    write_interference,
)

TASKS = ("a", "b", "c")
SETTINGS = InterferenceSettings(batches=3, batch_size=4)


def numbers(ratios: list[list[float]], against: float = 0.0) -> BlockNumbers:
    values = np.array(ratios)
    small = np.full_like(values, 0.1)
    return BlockNumbers(
        ratios=values, ratios_spread=small, means=values, means_spread=small, cosines=values, cosines_spread=small,
        mean_cosines=values, counted=np.full(len(values), 3), against=np.full(len(values), against),
    )  # fmt: skip


BLOCK = numbers([[1.0, 0.5, -0.25], [0.1, 1.0, -2.0], [0.0, 0.0, 1.0]])
NAN = float("nan")
HALF = numbers([[1.0, 0.5, NAN], [0.5, 1.0, NAN], [NAN, NAN, NAN]], against=0.5)


def measured(**blocks: BlockNumbers) -> Measurement:
    return Measurement(run="runs/x", step=7, system="unit", interference=Interference(TASKS, blocks), notes=("n < 1",))


def test_the_diagonal_of_a_ratio_has_no_spread_and_missing_numbers_are_dashes() -> None:
    head, rows = table_rows(measured(layer0=BLOCK), "ratios")
    assert head == ("block", "task", "by a", "by b", "by c", "batches")
    assert rows[0] == ("layer0", "a", "1.00", "0.50 ± 0.10", "-0.25 ± 0.10", "3")
    _, rows = table_rows(measured(layer0=HALF), "ratios")
    assert rows[0][4] == "-"
    assert rows[2] == ("layer0", "c", "not touched", "", "", "3")
    assert heat_table(Interference(TASKS, {"x": HALF}), "x", "cosines", title="t").cells.keys() == {
        (row, column) for row in "ab" for column in "ab"
    }


def test_the_tasks_that_help_and_harm_most() -> None:
    _, rows = extreme_rows(measured(layer0=BLOCK), "layer0")
    assert rows[0] == ("a", "b 0.50 ± 0.10", "c -0.25 ± 0.10")
    assert rows[2] == ("c", "-", "-")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["embed", *(f"layer{n}" for n in range(12))], ("layer3", "layer11")),
        (["encoder0", "encoder1", "decoder0", "decoder1", "decoder2"], ("decoder0", "decoder2")),
        (["trunk"], ("trunk", "trunk")),
    ],
)
def test_shallow_is_a_third_of_the_way_in_and_deep_is_last(names: list[str], expected: tuple[str, str]) -> None:
    assert shallow_and_deep(Interference(TASKS, dict.fromkeys(names, BLOCK))) == expected


def test_blocks_that_more_tasks_touch_come_first() -> None:
    assert shallow_and_deep(Interference(TASKS, {"layer0": BLOCK, "layer1": HALF})) == ("layer0", "layer0")


def test_notes_are_on_the_page_as_text() -> None:
    html = page([measured(layer0=HALF)], SETTINGS)
    assert "Not touched by c." in html
    assert "Batches whose loss their own task&#x27;s mean gradient increases: a (50 %), b (50 %), c (50 %)." in html
    assert "n &lt; 1" in html


def test_each_model_has_a_figure_and_null_stands_for_no_number(tmp_path: Path) -> None:
    paths = write_interference(tmp_path, [measured(layer0=HALF)], SETTINGS)
    assert [path.name for path in paths] == [
        "interference.html", "interference.md", "interference.json", "interference-runs-x-7.png",
    ]  # fmt: skip
    (model,) = json.loads(paths[2].read_text())["models"]
    assert (model["run"], model["step"], model["shallow"]) == ("runs/x", 7, "layer0")
    assert "NaN" not in paths[2].read_text()


def test_kinds_of_blocks() -> None:
    assert _block_kind("trunk") == "trunk"
    assert _block_kind("layer_10") == "layer"
