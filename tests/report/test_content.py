"""The parts of a page as data."""

from dataclasses import replace
from pathlib import Path

from motet.core import Report
from motet.report import Content, PredictionCard, RunRecord
from motet.report.runs import Log

RUN = RunRecord(
    folder=Path("runs/a"), tasks=("t",), seed=0, report=Report(notes=("of the report", "both")),
    log=Log(notes=("both", "of the log")), credit=("photos",),
)  # fmt: skip


def test_credit_and_notes_come_once_in_their_order() -> None:
    content = Content("title", RUN, credit=("drawings", "photos"), notes=("of the page",))
    assert content.all_credit == ("photos", "drawings")
    assert content.all_notes == ("of the report", "both", "of the page", "of the log")
    assert Content("title", replace(RUN, credit=())).all_credit == ()


def test_a_card_does_not_print_its_image() -> None:
    assert "PNG" not in repr(PredictionCard(b"\x89PNG", "t", "", "a", "b"))
