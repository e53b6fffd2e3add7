"""The page in a browser: by clicks, on a desk and on a phone; answers are text, and nothing comes from elsewhere."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Page, browser
from live_service import LiveService, live
from PIL import Image
from toy_predictor import grey_png, toy_predictor

from motet.serve.app import create_app
from motet.serve.models import ServedModels

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
FIRST_TEXT = "document.querySelector('.task[data-task={0}] .value').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    single = toy_predictor()
    single.system.bias.data += 60.0
    models = ServedModels(toy_predictor(), {"grey": Path("x"), "bright": Path("x")}, lambda folder: single)
    with live(create_app(models)) as one:
        yield one


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    names = ["<img src=x onerror=alert(1)>.png", "it's.png"]
    for name, grey in zip(names, (100, 200), strict=True):
        (tmp_path / name).write_bytes(grey_png(grey, (80, 60)))
    return [tmp_path / name for name in names]


def shown(page: Page, service: LiveService, size: tuple[int, int], photos: list[Path], *tasks: str) -> None:
    """Opens the page, chooses files and tasks, and asks."""
    page.problems.clear()
    page.open(service.url, *size)
    page.wait("document.querySelectorAll('#tasks input').length === 8")
    page.choose("#files", *photos)
    page.wait(f"document.querySelectorAll('#thumbs img').length === {len(photos)}")
    page.click("#tasks label:has(input[value=bright])")  # chosen at first
    for task in tasks:
        page.click(f"#tasks label:has(input[value={task}])")


def ask(page: Page) -> None:
    page.click("#run")
    page.wait("document.querySelector('#message').textContent.startsWith('done')")


@needs_browser
@pytest.mark.parametrize("size", [(1300, 900), (400, 800)], ids=["desk", "phone"])
def test_images_and_tasks_become_answers(page, service, photos, tmp_path, size) -> None:
    shown(page, service, size, photos, "caption", "things", "depth", "ask")
    page.type("#text", "how many <b>dogs</b>?")
    ask(page)
    assert page.run("document.querySelectorAll('.card').length") == 2
    assert page.run(FIRST_TEXT.format("caption")) == "a grey of 100"
    assert page.run(FIRST_TEXT.format("ask")) == "how many <b>dogs</b>?:1"
    assert page.run("document.querySelectorAll('.card')[1].querySelector('.value').textContent") == "a grey of 200"
    assert page.run("[...document.querySelectorAll('.card svg text')].map(t => t.textContent)").count("cat 0.90") == 2
    page.wait("[...document.querySelectorAll('.map')].every(image => image.naturalWidth === 80)")
    assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
    # Names of files and of classes are text: no element came out of them, and nothing was refused or fetched.
    assert page.run("document.querySelectorAll('figcaption img, .found b, .value b').length") == 0
    assert page.problems == []
    page.run("window.scrollTo(0, 0)")
    with Image.open(page.screenshot(tmp_path / "page.png")) as image:
        assert image.width in range(size[0] - 20, size[0] + 1)
        assert len(np.unique(np.asarray(image.convert("L")))) > 50


@needs_browser
def test_boxes_are_drawn_where_they_are(page, service, photos) -> None:
    shown(page, service, (1300, 900), photos[:1], "things")
    ask(page)
    page.wait("document.querySelector('.card svg rect')")
    box, image = (
        page.run(f"(r => [r.x, r.y, r.width, r.height])(document.querySelector('{one}').getBoundingClientRect())")
        for one in (".card svg rect:last-of-type", ".card .stage img")
    )
    assert box == pytest.approx([image[0], image[1], image[2] / 2, image[3] / 2], abs=6)


@needs_browser
def test_unsure_boxes_are_drawn_on_demand(page, service, photos) -> None:
    shown(page, service, (1300, 900), photos[:1], "things")
    ask(page)
    page.wait("document.querySelector('.card svg rect')")
    counts = "['.card svg rect', '.found li:not(.note)'].map(one => document.querySelectorAll(one).length)"
    note = "document.querySelector('.found .note')?.textContent"
    before = page.run(counts)
    assert before[0] == before[1] > 0

    def slide(score: str) -> None:
        page.run(f"document.querySelector('#score').value = {score}")
        page.run("document.querySelector('#score').dispatchEvent(new Event('input'))")

    slide("1")
    assert page.run(counts) == [0, 0]
    assert page.run(note).endswith("more below a score of 1")
    assert page.run("document.querySelector('#score-shown').textContent") == "1.00"
    slide("0")
    assert page.run(counts)[0] >= before[0]
    assert page.run(note) is None
    page.click("#tasks label:has(input[value=things])")
    assert page.run("document.querySelector('#score-field').getClientRects().length") == 0


@needs_browser
def test_boxes_of_both_models_are_drawn_side_by_side(page, photos) -> None:
    models = ServedModels(toy_predictor(), {"things": Path("x")}, lambda folder: toy_predictor())
    with live(create_app(models)) as service:
        shown(page, service, (1300, 900), photos[:1], "things")
        page.click("#compare")
        ask(page)
        page.wait("document.querySelectorAll('[data-model] .stage svg rect').length >= 2")
        places = [
            page.run(f"document.querySelector('[data-model={one}] .stage').getBoundingClientRect().x")
            for one in ("multi", "single")
        ]
        assert places[1] > places[0] + 100
        assert page.run("document.querySelectorAll('figure .stage rect').length") == 0


@needs_browser
def test_an_image_is_enlarged_with_its_boxes_and_the_theme_can_be_switched(page, service, photos) -> None:
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    shown(page, service, (1300, 900), photos[:1], "things")
    ask(page)
    page.wait("document.querySelector('.card svg rect')")
    page.click(".card .stage")
    assert page.run("document.querySelector('#large').open")
    assert page.run("document.querySelectorAll('#large .stage rect').length") > 0
    large, small = (
        page.run(f"document.querySelector('{one}').getBoundingClientRect().width")
        for one in ("#large img", ".card .stage img")
    )
    assert large > small
    page.click("#large .stage")
    assert not page.run("document.querySelector('#large').open")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.run(paper) == "rgb(251, 250, 248)"
    page.click("#theme")
    assert page.run(paper) == "rgb(23, 23, 26)"
    assert page.run("document.querySelector('#theme').textContent") == "Light"
    assert page.problems == []


@needs_browser
def test_the_single_task_models_stand_beside_it_with_probabilities(page, service, photos) -> None:
    shown(page, service, (1300, 900), photos[:1], "bright", "grey")
    page.click("#compare")
    ask(page)
    for model, text in (("multi", "100"), ("single", "160")):
        place = f".task[data-task=grey] [data-model={model}] .value"
        assert page.run(f"document.querySelector('{place}').textContent") == text
    assert page.run("document.querySelector('[data-model=single] .who').textContent") == "single-task model: differs"
    assert page.run("document.querySelector('[data-model=multi] .bars').textContent") == "dark100.0 %bright0.0 %"
    left, right = (
        page.run(f"document.querySelector('.task[data-task=grey] [data-model={one}]').getBoundingClientRect().x")
        for one in ("multi", "single")
    )
    assert right > left + 100
    page.click("#probabilities")
    ask(page)
    assert page.run("document.querySelectorAll('.bars').length") == 0


@needs_browser
def test_attention_is_drawn_and_errors_are_told(page, service, photos, tmp_path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    shown(page, service, (1300, 900), [photos[0], tmp_path / "bad.png"], "ask")
    page.type("#text", "how?")
    page.click("#attention")
    ask(page)
    page.wait("document.querySelector('.attention').naturalWidth > 100")
    assert "got 8 bytes" in page.run("document.querySelectorAll('.card')[1].querySelector('.error').textContent")
    page.click("#thumbs li:first-child button")
    page.wait("document.querySelectorAll('#thumbs img').length === 1")


@needs_browser
def test_dropped_images_are_chosen_and_other_files_are_not(page, service) -> None:
    shown(page, service, (1300, 900), [])
    page.run(
        "(() => { const data = new DataTransfer();"
        " data.items.add(new File(['x'], 'a.png', {type: 'image/png'}));"
        " data.items.add(new File(['x'], 'b.txt', {type: 'text/plain'}));"
        " const drop = new DragEvent('drop', {dataTransfer: data, bubbles: true});"
        " document.querySelector('#drop').dispatchEvent(drop); })()"
    )
    assert page.run("[...document.querySelectorAll('#thumbs img')].map(image => image.alt)") == ["a.png"]


@needs_browser
def test_a_task_on_texts_needs_no_image(page, service) -> None:
    shown(page, service, (1300, 900), [])
    assert page.run("document.querySelector('#run').disabled")
    page.click("#tasks label:has(input[value=echo])")
    page.type("#text", "hi")
    ask(page)
    assert page.run(FIRST_TEXT.format("echo")) == "hi:0"


@needs_browser
def test_the_copied_lines_give_the_same_answer(page, service, photos) -> None:
    shown(page, service, (1300, 900), photos[1:], "ask")
    page.type("#text", "how 'many'; $(dogs)?")
    ask(page)
    lines = []
    for place in (1, 2):
        page.run("document.querySelector('#message').textContent = ''")
        page.click(f".task h3 button:nth-of-type({place})")
        page.wait("document.querySelector('#message').textContent")
        lines.append(page.run("document.querySelector('#message').textContent").removeprefix("copied: "))
    python, curl = lines
    words = shlex.split(curl)
    assert words[0] == "curl"
    ran = subprocess.run([*words, "-s"], cwd=photos[1].parent, capture_output=True, text=True, check=True)
    assert "how 'many'; $(dogs)?:1" in ran.stdout
    requests = pytest.importorskip("requests")

    def open_here(name: str, mode: str) -> io.BytesIO:
        return io.BytesIO((photos[1].parent / name).read_bytes())

    answer = eval(python, {"requests": requests, "open": open_here})
    assert answer["predictions"][0]["value"] == "how 'many'; $(dogs)?:1"


@needs_browser
def test_a_token_is_asked_for_and_kept_out_of_the_lines(page, photos) -> None:
    with live(create_app(ServedModels(toy_predictor()), token="s3cret")) as service:
        page.open(service.url, 1300, 900)
        page.wait("!document.querySelector('#token-form').hidden")
        page.type("#token", "s3cret")
        page.click("#token-form button")
        page.wait("document.querySelectorAll('#tasks input').length === 8")
        assert page.run("document.querySelector('#token-form').hidden")
        page.choose("#files", photos[1])
        page.wait("document.querySelectorAll('#thumbs img').length === 1")
        ask(page)
        assert page.run(FIRST_TEXT.format("bright")) == "bright"
        page.click(".task h3 button:nth-of-type(2)")
        page.wait("document.querySelector('#message').textContent.includes('curl')")
        assert "s3cret" not in page.run("document.body.innerHTML")


def test_the_page_fetches_nothing_from_elsewhere_and_makes_no_html_of_text() -> None:
    folder = files("motet.serve") / "page"
    html, script, style = ((folder / name).read_text() for name in ("index.html", "page.js", "page.css"))
    assert re.findall(r"https?://[^\"'`]+", html + script + style) == ["http://www.w3.org/2000/svg"] * 2
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)
    assert not re.search(r"\sstyle=|\son\w+=|<script>", html)
    assert "@import" not in style
    assert "url(" not in style
