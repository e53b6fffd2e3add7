"""The command `report`: pages of finished runs, one or several together, and a site for a folder of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_lines
from motet.cli.options import MovedData, Trust

if TYPE_CHECKING:
    from motet.report import Comparison, RunRecord

_NAMED = 3
"""Runs up to which the title of their page has all their names."""


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
    found = list({folder.resolve(): folder for folder in found}.values())
    finished = [folder for folder in found if folder in runs or (folder / "report.json").is_file()]
    notes = [f"{folder} is not finished: it is left out" for folder in found if folder not in finished]
    if not finished:
        raise ConfigError(f"report: got no finished run in {', '.join(map(str, runs))}; want one with a report.json")
    records = dict(zip(run_names(finished), map(read_run, finished), strict=True))
    title = runs[0].resolve().name if len(runs) == 1 else _title(list(records))
    if site is None and len(finished) == 1:
        page, missing = _own_page(finished[0], trust, data, out)
        print_lines(*notes, *missing, f"wrote {page}")
        return
    comparisons, why = _comparisons(records)
    if site is None:
        place = out or finished[0].resolve().parent / "runs.html"
        content = several_page(title, records, comparisons=comparisons, notes=(*notes, *why))
        (page,) = write_files(place.parent, {place.name: content})
    else:
        pages, lines = _pages(records, trust, data)
        notes += lines
        page = write_site(site, title, records, pages, comparisons=comparisons, notes=(*notes, *why))
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


def _title(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{names[0]} and {len(names) - 1} more runs"


def _comparisons(records: Mapping[str, RunRecord]) -> tuple[list[Comparison], list[str]]:
    """Returns the comparisons of multi-task with single-task runs, one per set of tasks, and lines on what has none."""
    from motet.core import ConfigError
    from motet.report import compare

    single = [run for run in records.values() if len(run.tasks) == 1]
    comparisons: list[Comparison] = []
    why: list[str] = []
    several: dict[frozenset[str], dict[int, str]] = {}
    for name, run in records.items() if single else ():
        if len(run.tasks) > 1:
            first = several.setdefault(frozenset(run.tasks), {}).setdefault(run.seed, name)
            if first != name:  # another run, not another seed of the same
                why.append(
                    f"{name} has the tasks and the seed of {first}: only {first} is compared with single-task models"
                )
    for group in several.values():
        try:
            comparisons.append(compare([*(records[name] for name in group.values()), *single]))
        except ConfigError as error:
            why.append(f"no comparison with single-task models: {error}")
    return comparisons, why


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
