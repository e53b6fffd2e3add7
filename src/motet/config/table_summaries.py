"""The names and summaries of a table of classes, read from the source: nothing of the table is imported."""

from __future__ import annotations

import ast
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def table_summaries(path: Path, table: str) -> dict[str, str]:
    """Returns the first line of the docstring of every class in a table, by the name that a list shows.

    Args:
        path: the file that holds the table: a dict display of classes by name, or of anything by class.
        table: its name in the file.

    A class that is a key goes by its own ``name``, as the configurations of systems do.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    homes = _imported_from(tree)
    summaries = {}
    for key, value in _display(tree, table):
        by_name = isinstance(key, ast.Constant)
        found = _class_at(homes, value if by_name else key)
        name = str(ast.literal_eval(key)) if by_name else _own_name(found)
        summaries[name] = (ast.get_docstring(found) or "").partition("\n")[0]
    return summaries


def _display(tree: ast.Module, table: str) -> list[tuple[ast.expr, ast.expr]]:
    for node in tree.body:
        if isinstance(value := _assigned(node, table), ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            return [(key, value) for key, value in pairs if key is not None]
    raise LookupError(table)


def _imported_from(tree: ast.Module) -> dict[str, str]:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


def _class_at(homes: dict[str, str], name: ast.expr) -> ast.ClassDef:
    """Returns the definition of an imported class; goes on where a package only hands it on."""
    wanted = ast.unparse(name)
    while True:
        place = _PACKAGE.joinpath(*homes[wanted].split(".")[1:])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == wanted:
                return node
        homes = _imported_from(tree)


def _own_name(found: ast.ClassDef) -> str:
    for node in found.body:
        if isinstance(value := _assigned(node, "name"), ast.Constant):
            return str(value.value)
    return found.name


def _assigned(node: ast.stmt, name: str) -> ast.expr | None:
    """Returns the value of ``name: type = value``; None for any other statement."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
        return node.value
    return None
