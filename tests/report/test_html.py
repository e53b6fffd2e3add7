"""Building blocks of pages."""

import base64
import hashlib
import re

from matplotlib.figure import Figure

from motet.report.download import Numbers
from motet.report.html import Link, document, html_list, html_table, image_url, plot


def figure(width: float) -> Figure:
    return Figure(figsize=(width, 2.0))


def test_titles_and_names_are_escaped_and_bodies_are_not() -> None:
    page = document("a <b>", "<p>c</p>", [("x & y", "<i>z</i>"), ("last", "")])
    assert "<title>a &lt;b&gt;</title>" in page
    assert '<a href="#x-&amp;-y">x &amp; y</a>' in page
    assert '<section id="x-&amp;-y"><h2>x &amp; y</h2><i>z</i></section>' in page


def test_one_section_needs_no_links() -> None:
    assert "<nav></nav>" in document("t", "", [("only", "")])


def test_the_first_columns_are_text_and_the_last_row_may_be_a_total() -> None:
    table = html_table(("a", "b", "c"), [("<1>", "2", "3"), ("4", "5", "6")], left=2, total=True)
    assert table.count("<td class=text>") == 4
    assert "&lt;1&gt;" in table
    assert table.index("<tr class=total>") > table.index("&lt;1&gt;")
    assert "total" not in html_table(("a",), [("1",)])


def test_an_empty_list_is_a_sentence() -> None:
    assert html_list((), "Nothing.") == '<p class="muted">Nothing.</p>'
    assert html_list(("a", "b<"), "Nothing.") == "<ul><li>a</li><li>b&lt;</li></ul>"


def test_a_plot_is_drawn_for_light_and_dark_and_a_narrow_one_keeps_its_width() -> None:
    themes = []
    wide = plot(lambda theme: (themes.append(theme), figure(9.0))[1], "alt & text")
    assert len(set(themes)) == 2
    assert wide.count("<img class") == 2
    assert wide.index('class="light"') < wide.index('class="dark"')
    assert 'alt="alt &amp; text"' in wide
    assert "max-width" not in wide
    assert "max-width: 34rem" in plot(lambda theme: figure(5.0), "")


def test_images_are_embedded_by_their_own_type() -> None:
    assert image_url(b"\x89PNG\r\n").startswith("data:image/png;base64,")
    assert image_url(b"\xff\xd8\xff").startswith("data:image/jpeg;base64,")


def test_a_plot_with_numbers_can_be_saved_without_being_embedded_twice() -> None:
    html = plot(lambda theme: figure(9.0), "", Numbers("my plot", ("x",), [(1,)]))
    assert 'download="my-plot.svg" href="#"' in html
    assert 'download="my-plot.csv" href="data:text/csv;base64,' in html
    assert html.count("data:image/svg+xml") == 2
    assert "download" not in plot(lambda theme: figure(9.0), "")


def test_only_the_pages_own_script_may_run() -> None:
    page = document("t", "<script>alert(1)</script>", [])
    script = page.rsplit("<script>", 1)[1].split("</script>")[0]
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'\"" in page
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?:", script
    )


def test_a_long_table_is_marked_for_the_filter_and_links_are_cells() -> None:
    rows = [(Link("<a>", 'b"c'), "1")] * 12
    assert '<table class="long">' in html_table(("run", "x"), rows)
    assert "long" not in html_table(("run", "x"), rows[:11])
    assert '<a href="b&quot;c">&lt;a&gt;</a>' in html_table(("run", "x"), rows)
