"""The first run of a new user: `motet init` and `motet train` as they are, beside the trivial baselines.

python bench/bench_first_run.py FOLDER [FOLDER ...] --minutes 10 --runs runs/first

A folder may be named as NAME=FOLDER. Recipes, runs and logs stay in the folder of the runs; a run that is finished
there is read and not trained again, so that a long table may be made in parts. Without folders nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import machine

HEAD = ("task", "metric", "best trivial baseline", "linear probe", "first run", "minutes: init, train", "above all")
PROBE, OWN = "linear probe", "image shuffled"
TIMES = "times.json"


def motet(log: Path, *arguments: str) -> float:
    """Runs one command, with its output in a file; returns the minutes. Exits where it fails."""
    started = time.perf_counter()
    with log.open("w") as file:
        done = subprocess.run([sys.executable, "-m", "motet.cli", *arguments], stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"motet {' '.join(arguments)}: exit code {done.returncode}, see {log}")
    return (time.perf_counter() - started) / 60


def trained(name: str, folder: Path, runs: Path, minutes: float) -> Iterator[tuple[Path, float, float]]:
    """Yields the folder of each model that is trained on a folder of data, with the minutes of `init` and `train`."""
    recipe = runs / f"first_{name}.py"
    here = runs / name
    here.mkdir(parents=True, exist_ok=True)
    times = json.loads((here / TIMES).read_text()) if (here / TIMES).is_file() else {}
    if "init" not in times:
        times["init"] = motet(
            here / "init.log", "init", str(folder), "--out", str(recipe), "--force", "--minutes", str(minutes)
        )
        printed = (here / "init.log").read_text().splitlines()
        times["functions"] = [line.rpartition(":")[2] for line in printed if line.startswith("  motet train ")]
        (here / TIMES).write_text(json.dumps(times))
    for function in times["functions"]:
        run = here / function
        if not (run / "report.json").is_file():
            times[function] = motet(
                here / f"{function}.log", "train", f"{recipe}:{function}", "--folder", str(run), "--resume"
            )
            (here / TIMES).write_text(json.dumps(times))
        yield run, times["init"], times.get(function, 0.0)


def rows(name: str, run: Path, init_minutes: float, train_minutes: float) -> Iterator[tuple[str, ...]]:
    """Yields a row of the table per task of a run: its main metric beside the baselines."""
    report = json.loads((run / "report.json").read_text())
    for result in report["results"]:
        if not result["main"]:
            continue
        known = {k: v for k, v in report["trivial_baselines"].get(result["task"], {}).items() if k != OWN}
        higher = result["higher_is_better"]
        others = {kind: value for kind, value in known.items() if kind != PROBE}
        best = (max if higher else min)(others, key=lambda kind: others[kind], default="")
        above = all((result["value"] > value) == higher and result["value"] != value for value in known.values())
        yield (
            f"{name}: {result['task']}",
            result["metric"],
            f"{others[best]:.1f} ({best})" if best else "-",
            f"{known[PROBE]:.1f}" if PROBE in known else "-",
            f"{result['value']:.1f} ({result['low']:.1f} to {result['high']:.1f})",
            f"{init_minutes:.1f}, {train_minutes:.1f}",
            "yes" if above else "no",
        )


def table(found: Sequence[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [HEAD, ("---",) * len(HEAD), *found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="[NAME=]FOLDER")
    parser.add_argument("--minutes", type=float, default=10.0, help="most time of each model, as `motet init` has it")
    parser.add_argument("--runs", type=Path, default=Path("runs/first"))
    given = parser.parse_args()
    found: list[tuple[str, ...]] = []
    for one in given.folders:
        name, _, folder = one.rpartition("=")
        name = (name or Path(folder).name).replace("-", "_").replace(".", "_")
        for run, init_minutes, train_minutes in trained(name, Path(folder), given.runs.resolve(), given.minutes):
            found += rows(name, run, init_minutes, train_minutes)
    print(f"{machine()}\n\n{table(found)}")


if __name__ == "__main__":
    main()
