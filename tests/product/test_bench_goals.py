"""Goals of benches: what is met, what is worse than recorded, and the page that shows them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The modules of `bench/` by name, which are scripts beside each other."""
    modules = {}
    for name in ("measure", "page", "short"):
        spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        modules[name] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, modules[name])
        spec.loader.exec_module(modules[name])
    return modules


def test_a_ratio_a_third_worse_than_its_record_is_named(bench: dict[str, ModuleType]) -> None:
    goal, worse = bench["measure"].Goal, bench["short"].worse
    slow, fast = goal("of its time", 1.0, at_most=1.05), goal("times faster", 6.0, at_least=5.0)
    assert worse((slow, fast), (goal("of its time", 1.3, at_most=1.05), goal("times faster", 4.1, at_least=5.0))) == []
    assert worse((slow, fast), (goal("of its time", 1.4, at_most=1.05), goal("times faster", 3.9, at_least=5.0))) == [
        "of its time: got 1.4; recorded is 1",
        "times faster: got 3.9; recorded is 6",
    ]
    assert worse((), (slow,)) == []


def test_the_page_marks_what_misses_its_goal(
    bench: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = bench["measure"].Goal
    monkeypatch.setenv("BENCH_FOLDER", str(tmp_path))
    bench["measure"].write_table("bench_a", "A", [], ["x"], [["1"]], [goal("one", 1.1, at_most=1.05)])
    bench["measure"].write_table("bench_b", "B", [], ["x"], [["1"]], [goal("two", 6.0, at_least=5.0)])
    bench["measure"].write_table("bench_c", "C", [], ["x"], [["1"]])
    rows = [line for line in bench["page"].page(tmp_path).splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| one | 1.1 ▼ | at most 1.05 | [bench_a](bench_a.md) |")
    assert rows[2].startswith("| two | 6 | at least 5 | [bench_b](bench_b.md) |")
    assert "Tables without a goal: [bench_c](bench_c.md)." in bench["page"].page(tmp_path)


def test_the_page_is_that_of_the_recorded_goals(bench: dict[str, ModuleType]) -> None:
    assert (BENCH / "README.md").read_text() == bench["page"].page(BENCH)


def test_every_short_bench_has_a_record(bench: dict[str, ModuleType]) -> None:
    assert [name for name in bench["short"].SHORT if not (BENCH / f"{name}.json").is_file()] == []
