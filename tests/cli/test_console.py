"""Output of commands: nothing of a text is read as markup, nothing is cut off, sizes have decimal units."""

from __future__ import annotations

import json

import pytest

from motet.cli.console import print_json, print_lines, size, table


@pytest.fixture(autouse=True)
def narrow(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")


def test_lines_are_printed_unchanged_however_long_and_whatever_brackets_they_have(capsys) -> None:
    lines = ("[bold]a[/bold] :cat: {x}", "word " * 30 + "end")
    print_lines(*lines)
    assert capsys.readouterr().out.splitlines() == list(lines)


def test_json_keeps_every_letter(capsys) -> None:
    value = {"text": "zwei Hündinnen", "boxes": [[1.5, 2.0]]}
    print_json(value)
    out = capsys.readouterr().out
    assert "Hündinnen" in out
    assert json.loads(out) == value


def test_a_cell_of_a_table_is_no_markup_and_a_long_one_is_folded_not_cut(capsys) -> None:
    long = "x" * 60
    table(("name", "count"), [("[red]a[/red]", "1"), (long, "20")], title="results", numbers=(1,))
    out = capsys.readouterr().out
    assert out.startswith("results")
    assert "[red]a[/red]" in out
    assert out.count("x") == len(long)


def test_number_columns_are_aligned_on_the_right(capsys) -> None:
    table(("name", "count"), [("a", "1"), ("b", "200")], numbers=(1,))
    one, two = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()[:1] in ("a", "b")]
    assert len(one) == len(two)


@pytest.mark.parametrize(
    ("num_bytes", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_000, "999.0 kB"), (2e15, "2000.0 TB")]
)
def test_sizes(num_bytes: float, text: str) -> None:
    assert size(num_bytes) == text
