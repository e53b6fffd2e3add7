"""Tables, heat maps and JSON of group changes."""

import json
from pathlib import Path

import pytest

from motet.analysis.groups import Change, GroupChanges, suggest
from motet.report.pages.groups import AVERAGE, change_text, groups_to_json, heat_tables, table_rows, write_groups

GROUPS = {"one": ("a", "b"), "two": ("c",)}
CHANGES = GroupChanges(
    names=("one", "two"),
    changes={("one", ("two",)): Change({0: 1.0, 1: 3.0}), ("two", ("one",)): Change({0: -4.0, 1: -2.0})},
)
NONE = GroupChanges(names=("one", "two"), changes={})


def test_a_table_has_one_row_per_group_and_averages() -> None:
    head, rows = table_rows(CHANGES, 2)
    assert head[1:] == ("one", "two", AVERAGE)
    assert rows[0] == ("one", "", "+2.00 ± 1.41", "+2.00 ± 1.41")
    assert rows[-1][0] == AVERAGE


def test_heat_maps_hold_the_numbers_of_the_tables() -> None:
    (heat,) = heat_tables(CHANGES)
    assert heat.cells["two", "one"].value == -3.0
    assert heat.average == AVERAGE
    assert heat_tables(NONE) == []


def test_a_change_of_one_seed_has_no_spread() -> None:
    assert change_text(Change({4: 0.125})) == "+0.12"


@pytest.mark.parametrize(("changes", "names"), [(CHANGES, ["md", "json", "png"]), (NONE, ["md", "json"])])
def test_without_any_change_there_is_no_figure(tmp_path: Path, changes: GroupChanges, names: list[str]) -> None:
    paths = write_groups(tmp_path, changes, GROUPS, role="val", seeds=2, scores="| scores |")
    assert [path.name for path in paths] == [f"groups.{name}" for name in names]
    text = paths[0].read_text()
    assert ("groups.png" in text) == ("png" in names)
    assert text.endswith("## Scores\n\n| scores |\n")
    assert "one: a, b." in text
    assert json.loads(paths[1].read_text()) == groups_to_json(changes, suggest(changes), GROUPS, role="val")
