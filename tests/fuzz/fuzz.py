"""Changes files of every kind that motet reads, thousands of times, and writes what came of it to `docs/FUZZ.md`.

    python tests/fuzz/fuzz.py [--cases 3000] [--seed 0] [--only reader:Table] [--out docs/FUZZ.md]
    python tests/fuzz/fuzz.py --again "reader:Table 0/17"    # one case, with its traceback

Before that, something that is no whole file (a pipe, a socket, a device, a folder, a loop of links, a file without
permission) is put in the place of a file of each ending. Each case runs in a process of its own with 3 GiB of memory
and 60 seconds. It ends as read or as refused in one line; everything else (traceback, hang, signal, memory) is a
finding, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fuzz_cases import FINDINGS, MEMORY_BYTES, SECONDS, Outcome, run_case
from fuzz_target import KINDS, Target
from fuzz_targets import targets


def main() -> None:
    """Runs the cases and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--again", default="")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        makers = targets(Path(folder))
        if chosen.again:
            name = max((name for name in makers if chosen.again.startswith(f"{name} ")), key=len)
            _again(makers[name](), chosen.again.removeprefix(f"{name} "))
            return
        known = [make() for name, make in makers.items() if name.startswith(chosen.only)]
        began = time.perf_counter()
        found = _run([*_replaced(known), *_changed(known, chosen.cases, chosen.seed)])
        page = _page(found, chosen.seed, time.perf_counter() - began)
    print(page)
    if chosen.out is not None:
        chosen.out.write_text(page, encoding="utf-8")
    sys.exit(any(outcome.end in FINDINGS for outcomes in found.values() for outcome in outcomes))


def _changed(known: Sequence[Target], cases: int, seed: int) -> Iterator[tuple[Target, str]]:
    """Yields the cases of a seed, in turn for each target."""
    return ((known[number % len(known)], f"{seed}/{number}") for number in range(cases))


def _replaced(known: Sequence[Target]) -> Iterator[tuple[Target, str]]:
    """Yields a case for each kind of what is no whole file, in the place of a file of each ending."""
    return (
        (target, f"{place}={kind.replace(' ', '_')}") for target in known for place in target.places() for kind in KINDS
    )


def _run(cases: Sequence[tuple[Target, str]]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for target, case in cases:
        outcome, changed = _tried(target, case)
        if outcome.end == "hang":  # a process that was forked beside a thread may wait for it; twice is no chance
            outcome, changed = _tried(target, case)
        found[target.name].append(outcome)
        if outcome.end in FINDINGS:
            print(f"{outcome.end}: --again '{target.name} {case}' ({changed}): {outcome.text}", flush=True)
    return found


def _tried(target: Target, case: str) -> tuple[Outcome, str]:
    changed, act = target.case(case)
    return run_case(act), changed


def _again(target: Target, case: str) -> None:
    changed, act = target.case(case)
    print(f"{target.name}: changed {changed} in {target.root}")
    print(run_case(act))
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    target.case(case)[1]()


def _page(found: dict[str, list[Outcome]], seed: int, seconds: float) -> str:
    every = [outcome for outcomes in found.values() for outcome in outcomes]
    groups = defaultdict(list)
    for name, outcomes in found.items():
        groups[name.partition(":")[0]] += outcomes
    rows = [_row(name, outcomes) for name, outcomes in (*sorted(groups.items()), ("all", every))]
    each = [_row(name, outcomes) for name, outcomes in sorted(found.items())]
    head = "| what is read | cases | read | refused | traceback | hang | crash | memory | most MB | slowest s |"
    line = "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    return "\n".join(
        (
            "# Files that nobody should have made",
            "",
            "`make fuzz` writes this page: it changes small files of every kind that motet reads, puts pipes, devices,",
            "folders and links in their place, and counts what comes of it. A case is read, or refused in one line",
            "that names the file; a traceback, a hang, a signal or too much memory is a mistake of motet.",
            "",
            f"{len(every):,} cases, seed {seed}, {seconds:,.0f} s on Python {platform.python_version()}. Each runs in",
            f"a process of its own with {MEMORY_BYTES // 1024**3} GiB and {SECONDS:g} s; memory is what it takes",
            "beyond the process that starts it.",
            "",
            head, line, *rows, "", "## Each kind", "", head, line, *each, "",
        )
    )  # fmt: skip


def _row(name: str, outcomes: list[Outcome]) -> str:
    ends = Counter(outcome.end for outcome in outcomes)
    counts = [len(outcomes), *(ends[end] for end in ("read", "refused", *FINDINGS))]
    most, slowest = max(one.memory_mb for one in outcomes), max(one.seconds for one in outcomes)
    return f"| {name} | {' | '.join(f'{count:,}' for count in counts)} | {most:,.0f} | {slowest:.1f} |"


if __name__ == "__main__":
    random.seed(0)
    main()
