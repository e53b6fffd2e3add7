"""Unprintable characters stand as escapes; everything else, and JSON as JSON, is unchanged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.core import ConfigError, DataError
from motet.core.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b]0;title\x07", "\\u001b[31mred\\u001b]0;title\\u0007"),
        ("nul\x00", "nul\\u0000"),
        ("caf\udce9", "caf\\udce9"),
        ("\u202eevil", "\\u202eevil"),
        ("line\u2028end\x85", "line\\u2028end\\u0085"),
        ("carriage\rreturn", "carriage\\u000dreturn"),
    ],
)
def test_what_a_terminal_obeys_and_utf8_cannot_hold_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["naïve café", "猫 кот قطة 🐈", "tab\tand line\n", "$a$ {b} \\n <b>", "e\u0301", "\xa0"]
)
def test_all_other_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


@given(st.text(st.characters()))  # lone surrogates included
def test_the_result_is_utf8_and_twice_is_once(text: str) -> None:
    once = printable(text)
    assert once.encode().decode() == printable(once) == once
    assert not any(ord(c) < 32 and c not in "\t\n" for c in once)


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters()), max_size=4))
def test_json_of_it_is_the_same_json(value: dict[str, str]) -> None:
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value


def test_errors_show_names_from_data_without_obeying_them() -> None:
    assert str(ConfigError("got \x1b[2J")) == "got \\x1b[2J"
    assert str(DataError("got x", path="a\x1b[2J.csv", row=1)) == "got x (a\\x1b[2J.csv, row 1)"


@given(st.text(st.characters() | st.sampled_from("\n\x85\u2028\u202e\ud800\x1b'\"\\")))
def test_any_text_is_one_printable_line_and_a_plain_one_is_kept(text):
    assert one_line(text).isprintable()
    assert (one_line(text) == text) == text.isprintable()
    one_line(text).encode()
