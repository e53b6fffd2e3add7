import math
import time
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.json_file import (
    check_type,
    get_field,
    get_id,
    get_key,
    get_number,
    get_size_hw,
    get_text,
    load_json,
    load_json_lines,
    short_repr,
)

HERE = Path("x.json")


def test_a_file_that_breaks_off_is_named_with_line_and_column(tmp_path, write):
    path = write(tmp_path / "x.json", '{"a": [1,\n 2')
    with pytest.raises(DataError, match=r"line 2, column 3") as caught:
        load_json(path)
    assert caught.value.path == path


def test_lists_nested_without_end_are_an_error_and_no_crash(tmp_path, write):
    with pytest.raises(DataError, match="lists nested too deeply"):
        load_json(write(tmp_path / "x.json", "[" * 200_000))


def test_bytes_that_are_no_utf8_are_an_error(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"a": "caf\xe9"}')
    with pytest.raises(DataError, match="0xe9; want UTF-8"):
        load_json(path)


def test_json_lines_skip_empty_ones_and_name_the_broken_one(tmp_path, write):
    path = write(tmp_path / "x.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    assert list(load_json_lines(path)) == [{"a": 1}, {"a": 2}]
    with pytest.raises(DataError, match="row 1"):
        list(load_json_lines(write(tmp_path / "y.jsonl", '{"a": 1}\n{"a"\n')))


def test_a_missing_key_comes_with_the_nearest_one():
    with pytest.raises(DataError, match=r"key 'caption': .*did you mean 'captoin'.*\(x.json, row 3\)"):
        get_field({"captoin": "A dog.", "id": 1}, "caption", str, path=HERE, row=3)


@pytest.mark.parametrize(
    ("value", "kind"), [("1", int), (True, int), (1.5, int), (1, str), (None, str), ({}, list), ([], dict), (1, bool)]
)
def test_another_type_is_an_error(value, kind):
    with pytest.raises(DataError, match=r"a: got .*; want "):
        get_field({"a": value}, "a", kind, path=HERE)


def test_a_whole_number_is_also_a_float():
    assert get_field({"a": 2}, "a", float, path=HERE) == 2.0
    assert isinstance(check_type(2, float, "a", path=HERE), float)


def test_an_entry_that_is_no_object_is_an_error():
    with pytest.raises(DataError, match="entry: got 'text'; want an object"):
        get_field("text", "a", str, path=HERE)


def test_ids_may_be_numbers_or_texts():
    assert get_id({"id": 7}, "id", path=HERE) == get_id({"id": "7"}, "id", path=HERE) == "7"
    assert get_number({"id": "0012"}, "id", path=HERE) == 12
    for wrong in (None, 1.5, True, []):
        with pytest.raises(DataError):
            get_id({"id": wrong}, "id", path=HERE)
    with pytest.raises(DataError, match="want a whole number"):
        get_number({"id": "n12"}, "id", path=HERE)


def test_ids_may_be_numbers_with_a_point_and_other_texts():
    assert get_id({"id": 7.0}, "id", path=HERE) == "7"
    assert [get_key({"id": value}, "id", path=HERE) for value in (7, "7", 7.0, "a-7")] == [7, 7, 7, "a-7"]


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        ({}, None),
        ({"height": None, "width": None}, None),
        ({"height": 0, "width": 0}, None),
        ({"height": 4.0, "width": "6"}, (4, 6)),
    ],
)
def test_a_size_may_be_unknown(entry, size):
    assert get_size_hw(entry, path=HERE, row=0) == size


def test_half_a_size_is_an_error():
    with pytest.raises(DataError, match="width: got None"):
        get_size_hw({"height": 4, "width": None}, path=HERE, row=0)


def test_words_have_something_in_them():
    assert get_text({"a": " A dog. "}, "a", path=HERE) == " A dog. "
    with pytest.raises(DataError, match="got an empty text"):
        get_text({"a": " \n"}, "a", path=HERE)


def test_long_values_are_cut():
    assert len(short_repr("x" * 1000)) == 60


def test_what_is_cut_is_not_looked_at():
    twice = ["x"]
    for _ in range(60):
        twice = [twice, twice]
    began = time.process_time()
    assert short_repr({"a": twice}) == '{"a": '.replace('"', "'") + "[" * 51 + "..."
    assert time.process_time() - began < 1


@pytest.mark.parametrize("value", [{"a": [1, (2.5,), (1, 2)], "b": {}, 3: None}, "it's", b"x", True, [], (), [[], {}]])
def test_a_short_value_is_shown_as_it_is(value):
    assert short_repr(value) == repr(value)


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**64, math.inf, -math.inf, math.nan])
def test_a_number_beyond_64_bits_is_an_error(value):
    for kind in (int, float):
        with pytest.raises(DataError, match=r"a: got .*; want (a finite number of at most 64 bits|a whole number)"):
            check_type(value, kind, "a", path=HERE)


def test_a_text_of_too_many_digits_is_no_number():
    with pytest.raises(DataError, match=r"id: got '9999.*; want a whole number"):
        get_number({"id": "9" * 5000}, "id", path=HERE)


@pytest.mark.parametrize("content", ['{"a": ' + "1" * 5000 + "}", "[" * 100_000, r'{"a": "\ud800"}'])
def test_json_that_python_reads_but_nobody_else_is_one_line(tmp_path, write, content):
    for read, name in ((load_json, "x.json"), (lambda path: list(load_json_lines(path)), "x.jsonl")):
        with pytest.raises(DataError, match=r"JSON: got .*; want .*x.json") as caught:
            read(write(tmp_path / name, content))
        assert "\n" not in str(caught.value)
