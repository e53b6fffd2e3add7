"""Values of a recipe as Python: what is written is what Python reads back, on one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.scaffold.expressions import Attribute, Call, Imported, Item, Variable
from motet.scaffold.literals import code, comment, lines_of

NASTY = st.text(
    st.sampled_from("ab \n\r\t\v\f\0\x1c\x1d\x1e\x85\u2028\u2029\u202e\ud800\udcff'\"\\{}%#/é猫"), max_size=12
)


def test_values_are_written_so_that_python_reads_them_back():
    value = {"a": (1, "x\n'\"ü", None), "b": [True, 2.5], "c": Path("/d/e f")}
    assert eval(code(value, Path("/elsewhere"))) == {"a": (1, "x\n'\"ü", None), "b": (True, 2.5), "c": Path("/d/e f")}


@given(NASTY)
def test_any_text_is_read_back_from_one_printable_line(text):
    written = code(text, Path("/d"))
    assert eval(written) == text
    assert written.isprintable()


@given(NASTY)
def test_a_comment_is_one_printable_line(text):
    line = comment(text)
    assert line.startswith("# ")
    assert line.isprintable()


def test_a_long_comment_is_cut():
    assert len(comment("x" * 1000)) < 120


def test_expressions_are_written_with_the_names_they_have_in_the_recipe():
    depth = Imported("motet.tasks", "depth", "depth_task")
    rows = Variable("rows")
    call = Call(depth, ("depth", Attribute(rows, "names")), {"reader": Item(rows, "val"), "metrics": depth})
    assert code(call, Path("/d")) == 'depth_task("depth", rows.names, reader=rows["val"], metrics=depth_task)'
    long = Call(depth, ("x" * 100,), {"label": "a"})
    assert lines_of(long, Path("/d"), before="depth = ", after=",") == [
        "depth = depth_task(", f'    "{"x" * 100}",', '    label="a",', "),",
    ]  # fmt: skip


def test_a_value_without_a_literal_is_refused():
    with pytest.raises(TypeError, match="want a plain value"):
        code({"a": {1, 2}}, Path("/d"))
