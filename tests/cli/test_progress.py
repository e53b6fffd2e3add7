"""Long work says how far it is: in a file or a pipe too, where no bar can be drawn."""

import pytest

from motet.cli import progress
from motet.cli.progress import counting


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_now_and_then_without_a_terminal(clock, capfd):
    with counting("storing features") as told:
        for done in range(1, 31):
            clock[0] += 1
            told(done, 3000)
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["storing features: 10 of 3,000", "storing features: 20 of 3,000", "storing features: 30 of 3,000"]


def test_nothing_when_quiet_or_when_it_is_quick(clock, capfd):
    with counting("storing", quiet=True) as told:
        clock[0] += 60
        told(1, 2)
    with counting("storing") as told:
        told(1, 2)
        told(2, 2)
    assert capfd.readouterr().err == ""


def test_a_bar_on_a_terminal_for_each_piece_of_work(monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    with counting("storing") as told:
        for piece in ("first", "second"):
            told(1, 4)
            told(4, 4)
            shown = capfd.readouterr().err
            assert "storing" in shown, piece
