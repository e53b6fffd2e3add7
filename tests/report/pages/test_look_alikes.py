"""The page of image pairs."""

from PIL import Image

from motet.report.content import PairCard
from motet.report.draw import encode_png, thumbnail
from motet.report.pages.look_alikes import pairs_page

PNG, JPEG = encode_png(Image.new("RGB", (9, 9))), thumbnail(Image.new("RGB", (99, 99)))


def test_each_pair_has_two_images_of_their_own_type_and_its_names() -> None:
    page = pairs_page("Pairs", [PairCard((PNG, JPEG), ("a<1>", "b"), "3 of 64 bits differ")] * 2, ("a note & more",))
    assert page.count("data:image/png") == page.count("data:image/jpeg") == 2
    assert "a&lt;1&gt; and b" in page
    assert "3 of 64 bits differ" in page
    assert "<p>a note &amp; more</p>" in page


def test_no_pair_is_a_page_too() -> None:
    assert "<figure" not in pairs_page("Pairs", [])
