"""The report that `motet.train` and `motet.evaluate` return: it prints, plots and shows itself in a notebook."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from motet.core import ConfigError, Report
from motet.core.printable import one_line
from motet.report import plots, tables
from motet.report.html import html_list, html_table, muted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOTES = 5
"""Lines of notes that are printed; the page has all."""


@dataclass(frozen=True, kw_only=True)
class ReadableReport(Report):
    """A report that reads well: `print(report)`, `report.frame()`, `report.plot()`, and as it is in a notebook.

    Args:
        verdicts: a line per task; empty for an evaluation without a run.
        page: the HTML page of the run, as a path; "" for none.
    """

    verdicts: tuple[str, ...] = ()
    page: str = ""

    @classmethod
    def of(cls, report: Report, *, verdicts: tuple[str, ...] = (), page: str = "") -> Self:
        """Returns a report with its verdicts."""
        fields = {field.name: getattr(report, field.name) for field in dataclasses.fields(Report)}
        return cls(**fields, verdicts=verdicts, page=page)

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values of the report alone, as `report.json` holds them."""
        return {name: value for name, value in super().to_dict().items() if name not in ("verdicts", "page")}

    def __str__(self) -> str:
        head, rows = tables.RESULTS_HEAD, tables.results_rows(self)
        lines = [f"{self.role}, after {self.step:,} steps", *_aligned(head, rows)]
        lines += [tables.BELOW_NOTE] if self._has_below else []
        lines += ["", *map(one_line, self.verdicts)] if self.verdicts else []
        lines += ["", *(f"note: {one_line(note)}" for note in self._notes)] if self.notes else []
        return "\n".join([*lines, *(["", f"page: {self.page}"] if self.page else [])])

    def _repr_html_(self) -> str:
        """Returns the report for a notebook; whatever comes from data in it is escaped."""
        parts = [muted(f"{self.role}, after {self.step:,} steps")]
        parts.append(html_table(tables.RESULTS_HEAD, tables.results_rows(self), left=2))
        parts += [muted(tables.BELOW_NOTE)] if self._has_below else []
        parts += [html_list(self.verdicts, "")] if self.verdicts else []
        parts += [html_list(self._notes, "")] if self.notes else []
        return "".join([*parts, muted(f"page: {self.page}" if self.page else "")])

    def frame(self) -> Any:
        """Returns a pandas DataFrame with one row per result and the best trivial baseline of each main metric.

        Raises:
            ConfigError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ConfigError("Report.frame: got no package pandas; want it installed: pip install pandas") from error
        rows = []
        for result in self.results:
            row = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
            del row["classes"]
            _, best = tables.best_trivial_baseline(self, result) if result.main else ("", None)
            rows.append({**row, "best_trivial_baseline": best})
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Returns a figure of matplotlib: per task its main value with its interval, above its trivial baselines.

        Raises:
            ConfigError: no result.
        """
        points = []
        for result in (one for one in self.results if one.main):
            name = f"{result.task} ({result.metric}{f', {result.unit}' if result.unit else ''})"
            points.append(plots.ScorePoint(name, "model", result.value, result.low, result.high))
            baselines = self.trivial_baselines.get(result.task, {})
            points += [plots.ScorePoint(name, baseline, value) for baseline, value in baselines.items()]
        if not points:
            raise ConfigError("Report.plot: got no result; want the report of at least one task")
        return plots.score_panels(points)

    @property
    def _has_below(self) -> bool:
        return any(tables.is_below_trivial(self, result) for result in self.results)

    @property
    def _notes(self) -> tuple[str, ...]:
        more = len(self.notes) - _NOTES
        return (*self.notes[:_NOTES], *([f"and {more} more"] if more > 0 else []))


def _aligned(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Returns the lines of a table for a terminal; two columns of text, then numbers."""
    cells = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    rule = ["-" * width for width in widths]

    def line(row: list[str]) -> str:
        pairs = enumerate(zip(row, widths, strict=True))
        return "  ".join(cell.ljust(width) if n < 2 else cell.rjust(width) for n, (cell, width) in pairs).rstrip()

    return [line(cells[0]), line(rule), *map(line, cells[1:])]
