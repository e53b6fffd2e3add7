"""A static site for a folder of runs: an index, one page for all of them, and the page of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from motet.report.compare import Comparison
from motet.report.download import file_name
from motet.report.html import Link, document, html_list, html_table, muted
from motet.report.pages.several import RUN_HEAD, run_row, several_page
from motet.report.runs import RunRecord
from motet.report.tables import BELOW, BELOW_NOTE, is_below_trivial, number
from motet.report.write import write_files

_ALL = "all-runs.html"


def write_site(
    folder: Path,
    title: str,
    runs: Mapping[str, RunRecord],
    pages: Mapping[str, str | bytes],
    *,
    comparisons: Sequence[Comparison] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Writes the files of a site, which need no server: every page is one file and loads nothing.

    Args:
        folder: gets `index.html`, a page for all runs where there are several, and the runs' pages under `runs/`.
        title: of the site.
        runs: by name.
        pages: the page of each run.
        comparisons: of the multi-task runs among them with the single-task ones, one per set of tasks.
        notes: remarks, such as runs that are not finished.

    Returns:
        The path of `index.html`.

    Raises:
        DataError: the folder cannot be written.
    """
    files = _file_names(runs)
    links = {name: f"runs/{quote(file)}" for name, file in files.items()}
    write_files(folder / "runs", {files[name]: pages[name] for name in runs})
    top: dict[str, str | bytes] = {"index.html": index_page(title, runs, links, notes)}
    if len(runs) > 1:
        top[_ALL] = several_page(title, runs, comparisons=comparisons, links=links, notes=notes)
    written = dict(zip(top, write_files(folder, top), strict=True))
    return written["index.html"]


def index_page(title: str, runs: Mapping[str, RunRecord], links: Mapping[str, str], notes: Sequence[str]) -> str:
    """Returns the first page of a site: the runs, and their main scores task by task.

    Args:
        title: the heading.
        runs: by name.
        links: address of each run's page.
        notes: remarks.
    """
    tasks = tuple(dict.fromkeys(task for run in runs.values() for task in run.tasks))
    rows = [run_row(name, run, links[name]) for name, run in runs.items()]
    scores: list[list[str | Link]] = []
    for name, run in runs.items():
        for result in (one for one in run.report.results if one.main):
            mark = f" {BELOW}" if is_below_trivial(run.report, result) else ""
            score = number(result.value, result.unit) + mark
            scores.append([Link(name, links[name]), result.task, result.metric, score])
    together = f'<p><a href="{_ALL}">All runs on one page</a></p>' if len(runs) > 1 else ""
    plural = "" if len(runs) == 1 else "s"
    sections = [
        ("Runs", html_table(RUN_HEAD, rows, name="runs") + together),
        ("Scores", html_table(("run", "task", "metric", "score"), scores, left=3, name="scores") + muted(BELOW_NOTE)),
        *([("Notes", html_list(notes, ""))] if notes else []),
    ]
    return document(title, muted(f"{len(runs)} run{plural}, {len(tasks)} different tasks."), sections)


def _file_names(runs: Mapping[str, RunRecord]) -> dict[str, str]:
    """Returns a file name per run; runs whose names become the same get a number."""
    found: dict[str, str] = {}
    for name in runs:
        stem, count = file_name(name), 1
        while (file := f"{stem}{'' if count == 1 else f'-{count}'}.html") in found.values():
            count += 1
        found[name] = file
    return found


def run_names(folders: Sequence[Path]) -> list[str]:
    """Returns a name per run folder: its path below the folder that all of them are in.

    Examples:
        >>> run_names([Path("a/tiny"), Path("a/tiny-single/vqa")])
        ['tiny', 'tiny-single/vqa']
        >>> run_names([Path("a/tiny")])
        ['tiny']
    """
    whole = [folder.resolve() for folder in folders]
    if not whole:
        return []
    above = Path(os.path.commonpath([folder.parent for folder in whole]))
    return [folder.relative_to(above).as_posix() for folder in whole]
