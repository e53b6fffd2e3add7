"""Names to recipes: of the package, of a file of one's own, and the nearest one when it is neither."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from motet.config.recipe_files import functions_in, import_file, list_recipes, load_from_file, load_recipe
from motet.core import ConfigError


@dataclass(frozen=True)
class Plain:
    number: int


@pytest.fixture
def write(tmp_path: Path, monkeypatch):
    """Writes a Python file, and takes back what loading it leaves in the interpreter."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    yield written
    for name in set(sys.modules) - before:
        del sys.modules[name]


BODY = f'''
from {__name__} import Plain

def first() -> Plain:
    """One.

    More.
    """
    return Plain(1)

def second(number=2) -> "Plain":
    return Plain(number)

def needs(number) -> Plain:
    return Plain(number)

def other() -> int:
    return 3

def unmarked():
    return Plain(4)

def _hidden() -> Plain:
    return Plain(5)
'''


def test_a_file_lists_what_can_be_called_without_running_it(write):
    path = write("listed_recipes.py", BODY + "\nraise RuntimeError('ran')\n")
    assert functions_in(path, "Plain") == {"first": "One.", "second": ""}


@pytest.mark.parametrize(("function", "number"), [("first", 1), ("second", 2), ("unmarked", 4)])
def test_a_function_of_a_file_gives_its_value(write, function, number):
    path = write("own_recipes.py", BODY)
    assert load_from_file(path, function, Plain, what="recipe") == Plain(number)


def test_the_only_function_needs_no_name(write):
    path = write("single_recipe.py", f"from {__name__} import Plain\ndef only() -> Plain:\n    return Plain(7)\n")
    assert load_from_file(path, "", Plain, what="recipe") == Plain(7)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("frist", "got no function 'frist'; did you mean 'first'"),
        ("other", "got a int; want a function that returns a Plain"),
        ("", "functions that return Plain: got 2 \\(first, second\\); want exactly one"),
    ],
)
def test_a_function_that_is_not_there_or_gives_something_else(write, function, message):
    path = write("wrong_recipes.py", BODY)
    with pytest.raises(ConfigError, match=message):
        load_from_file(path, function, Plain, what="recipe")


@pytest.mark.parametrize(
    ("text", "message"),
    [("def f(:\n", "want a Python file"), ("import not_there_at_all\ndef f():\n    pass\n", "No module named")],
)
def test_a_file_that_cannot_run_is_one_line(write, text, message):
    with pytest.raises(ConfigError, match=message):
        load_from_file(write("broken_recipe.py", text), "f", Plain, what="recipe")
    assert "broken_recipe" not in sys.modules


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_recipe(f"{tmp_path}/missing.py:run")


def test_a_file_may_import_what_lies_beside_it_and_runs_once(write):
    write("beside_the_recipe.py", "VALUE = 3\n")
    path = write("with_neighbour.py", "from beside_the_recipe import VALUE\n")
    assert import_file(path).VALUE == 3
    assert import_file(path) is import_file(path)


def test_a_file_with_the_name_of_another_module_is_refused(write):
    with pytest.raises(ConfigError, match="got the name of another module"):
        import_file(write("json.py", "x = 1\n"))


def test_unknown_names_get_the_nearest(write):
    with pytest.raises(ConfigError, match="got no file 'lit_decode'; did you mean 'lit_decoder'"):
        load_recipe("lit_decode:tiny")


def test_every_listed_recipe_says_what_it_is():
    for listed in list_recipes():
        assert listed.summary, listed.name
