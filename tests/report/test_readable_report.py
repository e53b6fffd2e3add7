"""The report that `motet.train` returns prints, plots and shows itself; text from data is never trusted."""

from __future__ import annotations

import sys

import pytest

from motet.core import ConfigError, Report, Result
from motet.report.readable_report import ReadableReport

EVIL = "<script>alert(1)</script>"


def report(task: str = "kind", **changes: object) -> ReadableReport:
    results = (
        Result(
            task=task, source="s", metric="accuracy", value=61.24, unit="%", higher_is_better=True, count=1200,
            num_images=1100, low=58.0, high=64.0,
        ),
        Result(
            task=task, source="s", metric="f1", value=40.0, unit="%", higher_is_better=True, count=1200, main=False
        ),
        Result(task="depth", source="s", metric="rmse", value=0.5, unit="m", higher_is_better=False, count=9),
    )  # fmt: skip
    plain = Report(
        step=1500,
        role="test",
        results=results,
        trivial_baselines={task: {"majority": 70.0, "linear probe": 50.0}},
        notes=tuple(f"note {n}" for n in range(7)),
    )
    return ReadableReport.of(plain, verdicts=(f"{task}: not above the trivial baseline.",), page="runs/a/report.html")


def test_it_prints_every_number_its_baseline_and_the_verdict() -> None:
    lines = str(report()).splitlines()
    assert lines[0] == "test, after 1,500 steps"
    (kind,) = [line for line in lines if line.startswith("kind ")]
    assert kind.split("  ")[0] == "kind"
    for part in ("accuracy", "61.2 % ▼", "58.0 to 64.0", "1,200", "1,100", "70.0 (majority)"):
        assert part in kind
    assert "kind: not above the trivial baseline." in lines
    assert "note: and 2 more" in lines
    assert "note: note 5" not in lines
    assert lines[-1] == "page: runs/a/report.html"
    ends = {line.index(word) + len(word) for line, word in ((lines[1], "value"), (kind, "61.2 % ▼"))}
    assert len(ends) == 1  # numbers end where the name of their column ends


def test_a_name_from_data_cannot_steer_the_terminal_or_the_notebook() -> None:
    shown = str(report("a\x1b[31m\nb"))
    assert "\x1b" not in shown
    assert sum("61.2 %" in line for line in shown.splitlines()) == 1
    html = report(EVIL)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<table>") == 1
    assert "61.2 % ▼" in html


def test_its_frame_has_one_row_per_result() -> None:
    pd = pytest.importorskip("pandas")
    frame = report().frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.task) == ["kind", "kind", "depth"]
    assert list(frame.value) == [61.24, 40.0, 0.5]
    assert frame.best_trivial_baseline[0] == 70.0
    assert pd.isna(frame.best_trivial_baseline[1])


def test_without_pandas_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match="got no package pandas; want it installed"):
        report().frame()


def test_its_plot_has_a_panel_per_task_with_its_interval_and_baselines() -> None:
    kind, depth = report().plot().axes
    assert [one.get_title(loc="left") for one in (kind, depth)] == ["kind (accuracy, %)", "depth (rmse, m)"]
    assert [label.get_text() for label in kind.get_yticklabels()] == ["model", "majority", "linear probe"]
    assert [list(line.get_xdata()) for line in kind.lines] == [[58.0, 64.0]]
    points = [tuple(one.get_offsets()[0]) for one in kind.collections]
    assert points == [(61.24, 0.0), (70.0, 1.0), (50.0, 2.0)]
    assert [label.get_text() for label in depth.get_yticklabels()] == ["model"]
    with pytest.raises(ConfigError, match="want the report of at least one task"):
        ReadableReport().plot()


def test_it_is_stored_as_a_plain_report() -> None:
    assert Report.from_dict(report().to_dict()).results == report().results
