"""What the README says is run."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks
from PIL import Image
from typer.testing import CliRunner

from motet.cli.main import app as build


def commands() -> list[list[str]]:
    found = []
    for document in ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("**/*.md"))):
        for block in blocks(document, "sh"):
            found += [
                line.split("#")[0].split() for line in block.splitlines() if re.match(r"(\.venv/bin/)?motet ", line)
            ]
    return [words[1:] for words in found]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_that_is_shown_exists_with_its_options(words: list[str]) -> None:
    command = words[:2] if words[0] in ("analyse", "data") else words[:1]
    shown = CliRunner().invoke(build(), [*command, "--help"])
    assert shown.exit_code == 0, shown.output
    for word in words[len(command) :]:
        if word.startswith("--"):
            assert word in shown.output, f"{word} is no option of motet {' '.join(command)}"


def test_make_names_the_targets_that_the_readme_types() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("README.md", "sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def image(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((24, 24, 3), shade, np.uint8)).save(path)


def test_the_lines_of_the_readme_train_and_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path / "cache"))
    for number in range(12):
        image(tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}.png", 20 * number)
    image(tmp_path / "photo.jpg", 90)
    (lines,) = blocks("README.md", "python")
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    assert "motet.suggest(sources)" in lines
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(lines.replace("motet.suggest(sources)", "motet.suggest(sources, steps=2)"), {})
    assert "RankedName(name=" in shown.getvalue()
    assert "test, after 2 steps" in shown.getvalue()
    assert (tmp_path / "runs" / "pets" / "report.html").is_file()


def test_motet_is_started_quickly_without_torch() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, motet.cli.main; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
