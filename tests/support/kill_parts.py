"""What kills.py does beside kills of training: meetings of two commands, full disks, commands that write files."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kill_disks import MIB, full_disk, small_disk
from kill_files import Writer, killed_writer, undisturbed
from kill_launch import Forked
from kill_meetings import two_fillings, two_runs
from kill_phases import Phase
from kill_recipes import STEPS
from kill_trials import Trial, fresh_place, reference

DISK_MIB = 160
DISKS: tuple[tuple[Phase, bool], ...] = (
    ("start", False), ("features", False), ("steps", False), ("checkpoint", False), ("evaluation", False),
    ("page", False), ("start", True), ("features", True), ("checkpoint", True), ("page", True),
)  # fmt: skip
FREE = (0, 4096, 30_000, 300_000, 3_000_000)


@dataclass(frozen=True)
class Case:
    """One case.

    Args:
        part: "two runs", "two fillings", "full disk", "evaluate" or "compare".
        name: of the case.
        end: how it ended.
        found: what is wrong.
    """

    part: str
    name: str
    end: str = ""
    found: list[str] = field(default_factory=list)


def meetings(place: Path, rng: random.Random) -> Iterator[Case]:
    """Yields two runs in one folder, and two fillings of one store."""
    way = Forked()
    for system, phase in (
        ("unit", "start"), ("lit_decoder", "start"), ("lit_decoder", "features"), ("twelve_in_one", "steps"),
        ("vit_adapters", "evaluation"), ("uni_perceiver", "steps"),
    ):  # fmt: skip
        trial = fresh_place(Trial(system, "plain", place), place / "meeting")
        whole = reference(trial, place / "whole", way)
        yield Case("two runs", f"{system} {phase}", "", list(two_runs(trial, whole, way, rng, phase)))
    for system, variant, kill in (
        ("lit_decoder", "plain", False), ("unit", "workers", False), ("lit_decoder", "plain", True),
        ("unit", "workers", True), ("uni_perceiver", "plain", True),
    ):  # fmt: skip
        trial = fresh_place(Trial(system, variant, place), place / "meeting")  # type: ignore[arg-type]
        whole = reference(trial, place / "whole", way)
        name = f"{system} {variant}{', the first killed' if kill else ''}"
        yield Case("two fillings", name, "", list(two_fillings(trial, whole, way, rng, kill=kill)))


def disks(place: Path, rng: random.Random, system: str) -> Iterator[Case]:
    """Yields runs whose disk fills up in each phase, at first and on resume."""
    way = Forked()
    for phase, resume in DISKS:
        whole = reference(Trial(system, "plain", place), place / "whole", way)
        root = place / f"disk-{system}-{phase}-{resume}"
        with small_disk(root / "disk", DISK_MIB) as allowed:
            if not allowed:
                yield Case("full disk", "not run", "a small disk needs the right to mount one")
                return
            trial = Trial(system, "plain", root / "disk" / "trial")
            step, free = rng.randint(1, STEPS // 3), rng.choice(FREE)
            line, found = full_disk(trial, whole, way, root / "disk", phase, step=step, free=free, resume=resume)
        shutil.rmtree(root, ignore_errors=True)
        name = f"{system} {'resume, ' if resume else ''}{phase}, {free / MIB:.3f} MiB free"
        yield Case("full disk", name, line.replace(str(root), "..."), found)


def files(place: Path, rng: random.Random, kills: int) -> Iterator[Case]:
    """Yields kills of `motet evaluate` and `motet compare`."""
    way = Forked()
    whole = reference(Trial("unit", "plain", place), place / "whole", way)
    root = place / "files"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(whole, root)
    environment = {"MOTET_CACHE": str(root / "cache"), "OMP_NUM_THREADS": "1"}
    run, out = str(root / "run"), root / "out"
    out.mkdir()
    single = Writer(["baseline", run, "--lr", "1e-3", "--device", "cpu"], environment, (), root / "baseline")
    undisturbed(single, way)
    evaluate = ["evaluate", run, "--predictions", str(out / "p.jsonl"), "--device", "cpu"]
    writers = (
        Writer(evaluate, environment, (out / "p.jsonl",), root / "evaluate"),
        Writer(
            ["compare", run, f"{run}-single", "--out", str(out)],
            environment,
            (out / "comparison.md", root / "run" / "report.html", root / "run" / "report.md"),
            root / "compare",
        ),
    )
    for writer in writers:
        contents, seconds = undisturbed(writer, way)
        for _ in range(kills):
            end, found = killed_writer(writer, way, contents, seconds, rng)
            yield Case(writer.arguments[0], "killed" if end else "ended before the kill", end, found)


def table(cases: list[Case]) -> str:
    """Returns the cases of each part, counted by how they ended."""
    rows = ["| part | cases | wrong |", "|---|--:|--:|"]
    counts = Counter(case.part for case in cases)
    rows += [f"| {part} | {n} | {sum(bool(c.found) for c in cases if c.part == part)} |" for part, n in counts.items()]
    return "\n".join(rows)
