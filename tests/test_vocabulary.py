"""One vocabulary: public names and docstrings use the words that engineers of the field would guess and search for."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "motet"

NOT_THE_FIELDS = [
    "said",
    "say",
    "saying",
    "told",
    "tell",
    "asked",
    "asks",
    "seen",
    "sees",
    "seeing",
    "shown",
    "looks",
    "meant",
    "taught",
    "found",
    "given",
    "wanted",
    "kept",
    "worth",
    "apart",
    "folding",
    "folded",
    "finish",
    "standing",
    "narrowing",
    "twin",
    "twins",
    "floor",
    "floors",
    "truth",
    "truths",
    "written",
    "judge",
    "judged",
    "judging",
    "picture",
    "pictures",
    "begun",
]
"""Words of everyday language for technical things; each has a term of the field (docs/GLOSSARY.md)."""

ALLOWED_NAMES: dict[str, str] = {}
"""Public names that hold such a word, with the reason."""

HEADS = re.compile(r"(What|Whether|How|Which|Where|Told|Of what|Who)\b")
A_FOR_PER = re.compile(
    r"\b(an?|one) (\w+ ){1,2}an? (task|row|file|class|step|kind|head|rank|source|word|image|run|side|layer)\b"
)


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its path below it."""
    return {str(path.relative_to(SOURCE)): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


MODULES = modules()


def words_of(name: str) -> set[str]:
    """The words of a snake-case or camel-case name.

    Examples:
        >>> sorted(words_of("TextsSaid")), sorted(words_of("rows_seen"))
        (['said', 'texts'], ['rows', 'seen'])
    """
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every class and function of a module whose name does not begin with an underscore."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("module", MODULES)
def test_public_names_use_the_fields_words(module: str) -> None:
    names = [Path(module).stem, *(node.name for node in public(MODULES[module]))]
    private = [name for name in names if words_of(name) & set(NOT_THE_FIELDS) and name not in ALLOWED_NAMES]
    assert not private, f"{module}: {private}: see docs/GLOSSARY.md for the term, or give a reason in ALLOWED_NAMES"


def test_a_public_class_name_has_one_meaning() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for module, tree in MODULES.items():
        for node in public(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice


@pytest.mark.parametrize("module", MODULES)
def test_a_docstring_says_first_what_the_thing_is_or_does(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = (ast.get_docstring(node) or "").split("\n")[0]
            where = f"{module}:{getattr(node, 'lineno', 1)}: {first!r}"
            assert not HEADS.match(first), f"{where}: say what the thing is or does"
            assert not A_FOR_PER.search(first), f"{where}: 'per', not 'a'"


def test_what_is_forbidden_would_be_found() -> None:
    assert words_of("rows_seen") & set(NOT_THE_FIELDS)
    assert words_of("TextsSaid") & set(NOT_THE_FIELDS)
    assert HEADS.match("Whether a row counts.")
    assert A_FOR_PER.search("a head a task")
    assert not A_FOR_PER.search("one head per task")
