"""JSON that nobody should have written is one line each, and JSON that is usual comes back."""

import json

import pytest

from motet.core.plain_json import parse_json


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -2.5e3, None, True, "ü😀"]},
        [],
        "text",
        10**4000,
        [["deep"]] * 3,
        "\\ud800 as it is written",
        float("inf"),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_usual_json_comes_back(value, ascii_only) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text) == parse_json(text.encode()) == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_the_encodings_of_json_are_read(encoding) -> None:
    assert parse_json('{"a": "é"}'.encode(encoding)) == {"a": "é"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[1,\n 2", "Expecting ',' delimiter at line 2, column 3; want a whole JSON value"),
        ("", "Expecting value at column 1"),
        (b"\xff\xfe\x00", "the byte 0x00; want UTF-8|Expecting value"),
        (b'"\xed\xa0\x80"', "the byte 0xed; want UTF-8"),
        ("1" * 4301, "a number of more than 4,300 digits; want at most 19"),
        ("[" * 1_000_000, "lists nested too deeply"),
        ('{"a":' * 100_000, "lists nested too deeply"),
        (r'["\ud800"]', r"a text with half a character \(\\ud800 to \\udfff alone\)"),
        (r'{"\uDC00x": 1}', "half a character"),
        (r'["\ud83d\ude00", "\ude00\ud83d"]', "half a character"),
    ],
)
def test_what_is_no_json_is_one_line(data, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_json(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
