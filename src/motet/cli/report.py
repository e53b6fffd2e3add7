"""The command `report`: pages of finished runs, one or several together, and a site for a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_lines
from motet.cli.options import MovedData, Trust

if TYPE_CHECKING:
    from motet.report import Comparison, RunRecord


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command(epilog="Example:  motet report runs --site public      one page:  motet report runs/a runs/b")(report)


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="folders of runs, or folders with several runs")],
    out: Annotated[
        Path | None,
        typer.Option(help="file of the page; of one run its report.html by default, of several runs.html beside them"),
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="write a site into this folder instead: an index and all pages")
    ] = None,
    trust: Trust = None,
    data: MovedData = None,
) -> None:
    """Write the page of a run again, one page for several runs, or a static site for a folder of runs."""
    from motet.core import ConfigError
    from motet.experiments.api import run_folders
    from motet.report import read_run
    from motet.report.pages.several import several_page
    from motet.report.site import run_names, write_site
    from motet.report.write import write_files

    if out is not None and site is not None:
        raise ConfigError(f"report: got --out {out} and --site {site}; want one of them")
    found = run_folders(runs)
    finished = [folder for folder in found if folder in runs or (folder / "report.json").is_file()]
    notes = [f"{folder} is not finished: it is left out" for folder in found if folder not in finished]
    if not finished:
        raise ConfigError(f"report: got no finished run in {', '.join(map(str, runs))}; want one with a report.json")
    records = dict(zip(run_names(finished), map(read_run, finished), strict=True))
    title = runs[0].resolve().name if len(runs) == 1 else ", ".join(records)
    if site is None and len(finished) == 1:
        page, missing = _own_page(finished[0], trust, data, out)
        print_lines(*notes, *missing, f"wrote {page}")
        return
    comparison, why = _comparison(records)
    if site is None:
        place = out or finished[0].resolve().parent / "runs.html"
        content = several_page(title, records, comparison=comparison, notes=(*notes, *why))
        (page,) = write_files(place.parent, {place.name: content})
    else:
        pages, missing = _pages(records, trust, data)
        notes += missing
        page = write_site(site, title, records, pages, comparison=comparison, notes=(*notes, *why))
    print_lines(*notes, *why, f"wrote {page}: {len(records)} runs")


def _own_page(
    folder: Path, trust: list[str] | None, data: list[str] | None, out: Path | None
) -> tuple[Path, tuple[str, ...]]:
    """Writes the page of one run again, with its images where its data can be read."""
    from motet.cli.compare import evaluated_sources
    from motet.experiments.run_report import write_page
    from motet.report.write import write_files

    sources, missing = evaluated_sources(folder, trust, data)
    page = write_page(folder, sources, title=folder.resolve().name, trust=trust or ())
    if out is not None:
        (page,) = write_files(out.parent, {out.name: page.read_bytes()})
    return page, missing


def _comparison(records: Mapping[str, RunRecord]) -> tuple[Comparison | None, tuple[str, ...]]:
    """Returns the comparison of multi-task with single-task runs, or none, and the line that says why."""
    from motet.core import ConfigError
    from motet.report import compare

    several = [run for run in records.values() if len(run.tasks) > 1]
    if not several or len(several) == len(records):
        return None, ()  # nothing to compare: all runs are of one kind
    try:
        return compare(list(records.values())), ()
    except ConfigError as error:
        return None, (f"no comparison with single-task models: {error}",)


def _pages(
    records: Mapping[str, RunRecord], trust: list[str] | None, data: list[str] | None
) -> tuple[dict[str, str | bytes], list[str]]:
    """Returns the page of each run: the one in its folder, or a new one, without attention, where there is none."""
    from motet.cli.compare import evaluated_sources
    from motet.experiments.run_report import run_content
    from motet.report import page

    pages: dict[str, str | bytes] = {}
    missing: list[str] = []
    for name, run in records.items():
        path = run.folder / "report.html"
        if path.is_file():
            pages[name] = path.read_bytes()
            continue
        sources, lines = evaluated_sources(run.folder, trust, data)
        missing += [f"{name}: {line}" for line in lines]
        pages[name] = page(run_content(run.folder, sources, title=name))
    return pages, missing
