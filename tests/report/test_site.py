import re
from pathlib import Path

import pytest

from motet.core import DataError
from motet.report import read_run
from motet.report.site import run_names, write_site


@pytest.fixture
def runs(made_run, tmp_path):
    return {
        name: read_run(made_run(tmp_path / f"in{place}", {"pets": 60.0 - 50 * place}))
        for place, name in enumerate(("a/tiny", "a-tiny", "<&> é"))
    }


def test_every_run_has_a_page_and_every_link_leads_to_a_file(runs, tmp_path: Path) -> None:
    index = write_site(
        tmp_path / "site", "My <runs>", runs, {name: f"page of {name}" for name in runs}, notes=("a <note>",)
    )
    assert index == tmp_path / "site" / "index.html"
    files = sorted(str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.html"))
    assert len(files) == 5
    for page in ("index.html", "all-runs.html"):
        text = (tmp_path / "site" / page).read_text()
        links = {link for link in re.findall('href="([^"]+)"', text) if not link.startswith(("#", "data:"))}
        assert len(links) >= 3
        assert all((tmp_path / "site" / link).is_file() for link in links)
        assert "a &lt;note&gt;" in text
        assert "<&> é" not in text
    pages = {(tmp_path / "site" / "runs" / file).read_text() for file in ("a-tiny.html", "a-tiny-2.html")}
    assert pages == {"page of a/tiny", "page of a-tiny"}
    assert "10.0 % ▼" in index.read_text()


def test_one_run_needs_no_page_for_all(runs, tmp_path) -> None:
    name = next(iter(runs))
    index = write_site(tmp_path / "site", "t", {name: runs[name]}, {name: b"x"})
    assert "all-runs.html" not in index.read_text()
    assert not (tmp_path / "site" / "all-runs.html").exists()


def test_a_folder_that_cannot_be_written_is_one_line(runs, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="want a folder with room that can be written"):
        write_site(tmp_path / "file", "t", runs, dict.fromkeys(runs, ""))


def test_names_begin_below_the_folder_of_all_runs_and_are_never_the_same() -> None:
    assert run_names([Path("/x/a"), Path("/x/b")]) == ["a", "b"]
    assert run_names([Path("/x/a/run"), Path("/y/a/run"), Path("/y/b")]) == ["x/a/run", "y/a/run", "y/b"]
    assert run_names([]) == []
