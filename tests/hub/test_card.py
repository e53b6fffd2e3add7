"""The card says what a stranger has to know."""

from __future__ import annotations

import pytest

from motet.core import Report, Result
from motet.hub.card import model_card


def result(task, **changes):
    given = {"source": "s", "metric": "accuracy", "value": 81.25, "unit": "%", "higher_is_better": True, "count": 400}
    return Result(task=task, **(given | {"num_images": 380, "low": 77.0, "high": 85.5} | changes))


REPORT = Report(
    step=1200,
    role="test",
    results=(
        result("animal"),
        result("caption", metric="cer", higher_is_better=False, value=9.0, low=None, high=None, num_images=0),
        result("caption", metric="extra", main=False),
    ),
    trivial_baselines={"animal": {"majority": 52.0, "text only": 50.0}, "caption": {"constant": 60.0, "nearest": 40.0}},
    notes=("2 rows were skipped",),
)


@pytest.fixture
def card(make):
    credit = ["Drawings: OpenMoji, CC BY-SA 4.0"]
    return model_card(make("animal", "kind", "caption"), name="me/small", report=REPORT, credit=credit)


def test_it_starts_as_the_hub_reads_it(card):
    assert card.startswith("---\nlibrary_name: motet\n")
    assert "\n# small\n" in card


def test_it_loads_in_two_lines_under_its_full_name(card):
    assert 'import motet\nprint(motet.load("me/small")("animal", image="photo.jpg"))' in card


def test_a_task_on_text_shows_where_the_text_goes(make):
    assert '("vqa", image="photo.jpg", text="...")' in model_card(make("vqa"), name="x")


def test_numbers_stand_with_interval_and_highest_baseline(card):
    assert "| animal | accuracy | 81.2 % | 77.0 to 85.5 | 52.0 (majority) | 400 | 380 |" in card
    assert "| caption | cer | 9.0 % |  | 40.0 (nearest) | 400 |  |" in card
    assert "| caption | extra | 81.2 % | 77.0 to 85.5 |  | 400 | 380 |" in card
    assert "after 1200 steps on the test rows" in card
    assert "- 2 rows were skipped" in card


def test_credit_and_tasks_are_there(card):
    assert "## Credit\n\n- Drawings: OpenMoji, CC BY-SA 4.0" in card
    assert "| kind | image | one of 2 names: red \\| blue, green |" in card


def test_without_a_report_it_says_so(make):
    assert "Not evaluated yet." in model_card(make("animal"), name="x")
    assert "## Credit" not in model_card(make("animal"), name="x")
