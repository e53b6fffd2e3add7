from hypothesis import given
from hypothesis import strategies as st

from motet.data.formats.error_text import first_line, printable


def test_a_long_message_of_many_lines_is_cut_to_one_short_line():
    assert first_line(ValueError("x" * 200 + "\nmore")) == "x" * 120


def test_an_error_without_a_message_is_named_by_its_type():
    assert first_line(EOFError()) == "EOFError"


@given(st.text(st.characters() | st.sampled_from("\n\x85\u2028\u202e\ud800\x1b'\"\\")))
def test_any_text_is_one_printable_line_and_a_plain_one_is_kept(text):
    assert printable(text).isprintable()
    assert (printable(text) == text) == text.isprintable()
    printable(text).encode()
