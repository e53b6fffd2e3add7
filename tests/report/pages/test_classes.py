import json
import re

import numpy as np
import pytest

from motet.report import Content, read_run
from motet.report.confusion import Confusion
from motet.report.pages.classes import html_classes
from motet.report.precision_recall import PrecisionRecall


@pytest.fixture
def run(made_run, tmp_path):
    return read_run(made_run(tmp_path / "run", {"pets": 60.0, "find": 12.0}))


def confusion(classes: int) -> Confusion:
    counts = np.zeros((classes, classes + 1), dtype=np.int64)
    counts[np.arange(classes), (np.arange(classes) + 1) % classes] = np.arange(1, classes + 1)
    return Confusion("pets", tuple(f"<{n}>" for n in range(classes)), counts)


def curve(name: str, boxes: int) -> PrecisionRecall:
    return PrecisionRecall("find", name, boxes, np.array([1.0, 0.5]), np.array([0.5, 0.5]), np.array([0.9, 0.2]))


def test_a_run_without_classes_has_no_section(run) -> None:
    assert html_classes(Content("t", run)) == ""


def test_tasks_are_in_the_order_of_the_run(run) -> None:
    html = html_classes(Content("t", run, confusions=(confusion(3),), curves=(curve("cat", 2), curve("dog", 9))))
    assert re.findall("<h3>(.*?)</h3>", html) == ["pets", "find"]
    assert html.index("<td class=text>dog</td>") < html.index("<td class=text>cat</td>")
    assert "&lt;0&gt;" in html
    assert "<0>" not in html


def test_small_matrices_are_shown_and_of_large_ones_the_most_confused_pairs(run) -> None:
    small = html_classes(Content("t", run, confusions=(confusion(30),)))
    assert "<details><summary>The most confused pairs</summary>" in small
    large = html_classes(Content("t", run, confusions=(confusion(31),)))
    assert "<h4>The most confused pairs</h4>" in large
    assert large.index("<h4>") < large.index("<img")
    rows = re.findall("<td class=text>&lt;(\\d+)&gt;</td><td class=text>&lt;(\\d+)&gt;</td><td>(\\d+)</td>", large)
    assert rows[:2] == [("30", "0", "31"), ("29", "30", "30")]
    assert len(rows) == 25
    assert "6 more pairs are in the CSV file." in large


def test_one_class_has_no_bar_chart_and_very_many_have_a_table(run, made_run, tmp_path) -> None:
    def page(classes: dict) -> str:
        folder = made_run(tmp_path / str(len(classes)), {"pets": 60.0})
        report = json.loads((folder / "report.json").read_text())
        report["results"][0]["classes"] = classes
        (folder / "report.json").write_text(json.dumps(report))
        return html_classes(Content("t", read_run(folder)))

    one = page({"<cat>": 50.0})
    assert "accuracy of the one class &lt;cat&gt;: 50.0" in one
    assert "<img" not in one
    assert page({"cat": 50.0, "dog": 1.0}).count("<img") == 2
    many = page({str(n): float(n) for n in range(60)})
    assert "<img" not in many
    assert many.count("<tr>") == 61
