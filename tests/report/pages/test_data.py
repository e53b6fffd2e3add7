"""The page of data set rows."""

from PIL import Image

from motet.report.content import RowCard
from motet.report.draw import encode_png
from motet.report.pages.data import data_page

PNG = encode_png(Image.new("RGB", (9, 9)))


def test_rows_are_under_their_source_with_annotations_and_problems() -> None:
    row = RowCard(
        "id <1>", (("image", PNG), ("depth", PNG)), (("vqa", "yes & no"),), (("boxes", "got 7; want 0 to 2"),)
    )
    page = data_page("Data", [("first", [row]), ("second", [])], ("Photographs: someone",))
    assert page.count('class="row"') == 1
    assert "<b>vqa</b>: yes &amp; no" in page
    assert '<span class="wrong">boxes: got 7; want 0 to 2</span>' in page
    assert 'alt="depth of id &lt;1&gt;"' in page
    assert '<a href="#second">second</a>' in page
    assert page.index("Photographs: someone") < page.index("id &lt;1&gt;")
