"""Measures some ratios in a minute or two and fails where one is a third worse than what is recorded in bench/.

python bench/short.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Goal, read_goals

HERE = Path(__file__).parent
WORSE = 1 / 3
SHORT = {
    "bench_train": ("--repeats", "3", "--steps", "8"),
    "bench_beam": ("--repeats", "3"),
    "bench_features": ("--repeats", "2"),
    "bench_round_robin": ("--repeats", "3"),
}


def worse(recorded: tuple[Goal, ...], measured: tuple[Goal, ...]) -> list[str]:
    """Returns a line per ratio that is worse than its record by more than a third."""
    known = {goal.name: goal for goal in recorded}
    return [
        f"{goal.name}: got {goal.value:.3g}; recorded is {known[goal.name].value:.3g}"
        for goal in measured
        if goal.name in known and goal.is_worse_than(known[goal.name], WORSE)
    ]


def main() -> None:
    """Runs the benches and exits with 1 where a ratio is worse."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in SHORT.items():
            command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
            subprocess.run(command, env={**os.environ, "BENCH_FOLDER": folder}, check=True)
            record = HERE / f"{name}.json"
            if record.is_file():
                found += worse(read_goals(record)[1], read_goals(Path(folder) / f"{name}.json")[1])
            else:
                found.append(f"{name}: got no record; want {record.name} (python bench/{name}.py)")
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
