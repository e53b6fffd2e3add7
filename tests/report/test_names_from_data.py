"""Names that come from data are shown on pages, plots, images and terminals, and neither run, steer nor stop them."""

import json
import xml.dom.minidom
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from motet.cli.console import print_json, print_lines, table
from motet.core import BoxSet
from motet.core.printable import printable
from motet.report import plots, plots_of_classes, tables
from motet.report.confusion import Confusion
from motet.report.content import PredictionCard
from motet.report.download import Numbers
from motet.report.draw import draw_boxes, draw_referred_boxes, with_caption
from motet.report.draw.legend import with_colour_names
from motet.report.draw.panels import side_by_side, with_weights
from motet.report.heat import HeatTable, heat
from motet.report.html import Link, details, document, html_list, html_table, plot
from motet.report.pages.cards import html_gallery
from motet.report.plots import ScorePoint, TimedScore
from motet.report.precision_recall import PrecisionRecall
from motet.report.write import write_files
from motet.training.logging import RunLogger

NAMES = [
    "$", "$\\frac$", "$a^$b", "a_b^c$", "\x1b[31mred", "\x00", "caf\udce9", "\u202eevil", "<script>x</script>", "|",
    "a\nb", "[red]x[/red]", "%s {0}", "", "\u2028", "x" * 300,
]  # fmt: skip


def _confusion(name: str) -> Confusion:
    return Confusion(name, (name, "b"), np.array([[1, 1, 1], [0, 1, 0]]))


def _curve(name: str) -> PrecisionRecall:
    return PrecisionRecall(name, name, 3, np.array([1.0]), np.array([0.5]), np.array([0.9]))


FIGURES: dict[str, Callable[[str], Figure]] = {
    "curves": lambda n: plots.curves({n: [(0, 1.0), (1, 2.0)]}, label=n, baselines={n: 1.0}),
    "horizontal_bars": lambda n: plots.horizontal_bars({n: 3.0}, label=n),
    "class_bars": lambda n: plots_of_classes.class_bars({n: 3.0, f"{n} ": None}, mean=3.0, label="%"),
    "confusion_matrix": lambda n: plots_of_classes.confusion_matrix(_confusion(n)),
    "precision_over_recall": lambda n: plots_of_classes.precision_over_recall([_curve(n)]),
    "overlaid_curves": lambda n: plots.overlaid_curves(
        {n: {n: [(0, 1.0)], "b": [(0, 2.0)]}}, label={n: n}, baselines={n: 1.0}
    ),
    "score_points": lambda n: plots.score_points([ScorePoint(n, "multi-task", 1.0, 0.5, 2.0)], label=n),
    "score_against_time": lambda n: plots.score_against_time([TimedScore(n, "beam", 0.1, 1.0, n)], label=n),
    "status_timeline": lambda n: plots.status_timeline({n: [(0, "go")]}, steps=4),
    "heat": lambda n: heat([HeatTable.of_matrix(n, (n, "b"), np.eye(2))], label=n),
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("figure", FIGURES)
def test_plots_draw_every_name(figure: str, name: str) -> None:
    xml.dom.minidom.parseString(plots.svg(FIGURES[figure](name)))  # valid XML


def test_a_dollar_is_a_letter_on_a_plot() -> None:
    """As a formula `$xx$` would be drawn without its signs: narrower than the letters."""

    def outlines(name: str) -> int:
        return plots.svg(plots.horizontal_bars({name: 3.0}, label="")).count(b"<use ")

    assert outlines("$xx$") == outlines("axxa")


BOX = BoxSet(np.array([[4.0, 20.0, 60.0, 60.0]]), np.array([0]), np.ones(1))
DRAWN: dict[str, Callable[[Image.Image, str], Image.Image]] = {
    "boxes": lambda image, n: draw_boxes(image, BOX, [n]),
    "regions": lambda image, n: draw_referred_boxes(image, predicted=(4, 20, 60, 60), titles=(n, n)),
    "legend": lambda image, n: with_colour_names(image, [(n, (1, 2, 3)), (n, None)]),
    "side by side": lambda image, n: side_by_side([(n, image), (n, image)]),
    "caption": with_caption,
    "weights": lambda image, n: with_weights(image, [n, n], [0.5, 0.5]),
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("draw", DRAWN)
def test_images_carry_every_name(draw: str, name: str) -> None:
    assert DRAWN[draw](Image.new("RGB", (64, 64), "white"), name).width >= 64


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_pages_hold_every_name_as_text(name: str, tmp_path: Path) -> None:
    body = html_table((name,), [(name,), (Link(name, name),)], name=name) + html_list([name], "none")
    body += details(name, "") + html_gallery(
        [PredictionCard(b"\xff\xd8\xff", name, name, name, name, ranked_texts=((name, True),))], (), (name,)
    )
    body += plot(lambda theme: Figure((1, 1)), name, Numbers(name, (name,), [(name,)]))
    write_files(
        tmp_path,
        {"page.html": document(name, body, [(name, body)]), "page.md": tables.table((name, "value"), [(name, "1")])},
    )
    page = (tmp_path / "page.html").read_bytes().decode()
    assert page.count("<script>") == 1  # the page's own, the only one that its policy allows
    assert "<script>x" not in page
    assert printable(page) == page
    markdown = (tmp_path / "page.md").read_bytes().decode()
    assert len(markdown.splitlines()) == 3


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_terminal_is_told_every_name_and_obeys_none(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(name)
    table((name,), [(name,)], title=name)
    print_json({name: name})
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x00" not in said
    assert json.loads(said[said.index("{\n") :]) == {name: name}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_log_keeps_a_note_of_every_name(name: str, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    logger = RunLogger(tmp_path, steps=1, start=0, log_bytes=0, show=True)
    with logger:
        logger.note(name)
    (line,) = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert json.loads(line) == {"note": name}
    assert "\x1b" not in capsys.readouterr().err


def test_a_file_is_utf8_whatever_it_holds(tmp_path: Path) -> None:
    write_files(tmp_path, {"page.md": "caf\udce9", "image.png": b"\xe9"})
    assert (tmp_path / "page.md").read_bytes() == b"caf\\udce9"
    assert (tmp_path / "image.png").read_bytes() == b"\xe9"
