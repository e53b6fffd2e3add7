"""Docstrings and signatures agree: `Args:` names what the function or dataclass takes, all of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "motet"
FILES = sorted(SOURCE.rglob("*.py"))
SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Examples|Source|Note|Notes):", re.MULTILINE)


def documented(docstring: str) -> list[str] | None:
    """The names under ``Args:``; None where there is no such section.

    Examples:
        >>> documented("Adds.\\n\\nArgs:\\n    a: one.\\n    b: another,\\n        on two lines.\\n\\nReturns:\\n    x")
        ['a', 'b']
    """
    found = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", docstring, re.MULTILINE | re.DOTALL)
    if found is None:
        return None
    return [match[1] for match in re.finditer(r"^    \*{0,2}(\w+)(?: \([^)]*\))?:", found[1], re.MULTILINE)]


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The parameters of a function without self and cls."""
    parts = node.args
    named = [*parts.posonlyargs, *parts.args, *filter(None, [parts.vararg]), *parts.kwonlyargs]
    return [part.arg for part in [*named, *filter(None, [parts.kwarg])] if part.arg not in ("self", "cls")]


def fields(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[str] | None:
    """The fields of a dataclass, those of its bases in the same module too; None for any other class."""
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    if not any(mark.startswith(("dataclass", "dataclasses.dataclass")) for mark in marks):
        return None
    own = [
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign)
        and isinstance(part.target, ast.Name)
        and "ClassVar" not in ast.unparse(part.annotation)
        and "init=False" not in ast.unparse(part)
    ]
    inherited = [
        name
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in classes
        for name in fields(classes[base.id], classes) or []
    ]
    return [*inherited, *own]


def init(node: ast.ClassDef) -> list[str] | None:
    """The parameters of a class's own constructor; None where it has none."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return arguments(part)
    return None


def base_elsewhere(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Returns whether a class has a base, other than a protocol, that its module does not define."""
    names = [ast.unparse(base).split("[")[0] for base in node.bases]
    return any(
        name not in classes and name not in ("Protocol", "Generic", "NamedTuple", "TypedDict", "Enum") for name in names
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_args_are_the_parameters(path: Path) -> None:
    tree = ast.parse(path.read_text())
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = documented(ast.get_docstring(node) or "")
        if names is None:
            continue
        taken = (fields(node, classes) or init(node)) if isinstance(node, ast.ClassDef) else arguments(node)
        if taken is None or (isinstance(node, ast.ClassDef) and base_elsewhere(node, classes)):
            continue  # a base in another module has fields of its own
        where = f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
        stale = [name for name in names if name not in taken]
        missing = [name for name in taken if name not in names and not name.startswith("_")]
        assert not stale, f"{where}: Args names {stale}, which it does not take; it takes {taken}"
        assert not missing, f"{where}: Args leaves out {missing}"
