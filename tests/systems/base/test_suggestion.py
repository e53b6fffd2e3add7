"""The lines of a recipe that several systems write alike."""

import pytest

from motet.systems.base.suggestion import FunctionText, steps_for, train_config_lines


def test_a_run_is_evaluated_and_saved_four_times() -> None:
    lines = "\n".join(train_config_lines(402, "1e-3"))
    source = lines.strip().removesuffix(",").replace("train=TrainConfig", "dict", 1)
    assert eval(source) == {
        "steps": 402, "lr": 1e-3, "precision": "bfloat16", "evaluate_every": 100, "save_every": 100,
        "final_weights": "best",
    }  # fmt: skip


def test_other_options_are_written_as_python_and_precision_may_be_left_out() -> None:
    lines = list(train_config_lines(400, "1e-3", precision="", optimizer="AdamW()", weight_decay="0.05"))
    assert lines[2:5] == [
        "            lr=1e-3,",
        "            optimizer=AdamW(),",
        "            weight_decay=0.05,",
    ]
    assert not any("precision" in line for line in lines)


@pytest.mark.parametrize(("rows", "steps"), [(1, 200), (640, 300), (10**6, 900)])
def test_steps_go_through_the_rows_some_times_within_limits(rows, steps) -> None:
    assert steps_for(rows, epochs=30, batch_size=64, least=200, most=900) == steps


def test_a_function_gets_another_number_of_steps_and_nothing_else_changes() -> None:
    text = FunctionText(("def run() -> Run:", "            steps_like=3,", *train_config_lines(400, "1e-3")))
    changed = text.with_steps(90)
    assert changed.lines == (*text.lines[:2], *train_config_lines(90, "1e-3"))
