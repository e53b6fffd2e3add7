"""The arrows of the design: which package may import which, function-local imports included."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "motet"
EVERYTHING = {
    "core", "nn", "losses", "metrics", "prep", "data", "drawing", "scenes", "tasks", "systems", "train", "evaluate",
    "analyse", "report", "restore", "study", "serve", "recipes", "cli",
}  # fmt: skip
MAY_IMPORT = {
    "core": set(),
    "nn": {"core"},
    "losses": {"core"},
    "metrics": {"core"},
    "prep": {"core"},
    "data": {"core"},
    "scenes": {"core", "tasks", "drawing"},
    "drawing": {"core"},
    "tasks": {"core", "losses", "metrics"},
    "systems": {"core", "nn", "losses", "prep"},
    "evaluate": {"core", "data"},
    "train": {"core", "data", "evaluate"},
    "analyse": {"core", "data", "evaluate"},
    "report": {"core", "drawing"},
    "restore": {"core", "systems", "tasks"},
    "serve": {"core", "restore"},
    "study": EVERYTHING,
    "recipes": EVERYTHING,
    "cli": EVERYTHING,
}


def room(path: Path) -> str:
    """The package of a file, or its own name when it lies at the top."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def arrows(path: Path) -> list[str]:
    """Every motet module a file imports, wherever in the file the import stands."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "motet":
            names = [node.module] if node.module != "motet" else [f"motet.{alias.name}" for alias in node.names]
            found += names
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == "motet"]
    return found


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts != ("__init__.py",)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_arrows_point_one_way(path: Path) -> None:
    here = room(path)
    assert here in MAY_IMPORT, f"{path}: say in MAY_IMPORT what {here!r} may import"
    for module in arrows(path):
        there = module.split(".")[1] if "." in module else "the package itself"
        assert there == here or there in MAY_IMPORT[here], f"{path.relative_to(SOURCE)} imports {module}"


def test_systems_do_not_know_each_other() -> None:
    for path in sorted((SOURCE / "systems").rglob("*.py")):
        parts = path.relative_to(SOURCE / "systems").parts
        if len(parts) == 1:
            continue  # the table of systems names them all
        for module in arrows(path):
            inside = module.split(".")[2:3] if module.startswith("motet.systems.") else []
            assert not inside or inside[0] == parts[0], f"{path} imports {module}"


def test_a_forbidden_arrow_would_be_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from motet.train import loop\n    import motet.cli\n")
    assert arrows(bad) == ["motet.train", "motet.cli"]
