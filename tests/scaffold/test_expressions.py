"""Expressions are built as objects: each variable once, plain values as they are, paths in full."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from motet.scaffold.expressions import Attribute, Call, Imported, Item, Namespace, Variable

COUNTER = Imported("collections", "Counter")
REPLACE = Imported("fractions", "Fraction", "ratio")


def test_a_variable_is_built_once_when_it_is_first_used():
    names = Namespace()
    names.define("letters", Call(COUNTER, ("aab",)))
    assert "letters" in names
    assert "numbers" not in names
    first = names.build(Variable("letters"))
    assert first == Counter("aab")
    assert names.build((Variable("letters"), 1)) == (first, 1)
    assert names.build(Variable("letters")) is first


def test_items_attributes_and_keywords_are_of_what_was_built():
    names = Namespace()
    names.define("letters", Call(COUNTER, (), {"a": 2, "b": Item(Variable("others"), "x")}))
    names.define("others", Call(COUNTER, ("xxx",)))
    assert names.build(Item(Variable("letters"), "b")) == 3
    assert names.build(Attribute(Variable("letters"), "total"))() == 5
    assert names.build(COUNTER) is Counter


def test_texts_are_texts_whatever_they_contain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = '__import__("os").getcwd()\n"""'
    value = {text: [text, 1, None, True], "path": Path("a") / "b"}
    assert Namespace().build(value) == {text: (text, 1, None, True), "path": tmp_path.resolve() / "a" / "b"}


def test_the_name_in_the_recipe_may_be_another():
    assert (COUNTER.local_name, REPLACE.local_name) == ("Counter", "ratio")
    with pytest.raises(AttributeError):
        Imported("collections", "Nothing").load()
