import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from motet.core import DataError
from motet.report import Content, PredictionCard, compare, markdown, page, read_run, thumbnail, write_report
from motet.report.pages.run import html_verdicts
from motet.report.verdict import Verdict

SECTIONS = [
    "Verdict",
    "Results",
    "Multi-task against single-task",
    "Learning curves",
    "Samples seen",
    "Trivial baselines",
    "Predictions",
    "Notes",
    "Versions",
]
LOADS = {"src", "srcset", "href", "data", "action", "poster", "background", "xlink:href"}


class Parsed(HTMLParser):
    """What a page would load, its headings, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.headings: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in LOADS]
        if tag not in {"meta", "img", "source"}:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture
def content(made_run, tmp_path) -> Content:
    """A page with everything on it."""
    joint = read_run(made_run(tmp_path / "joint", {"pets": 60.0, "read": 12.0}, metrics={"read": "cer"}))
    alone = [
        read_run(made_run(tmp_path / name, {name: value}, metrics={"read": "cer"}))
        for name, value in (("pets", 55.0), ("read", 14.0))
    ]
    image = thumbnail(Image.new("RGB", (300, 200), "teal"))
    shown = (
        PredictionCard(image, "pets", "What <is> it?", 'a "cat" & more', "dog", correct=False, score="0"),
        PredictionCard(thumbnail(Image.new("RGB", (28, 28))), "pets", "", "dog", "dog", correct=True),
        PredictionCard(image, "caption", "", "", "a red thing"),
    )
    return Content("A <title>", joint, compare([joint, *alone]), shown, credit=("Photographs: their owners",))


def test_the_page_loads_nothing_from_elsewhere(content) -> None:
    html = page(content)
    parsed = Parsed(html)
    images = [value for value in parsed.loaded if not value.startswith("#")]
    assert len([value for value in images if value.startswith("data:image/")]) >= 2 * 4 + 3
    assert all(value.startswith(("data:image/", "data:text/csv;")) for value in images)
    assert parsed.tags.count("script") == 1  # without an address: `LOADS` holds src
    for name in ("link", "iframe", "object", "embed"):
        assert name not in parsed.tags
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_plots_on_the_page_load_nothing_either(content) -> None:
    for value in Parsed(page(content)).loaded:
        kind, _, data = value.partition(";base64,")
        if kind == "data:image/svg+xml":
            plot = Parsed(base64.b64decode(data).decode())
            assert all(link.startswith("#") for link in plot.loaded)
            assert "font" not in plot.tags


def test_every_section_is_there_in_order_and_every_tag_is_closed(content) -> None:
    parsed = Parsed(page(content))
    assert parsed.headings == SECTIONS
    assert parsed.open == []


def test_texts_are_shown_as_texts(content) -> None:
    html = page(content)
    assert "What &lt;is&gt; it?" in html
    assert "a &quot;cat&quot; &amp; more" in html
    assert "<title>A &lt;title&gt;</title>" in html
    assert "(nothing)" in html


def test_numbers_marks_notes_and_credit_are_on_the_page(content) -> None:
    html = page(content)
    text = " ".join(Parsed(html).texts)
    assert "60.0 %" in text
    assert "57.0 to 63.0" in text
    assert "17 of 300 answers were no name" in text
    assert html.index("Drawings: OpenMoji, CC BY-SA 4.0") > html.index("<figure ")
    assert "Photographs: their owners" in text
    assert 'class="prediction wrong"' in html
    assert 'class="prediction correct"' in html
    assert 'class="prediction"' in html


def test_a_run_with_nothing_but_numbers_has_a_page_with_every_section(made_run, tmp_path) -> None:
    folder = made_run(tmp_path / "bare", {"pets": 60.0}, versions={}, credit=[])
    (folder / "log.jsonl").write_text("")
    parsed = Parsed(page(Content("Bare", read_run(folder))))
    assert parsed.headings == SECTIONS
    assert "No predictions were saved." in parsed.texts


def test_equal_content_gives_equal_bytes(content) -> None:
    assert page(content) == page(content)


def test_the_markdown_has_the_tables_the_notes_and_the_credit(content) -> None:
    text = markdown(content)
    for part in (
        "## Verdict",
        "## Results",
        "## Trivial baselines",
        "| pets | accuracy | 60.0 % |",
        "| delta-m | mean delta |",
        "* Drawings: OpenMoji",
    ):
        assert part in text
    for block in text.split("\n\n"):
        bars = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(bars) <= 1


def test_both_files_are_written_whole(content, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    html, text = write_report(tmp_path / "out", content)
    assert html.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# A <title>")
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["report.html", "report.md"]
    with pytest.raises(DataError, match="want a folder with room that can be written"):
        write_report(tmp_path / "out" / "report.md" / "below", content)


def test_a_run_whose_tasks_stop_and_go_shows_when(made_run, tmp_path):
    folder = made_run(tmp_path / "run", {"vqa": 60.0, "entail": 70.0})
    plain = page(Content("plain", read_run(folder)))
    assert "Stop and go" not in plain
    lines = [
        {"step": 0, "task_status": {"vqa": "go", "entail": "go"}},
        {"step": 120, "task_status": {"entail": "stop"}},
    ]
    with (folder / "log.jsonl").open("a") as log:
        log.writelines(json.dumps(line) + "\n" for line in lines)
    run = read_run(folder)
    assert run.log.task_status == {"vqa": ((0, "go"),), "entail": ((0, "go"), (120, "stop"))}
    assert "1 change of 2 tasks over 200 steps." in page(Content("stops", run))
    assert "| entail | go from 0, stop from 120 |" in markdown(Content("stops", run))


def test_classes_have_bars_of_their_own_and_those_without_an_annotation_are_told(made_run, tmp_path) -> None:
    folder = made_run(tmp_path / "maps", {"streets": 50.0}, metrics={"streets": "miou"})
    report = json.loads((folder / "report.json").read_text())
    report["results"][0]["classes"] = {"road": 50.0, "<train>": None}
    (folder / "report.json").write_text(json.dumps(report))
    content = Content("Maps", read_run(folder))
    html = page(content)
    parsed = Parsed(html)
    assert parsed.headings[:3] == ["Verdict", "Results", "Classes"]
    assert parsed.open == []
    assert 'alt="miou per class of streets: road 50.0, &lt;train&gt; no ground truth"' in html
    assert "| streets | miou | road | 50.0 % |\n| streets | miou | <train> | no ground truth |" in markdown(content)


def test_of_very_many_tasks_the_verdicts_that_say_something_come_first() -> None:
    found = [Verdict(f"t{n}", "no claim", "nothing.") for n in range(19)]
    found += [Verdict("<good>", "better", "better."), Verdict("low", "no claim", "below.", below_trivial=True)]
    html = html_verdicts(found)
    assert html.startswith(
        "<p>Of 21 tasks: 1 better than alone, 1 not above a trivial baseline, 19 without a claim.</p>"
    )
    assert html.index("&lt;good&gt;") < html.index("low") < html.index("<details>") < html.index("t0")
    assert '<li class="better">' in html
    assert '<li class="below">' in html
    few = html_verdicts(found[-2:])
    assert "<details>" not in few
    assert html_verdicts(()) == '<p class="muted">No score to judge.</p>'


def test_tasks_have_one_order_in_every_section(made_run, tmp_path) -> None:
    """That of the run, whatever order its log happens to have."""
    folder = made_run(tmp_path / "run", {"b": 60.0, "a": 50.0})
    swapped = []
    for line in map(json.loads, (folder / "log.jsonl").read_text().splitlines()):
        if "loss" in line:
            line["loss"] = dict(reversed(line["loss"].items()))
        if "results" in line:
            line["results"] = line["results"][::-1]
        swapped.append(json.dumps(line))
    (folder / "log.jsonl").write_text("\n".join(swapped) + "\n")
    assert list(read_run(folder).log.losses) == ["a", "b"]
    html = page(Content("t", read_run(folder)))
    for name in ("scores-on-val", "training-loss"):
        data = re.search(f'download="{name}.csv" href="data:text/csv;base64,([^"]+)"', html)
        assert data
        tasks = [line.split(",")[0] for line in base64.b64decode(data[1]).decode().splitlines()[1:]]
        assert list(dict.fromkeys(tasks)) == ["b", "a"]
    for section in ("Verdict", "Trivial baselines"):
        text = html.split(f"<h2>{section}</h2>")[1]
        assert text.index(">b<") < text.index(">a<")
