"""The font of text on images."""

from motet.report.draw.lettering import INK, PAPER, font_of_size


def test_letters_have_the_size_and_are_loaded_once() -> None:
    small, large = font_of_size(10), font_of_size(30)
    assert large.getlength("width") > 2.5 * small.getlength("width")
    assert font_of_size(10) is small


def test_signs_of_the_pages_have_glyphs() -> None:
    font, missing = font_of_size(20), font_of_size(20).getmask("\uffff")
    for sign in "±°·äß":
        assert bytes(font.getmask(sign)) != bytes(missing)


def test_ink_is_readable_on_paper() -> None:
    assert min(PAPER) - max(INK) > 200
