from motet.data.formats.error_text import first_line


def test_a_long_message_of_many_lines_is_cut_to_one_short_line():
    assert first_line(ValueError("x" * 200 + "\nmore")) == "x" * 120


def test_an_error_without_a_message_is_named_by_its_type():
    assert first_line(EOFError()) == "EOFError"
