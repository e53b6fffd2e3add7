"""Kills runs of the five systems at moments drawn from a seed, resumes them, and counts what came of it.

    python tests/kills/kills.py [--kills 100] [--seed 0] [--only unit] [--records kills.jsonl]

Each run is killed one to four times, in any phase from its start to its page, and resumed after each. At the end its
weights, reports, predictions, log and stored features must be those of an undisturbed run, bit for bit, with nothing
left over. The exit code is 1 if one of them is not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parents[1] / "support"), os.environ.get("PYTHONPATH", "")]
)

from kill_launch import Forked, Fresh
from kill_parts import Case, disks, files, meetings, table
from kill_phases import PHASES
from kill_recipes import SYSTEMS
from kill_trials import Kill, Trial, Variant, Way, fresh_place, killed_chain, reference

PARTS = ("kills", "meetings", "disks", "files")
VARIANTS: tuple[Variant, ...] = ("plain", "workers", "ranks", "other ranks")
_FRESH = 0.1
"""The share of starts that import everything anew, as a user's do."""


def main() -> None:
    """Runs the kills and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--records", type=Path)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    chosen = parser.parse_args()
    began, kills, cases = time.perf_counter(), list[Kill](), list[Case]()
    with tempfile.TemporaryDirectory() as made:
        place = chosen.place or Path(made)
        for case in _cases(place, chosen.kills, chosen.seed, chosen.only, chosen.parts):
            text = _line(case) if isinstance(case, Kill) else f"{case.part}: {case.name}: {case.end} {case.found or ''}"
            print(f"{time.perf_counter() - began:6.0f} s  {text}", flush=True)
            if isinstance(case, Kill):
                kills.append(case)
            else:
                cases.append(case)
            if chosen.records is not None:
                with chosen.records.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(vars(case)) + "\n")
    print(f"seed {chosen.seed}, {time.perf_counter() - began:,.0f} s")
    print("\n\n".join([*([_tables(kills)] if kills else []), *([table(cases)] if cases else [])]))
    sys.exit(any(case.found for case in (*kills, *cases)))


def _cases(place: Path, count: int, seed: int, only: str, parts: Sequence[str]) -> Iterator[Kill | Case]:
    rng = random.Random(seed)
    if "kills" in parts:
        yield from _kills(place, count, seed, only)
    if "meetings" in parts:
        yield from meetings(place, rng)
    if "disks" in parts:
        for system in ("lit_decoder", "unit"):
            yield from disks(place, rng, system)
    if "files" in parts:
        yield from files(place, rng, max(1, count // 10))


def _kills(place: Path, count: int, seed: int, only: str) -> Iterator[Kill]:
    done = number = 0
    # All pairs, so that every part of them has each system and variant about equally often.
    cases = [(SYSTEMS[i % 5], VARIANTS[(i % 5 + i // 5) % 4]) for i in range(20)]
    cases = [case for case in cases if " ".join(case).startswith(only)]
    while done < count:
        rng = random.Random(f"{seed}/{number}")
        system, variant = cases[number % len(cases)]
        number += 1

        def way(rng: random.Random = rng) -> Way:
            return Fresh() if rng.random() < _FRESH else Forked()

        mine = fresh_place(Trial(system, variant, place), place / f"case-{seed}-{number - 1}")
        whole = reference(mine, place / "whole", Forked())
        for kill in killed_chain(mine, whole, way, rng, min(rng.randint(2, 5), count - done)):
            done += 1
            yield kill


def _line(kill: Kill) -> str:
    how = f"{kill.number} to {kill.victims}, {kill.way}"
    return f"{kill.system} {kill.variant}: {how}: {kill.phase} (step {kill.step}): {kill.code} {'; '.join(kill.found)}"


def _tables(kills: Sequence[Kill]) -> str:
    rows = list[str]()
    wrong = Counter(kill.system for kill in kills if kill.found)
    phases = Counter((kill.system, kill.phase) for kill in kills)
    rows += ["| system | " + " | ".join(PHASES) + " | all | wrong |", "|---|" + "--:|" * (len(PHASES) + 2)]
    for system in SYSTEMS:
        counts = [phases[system, phase] for phase in PHASES]
        rows.append(f"| {system} | " + " | ".join(map(str, [*counts, sum(counts), wrong[system]])) + " |")
    for name in ("variant", "number", "victims", "way"):
        found = Counter(getattr(kill, name) for kill in kills)
        rows.append(f"{name}: " + ", ".join(f"{value} {count}" for value, count in found.most_common()))
    return "\n".join(rows)


if __name__ == "__main__":
    main()
