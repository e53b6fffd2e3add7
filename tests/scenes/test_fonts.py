"""The font of the text in scenes."""

from PIL import ImageFont

from motet.scenes.fonts import letters_path
from motet.scenes.layout import SIGN_WORDS


def test_the_font_is_installed_and_has_all_letters_in_bold() -> None:
    font = ImageFont.truetype(str(letters_path()), 40)
    assert b"Bold" in font.get_variation_names()
    missing = bytes(font.getmask("\uffff"))
    for letter in {letter for word in SIGN_WORDS for letter in word} | set("0123456789"):
        assert bytes(font.getmask(letter)) != missing
