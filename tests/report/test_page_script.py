"""The page of a run in a browser, opened as a file: by clicks, on desk and phone, in light, dark and on paper."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from browser import CHROMIUM, Page, browser
from PIL import Image

from motet.report import Content, PredictionCard, page, read_run, thumbnail
from motet.report.confusion import Confusion
from motet.report.precision_recall import PrecisionRecall

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=1</script>'
SIZES = pytest.mark.parametrize("size", [(1300, 900), (400, 800)], ids=["desk", "phone"])


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def opened(chromium, made_run, tmp_path):
    """Opens a page with everything on it, whose names are hostile."""
    values = {f"task {n:02}": float(n) for n in range(13)} | {HOSTILE: 60.0}
    counts = np.array([[3, 2, 1], [1, 4, 0]])
    image = thumbnail(Image.new("RGB", (60, 40), "teal"))
    cards = [
        PredictionCard(
            image, "task 00", HOSTILE, "a wolf", HOSTILE, correct=False, confidence=0.9, choice="surest wrong"
        ),
        PredictionCard(image, "task 00", "", "a dog", "a dog", correct=True),
        PredictionCard(image, HOSTILE, "", "a cat", "x" * 500, correct=None, wide=True),
    ]
    curve = PrecisionRecall("task 00", HOSTILE, 3, np.array([1.0, 0.5]), np.array([0.3, 0.6]), np.array([0.9, 0.1]))
    content = Content(
        "A run", read_run(made_run(tmp_path / "run", values)), None, cards,
        confusions=(Confusion(HOSTILE, ("cat", HOSTILE), counts),), curves=(curve,),
    )  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(page(content))

    def open_page(size: tuple[int, int] = (1300, 900), theme: str = "light") -> Page:
        chromium.problems.clear()
        chromium.send(
            "Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": theme}]
        )
        chromium.open(path.as_uri(), *size)
        chromium.run("try { localStorage.clear() } catch {}")
        chromium.open(path.as_uri(), *size)
        return chromium

    return open_page


def column(one: Page, section: str, place: int) -> list[str]:
    rows = f"[...document.querySelectorAll('#{section} tbody tr')].filter(row => !row.hidden)"
    found: list[str] = one.run(f"{rows}.map(row => row.cells[{place}].textContent)")
    return found


@SIZES
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_and_names_run_nothing(opened, size, theme, tmp_path) -> None:
    one = opened(size, theme)
    assert one.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert one.run("document.title") == "A run"
    assert one.run("document.querySelectorAll('main script, img[src=x]').length") == 0
    assert one.problems == []
    place = one.run("document.querySelector('#verdict').getBoundingClientRect().top")
    assert place < size[1]  # the verdict is on the first screen
    shown = "[...document.querySelectorAll('.plot img')].filter(image => image.getClientRects().length)"
    assert set(one.run(f"{shown}.map(image => image.className)")) == {theme}
    assert one.run(f"{shown}.every(image => image.naturalWidth > 50)")
    with Image.open(one.screenshot(tmp_path / "page.png")) as image:
        corner = np.asarray(image.convert("L"))[5, 5]
    assert corner > 250 if theme == "light" else corner < 40


def test_the_switch_changes_page_and_plots_and_is_remembered(opened) -> None:
    one = opened(theme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    assert one.run(background) == "rgb(255, 255, 255)"
    one.click("#theme")
    assert one.run(background) == "rgb(22, 25, 29)"
    assert one.run("document.querySelector('.plot img.dark').getClientRects().length") == 1
    assert one.run("document.querySelector('.plot img.light').getClientRects().length") == 0
    assert one.run("document.querySelector('#theme').textContent") == "Light"
    one.run("document.body.dataset.old = true, location.reload()")
    one.wait("document.body && !document.body.dataset.old && document.querySelector('#theme')?.textContent")
    assert one.run(background) == "rgb(22, 25, 29)"
    one.click("#theme")
    assert one.run(background) == "rgb(255, 255, 255)"


def test_columns_sort_by_number_and_by_text_and_rows_are_filtered(opened) -> None:
    one = opened()
    one.click("#results th:nth-child(3) button")
    values = [float(text.split()[0]) for text in column(one, "results", 2)]
    assert values == sorted(values)
    one.click("#results th:nth-child(3) button")
    assert [float(text.split()[0]) for text in column(one, "results", 2)] == values[::-1]
    assert one.run("document.querySelector('#results th:nth-child(3)').ariaSort") == "descending"
    one.click("#results th:nth-child(1) button")
    names = column(one, "results", 0)
    assert names[1:] == [f"task {n:02}" for n in range(13)]
    one.type("#results input[type=search]", "task 1")
    assert column(one, "results", 0) == ["task 10", "task 11", "task 12"]
    assert one.run("document.querySelector('#results .filter .muted').textContent") == "3 of 14 rows"


def test_cards_are_filtered_enlarged_and_zoomed(opened) -> None:
    one = opened()
    shown = "[...document.querySelectorAll('.gallery figure')].filter(card => !card.hidden).length"
    groups = "[...document.querySelectorAll('.gallery .group')].filter(group => !group.hidden).length"
    assert one.run(f"[{shown}, {groups}]") == [3, 2]
    change = (
        "(s => {{ s.value = '{0}'; s.dispatchEvent(new Event('change')) }})(document.querySelector('[data-key=mark]'))"
    )
    one.run(change.format("wrong"))
    assert one.run(f"[{shown}, {groups}]") == [1, 1]
    one.run(change.format(""))
    one.type(".gallery input[type=search]", "A DOG")
    assert one.run(f"[{shown}, {groups}]") == [1, 1]
    width = "document.querySelector('.gallery figure:not([hidden])').getBoundingClientRect().width"
    before = one.run(width)
    one.run("document.querySelector('.gallery input[type=range]').value = 40")
    one.run("document.querySelector('.gallery input[type=range]').dispatchEvent(new Event('input'))")
    assert one.run(width) > 1.5 * before
    one.click(".gallery figure:not([hidden]) img")
    assert one.run("document.querySelector('#large').open")
    assert one.run("document.querySelector('#large figcaption .prediction').textContent") == "a dog"
    one.click("#large img")
    assert not one.run("document.querySelector('#large').open")


def test_a_plot_is_saved_as_the_light_svg_and_its_numbers_as_csv(opened) -> None:
    one = opened(theme="dark")
    one.run("document.querySelector('a.svg').addEventListener('click', event => event.preventDefault())")
    one.click("a.svg")
    assert one.run("document.querySelector('a.svg').href === document.querySelector('.plot img.light').src")
    texts = one.run(
        "Promise.all([...document.querySelectorAll('a[download$=csv]')].map(link => atob(link.href.split(',')[1])))"
    )
    assert len(texts) >= 5
    assert all("\r\n" in text for text in texts)


def test_paper_is_light_and_shows_what_is_folded_away(opened) -> None:
    one = opened(theme="dark")
    one.send("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert one.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert one.run("document.querySelector('.plot img.light').getClientRects().length") == 1
    assert one.run("document.querySelector('.plot img.dark').getClientRects().length") == 0
    assert one.run("document.querySelector('#theme').getClientRects().length") == 0
    one.run("dispatchEvent(new Event('beforeprint'))")
    assert one.run("document.querySelectorAll('details:not([open])').length") == 0
    one.run("dispatchEvent(new Event('afterprint'))")
    assert one.run("document.querySelectorAll('details[open]').length") == 0
    pdf = one.send("Page.printToPDF")["data"]
    assert len(pdf) > 10_000
