import json
import re

import pytest

from motet.report import compare, read_run
from motet.report.pages.several import several_page


@pytest.fixture
def runs(made_run, tmp_path):
    values = {"<first>": {"pets": 60.0, "read": 12.0}, "second": {"pets": 65.0, "read": 11.0}, "third": {"look": 1.0}}
    return {name: read_run(made_run(tmp_path / name, own, metrics={"read": "cer"})) for name, own in values.items()}


def test_scores_stand_side_by_side_with_intervals_in_the_order_of_tasks(runs) -> None:
    html = several_page("<b>", runs, links={"second": 'runs/"x".html'})
    assert re.findall("<h2>(.*?)</h2>", html) == ["Verdict", "Scores", "Learning curves", "Runs", "Notes"]
    scores = html.split("<h2>Scores</h2>")[1].split("</table>")[0]
    assert re.findall("<td class=text>(.*?)</td>", scores) == [
        "pets", "accuracy", "read", "cer (lower is better)", "look", "accuracy",
    ]  # fmt: skip
    assert re.findall("<td>(.*?)</td>", scores)[:3] == ["60.0 % (57.0 to 63.0)", "65.0 % (62.0 to 68.0)", ""]
    assert "&lt;first&gt;: pets on pets/val: 17 of 300 answers were no name" in html
    assert "<first>" not in html
    assert 'href="runs/&quot;x&quot;.html"' in html
    assert "no claim" in html
    assert "3 runs of 3 tasks." in html


def test_single_task_runs_among_them_give_a_comparison_and_its_verdicts(made_run, tmp_path) -> None:
    values = {"both": {"pets": 60.0, "look": 50.0}, "pets": {"pets": 55.0}, "look": {"look": 40.0}}
    runs = {name: read_run(made_run(tmp_path / name, own)) for name, own in values.items()}
    html = several_page("t", runs, comparisons=[compare(list(runs.values()))])
    assert "<h2>Multi-task against single-task</h2>" in html
    assert "delta-m" in html
    assert "its single-task model" in html.split("<h2>Scores")[0]


def test_runs_without_a_log_have_no_empty_axes(made_run, tmp_path) -> None:
    folders = [made_run(tmp_path / name, {"pets": 50.0}) for name in "ab"]
    for folder in folders:
        (folder / "log.jsonl").write_text("")
    html = several_page("t", {folder.name: read_run(folder) for folder in folders})
    assert "Learning curves" not in html
    report = json.loads((folders[0] / "report.json").read_text())
    assert report["results"]
