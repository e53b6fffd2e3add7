"""The arrows of the design: which package may import which, function-local imports included."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "motet"
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "nn": {"core"},
    "losses": {"core"},
    "metrics": {"core"},
    "preprocess": {"core"},
    "data": {"core", "preprocess"},
    "tasks": {"core", "losses", "metrics"},
    "scenes": {"core", "data", "tasks"},
    "systems": {"core", "nn", "losses", "preprocess"},
    "evaluation": {"core", "data"},
    # It builds the system of a run; and it stores a run as data, so it has the tables of all that a run may name.
    "training": {
        "core",
        "nn",
        "losses",
        "metrics",
        "preprocess",
        "data",
        "tasks",
        "scenes",
        "systems",
        "evaluation",
    },
    "analysis": {"core", "data", "training", "evaluation"},
    "report": {"core", "metrics", "data", "preprocess", "evaluation", "analysis"},
    # It hands modules of one's own to a model that is loaded.
    "hub": {"core", "nn", "systems", "tasks", "preprocess", "evaluation", "report", "training"},
    # The service answers with what a report draws: maps in colours, attention.
    "serve": {"core", "preprocess", "report", "hub"},
    "experiments": {
        "core",
        "nn",
        "preprocess",
        "metrics",
        "data",
        "tasks",
        "training",
        "evaluation",
        "analysis",
        "report",
        "hub",
    },
    "config": {"core", "data", "tasks", "systems", "training"},
    # It suggests a run for given sources, which is a value of training.
    "scaffold": {"core", "data", "tasks", "systems", "config", "training"},
}
MAY_IMPORT["recipes"] = set(MAY_IMPORT) - {"config", "scaffold", "experiments", "serve"}
MAY_IMPORT["cli"] = set(MAY_IMPORT)


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
            assert not inside or inside[0] in (parts[0], "base"), f"{path} imports {module}"


NAMES = (
    "lit_decoder",
    "twelve_in_one",
    "uni_perceiver",
    "vit_adapters",
    "vlm",
    "LiTDecoder",
    "UniT",
    "TwelveInOne",
    "ViTAdapters",
    "UniPerceiver",
    "Vlm",
)


def test_nothing_but_its_folder_its_recipes_and_the_table_knows_a_system(subtests: pytest.Subtests) -> None:
    for path in FILES:
        inside = path.relative_to(SOURCE).parts
        if inside[0] == "recipes" or inside == ("cli", "demo.py") or (inside[0] == "systems" and inside[1] != "base"):
            continue
        with subtests.test(path=str(path.relative_to(SOURCE))):
            used = {part for module in arrows(path) for part in module.split(".")} & set(NAMES)
            named = {
                node.id
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Name) and node.id.startswith(NAMES[5:])
            }
            assert not used | named


def test_a_forbidden_arrow_would_be_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from motet.training import loop\n    import motet.cli\n")
    assert arrows(bad) == ["motet.training", "motet.cli"]
