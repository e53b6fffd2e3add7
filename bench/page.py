"""Writes bench/README.md: every ratio that something is required of, beside its goal.

python bench/page.py
"""

from __future__ import annotations

import math
from pathlib import Path

from measure import Goal, read_goals

HERE = Path(__file__).parent
HEAD = """# Speed and memory

Ratios in one run, each against the peer that the bench names. `make bench` measures all again and writes this page.
▼ marks a ratio that misses its goal. `make bench-short` measures some in a minute or two, and fails where one is a
third worse than what is recorded here.
"""


def wanted(goal: Goal) -> str:
    """Returns a goal in words."""
    return f"at most {goal.at_most:.4g}" if goal.at_most < math.inf else f"at least {goal.at_least:.4g}"


def page(folder: Path) -> str:
    """Returns the page of all goals in a folder."""
    lines = [HEAD, "| ratio | measured | goal | bench |", "|---|---:|---:|---|"]
    machines: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.json")):
        machine, goals = read_goals(path)
        machines.setdefault(machine, []).append(path.stem)
        for goal in goals:
            mark = "" if goal.is_met else " ▼"
            table = f"[{path.stem}]({path.stem}.md)"
            lines.append(f"| {goal.name} | {goal.value:.3g}{mark} | {wanted(goal)} | {table} |")
    lines += ["", *(f"- {machine}: {', '.join(names)}." for machine, names in machines.items())]
    without = sorted(path.stem for path in folder.glob("bench_*.md") if not path.with_suffix(".json").is_file())
    if without:
        lines += ["", "Tables without a goal: " + ", ".join(f"[{name}]({name}.md)" for name in without) + "."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(HERE))
