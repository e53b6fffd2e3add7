from PIL import Image

from motet.report import PredictionCard, thumbnail
from motet.report.pages.cards import html_gallery

IMAGE = thumbnail(Image.new("RGB", (20, 20)))


def test_cards_tell_why_they_are_shown_and_how_sure_they_are() -> None:
    html = html_gallery(
        [PredictionCard(IMAGE, "pets", "", "cat", "dog", correct=False, confidence=0.987, choice="surest wrong")],
        ("pets",),
        (),
    )
    assert 'data-choice="surest wrong" data-mark="wrong"' in html
    assert "surest and wrong, confidence 99 %" in html


def test_tasks_keep_the_order_of_the_run_and_names_leave_no_attribute() -> None:
    name = '"><script>x</script>'
    cards = [PredictionCard(IMAGE, task, "", "a", "b") for task in ("late", name, "first")]
    html = html_gallery(cards, ("first", "late"), ("Photo: <me>",))
    order = [html.index(f"<h3>{text}") for text in ("first", "late", "&quot;&gt;&lt;script&gt;")]
    assert order == sorted(order)
    assert "<script>" not in html
    assert html.endswith('<p class="muted">Photo: &lt;me&gt;</p>')


def test_without_cards_a_line_says_so() -> None:
    assert html_gallery((), ("a",), ("credit",)) == '<p class="muted">No predictions were saved.</p>'
