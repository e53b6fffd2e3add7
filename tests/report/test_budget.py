"""The note of a baseline's budget in its run folder."""

import pytest

from motet.core import CheckpointError
from motet.report.budget import BUDGET_NAMES, BUDGETS, BaselineBudget, read_budget, write_budget


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("still_rises", [False, True])
def test_a_budget_is_read_as_it_was_written(tmp_path, budget, still_rises) -> None:
    write_budget(tmp_path, BaselineBudget(budget, still_rises))
    assert read_budget(tmp_path) == BaselineBudget(budget, still_rises)
    assert set(BUDGET_NAMES) == set(BUDGETS)


def test_a_run_without_a_note_is_one_of_equal_rows(tmp_path) -> None:
    assert read_budget(tmp_path) == BaselineBudget("rows")


@pytest.mark.parametrize("text", ['{"budget": "luck", "still_rises": false}', '{"budget": "rows"}', "[]", "{"])
def test_a_damaged_note_is_one_clear_line(tmp_path, text) -> None:
    (tmp_path / "budget.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"budget\.json: got .*; want") as raised:
        read_budget(tmp_path)
    assert len(str(raised.value).splitlines()) == 1


def test_a_baseline_that_still_rises_does_not_claim_to_have_stopped() -> None:
    assert "stops rising" not in BaselineBudget("plateau", still_rises=True).phrase(9000)
