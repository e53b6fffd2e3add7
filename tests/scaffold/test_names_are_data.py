"""Names of folders, files, classes and columns are data: they never become statements of a recipe, and none is run."""

from __future__ import annotations

import ast
import csv
import io
import re
import runpy
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from motet.data.source import Source
from motet.scaffold.init import sources_in, write_recipe

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
CHARACTERS = f"ab= ()\t\u202e'\"\\{{}}%#;:é猫{LINE_ENDS}"
FILE_NAMES = st.text(st.sampled_from(CHARACTERS + "\udc80\udcff"), max_size=8)
CELLS = st.text(st.sampled_from(CHARACTERS + "\0/"), max_size=8)
ATTACK = "\nPath(__file__).with_name('ran').write_text('x')\n#"
DOCSTRING = '"""\nopen("ran", "w")\n"""'


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (9, 9, 99)).save(out, "JPEG")
    return out.getvalue()


JPEG = jpeg()


def photos(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(JPEG)


def make(root: Path, *, folder: str, kind: str, file: str, column: str, table: str) -> None:
    """Two class folders with one image of any name, a table with a column of any name, and their images."""
    photos(root / f"c{folder}" / f"x{kind}", [f"x{file}.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"])
    photos(root / f"c{folder}" / "other", ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"])
    photos(root / "photos", [f"{index}.jpg" for index in range(12)])
    with (root / f"t{table}.csv").open("w", newline="", encoding="utf-8") as text:
        rows = ((f"photos/{index}.jpg", f"what is {index} ?", f"{index % 3}") for index in range(12))
        csv.writer(text).writerows([("image", "question", "answer", f"x{column}"), *((*row, "x") for row in rows)])


def shape(path: Path) -> str:
    """The statements of a recipe without its texts, comments, and seeds of splits, which go by the names of images."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "seed"]
    return re.sub(r"Constant\(value=(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\)", "TEXT", ast.dump(tree))


def rows_of(sources: Iterable[Source]) -> list[object]:
    found: list[object] = []
    for source in sources:
        rows = [source.reader[index] for index in range(len(source.reader))]
        found.append(
            (source.name, source.role, source.tasks, [(row.id, row.image_ids, dict(row.labels)) for row in rows])
        )
    return found


@settings(max_examples=40, deadline=None)
@given(root=FILE_NAMES, folder=FILE_NAMES, kind=FILE_NAMES, file=FILE_NAMES, column=CELLS, table=FILE_NAMES)
@example(root=DOCSTRING, folder=DOCSTRING, kind=DOCSTRING, file=DOCSTRING, column=DOCSTRING, table=DOCSTRING)
@example(root=ATTACK.replace("/", ""), folder=ATTACK, kind=ATTACK, file=ATTACK, column=ATTACK, table=ATTACK)
def test_a_recipe_has_the_statements_of_one_with_harmless_names_and_reads_what_sources_in_builds(
    root: str, folder: str, kind: str, file: str, column: str, table: str
) -> None:
    with tempfile.TemporaryDirectory() as place:
        data, plain = Path(place) / f"r{root}", Path(place) / "plain"
        make(data, folder=folder, kind=kind, file=file, column=column, table=table)
        make(plain, folder="", kind="", file="", column="", table="")
        written, harmless = (write_recipe(one, one / "motet_recipe.py").path for one in (data, plain))
        assert shape(written) == shape(harmless)
        assert all(line.isprintable() for line in written.read_text(encoding="utf-8").split("\n"))
        recipe = runpy.run_path(str(written))
        assert rows_of(recipe["sources"]()) == rows_of(sources_in(data))
        assert not list(Path(place).rglob("ran"))


@settings(max_examples=20, deadline=None)
@given(root=FILE_NAMES)
def test_a_recipe_elsewhere_names_the_folder_as_a_text(root: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / f"r{root}"
        make(data, folder="", kind="", file="", column="", table="")
        written = write_recipe(data, Path(place) / "elsewhere.py").path
        assert runpy.run_path(str(written))["DATA"] == data.resolve()


def test_no_text_is_run_by_motet() -> None:
    """`sources_in` builds objects; only a user's own recipe file is imported."""
    source = Path(__file__).parents[2] / "src" / "motet"
    called = {
        (path.relative_to(source).as_posix(), node.func.id)
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("exec", "eval", "compile")
    }
    assert not called


@pytest.mark.parametrize("working_directory", ["inside", "above"])
def test_a_relative_folder_reads_the_same_rows(tmp_path, monkeypatch, working_directory) -> None:
    make(tmp_path / "mine", folder="", kind="", file="", column="", table="")
    monkeypatch.chdir(tmp_path / "mine" if working_directory == "inside" else tmp_path)
    folder = Path() if working_directory == "inside" else Path("mine")
    recipe = runpy.run_path(str(write_recipe(folder, tmp_path / "mine" / "motet_recipe.py").path))
    assert rows_of(recipe["sources"]()) == rows_of(sources_in(folder))
