"""Every number of table 3 and of the appendices of two papers, compared with the recipes; the page is of them."""

from pathlib import Path

import pytest
from paper_values import PAGE, Value, lit_values, page, runs, unit_values


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Value], list[Value]]:
    root: Path = tmp_path_factory.mktemp("values")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTET_DATA", str(root))
        lit, unit = runs(root)
        return list(lit_values(lit)), list(unit_values(unit))


def test_every_value_is_the_printed_one(values: tuple[list[Value], list[Value]], subtests: pytest.Subtests) -> None:
    for value in (*values[0], *values[1]):
        with subtests.test(place=value.place, name=value.name):
            assert value.agrees(), value


def test_a_wrong_value_is_found() -> None:
    assert not Value("", "", 2_944, 3_680).agrees()
    assert not Value("", "", 83_000, 119_000, 1000).agrees()


def test_the_page_is_written_from_them(values: tuple[list[Value], list[Value]]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(*values), "run python tests/support/paper_values.py"
