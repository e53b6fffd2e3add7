"""Compares a run that was killed and resumed with an undisturbed one of the same recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kill_phases import log_lines

from motet.core import CheckpointError
from motet.core.folder_lock import HOLDER, LOCK
from motet.core.model_folder import STATE, read_weights, step_folder, steps_in
from motet.data.feature_parts import parts_in
from motet.training.checkpoint import tensors_equal
from motet.training.json_files import PREDICTIONS, REPORT, VAL_REPORT

_OF_A_START = ("seconds", "memory_mb", "rows_per_second")


def differences(reference: Path, folder: Path, *, cache: Path | None = None) -> Iterator[str]:
    """Yields each way in which a finished run differs from an undisturbed one, bit for bit.

    Args:
        reference: a folder with `run/` and `cache/` of the undisturbed run.
        folder: the same of the other.
        cache: of the other, where it is elsewhere.
    """
    want, got = reference / "run", folder / "run"
    yield from log_differences(want, got)
    # A signal saves a step of its own, which takes the place of an older one.
    if steps_in(got)[-1:] != steps_in(want)[-1:] or len(steps_in(got)) > len(steps_in(want)):
        yield f"checkpoints {steps_in(got)}, not {steps_in(want)}"
    for step in sorted({*steps_in(got)} & {*steps_in(want)}):
        if not tensors_equal(read_weights(step_folder(want, step)), read_weights(step_folder(got, step))):
            yield f"weights of step {step} differ"
    for name in (REPORT, VAL_REPORT, PREDICTIONS):
        if _bytes(got / name) != _bytes(want / name):
            yield f"{name} differs"
    yield from page_differences(got)
    yield from leftovers(folder)
    if _features(cache or folder / "cache") != _features(reference / "cache"):
        yield "stored features differ"


def close_differences(reference: Path, folder: Path, tolerance: float) -> Iterator[str]:
    """Yields each way in which a run that changed its number of ranks differs: rows are the same, losses are close."""
    want, got = _steps(reference / "run"), _steps(folder / "run")
    if [line["step"] for line in got] != [line["step"] for line in want]:
        yield f"log: steps {[line['step'] for line in got]}"
        return
    if [line["rows"] for line in got] != [line["rows"] for line in want]:
        yield "log: other rows"
    if (found := largest_difference(reference, folder)) > tolerance:
        yield f"losses differ by {found:.2g}"
    yield from page_differences(folder / "run")
    yield from leftovers(folder)


def largest_difference(reference: Path, folder: Path) -> float:
    """Returns the largest difference of a step's mean loss, relative to it."""
    pairs = zip(_steps(reference / "run"), _steps(folder / "run"), strict=False)
    return max((abs(a["mean_loss"] - b["mean_loss"]) / max(abs(a["mean_loss"]), 1e-6) for a, b in pairs), default=0.0)


def log_differences(want: Path, got: Path) -> Iterator[str]:
    """Yields differences of two logs: every step once, with the same losses, results and task status."""
    steps = [line["step"] for line in _steps(got)]
    whole = [line["step"] for line in _steps(want)]
    if steps != whole:
        yield f"log: steps {steps}"
    elif _of_run(got) != _of_run(want):
        yield "log: other values"


def broken(run: Path) -> Iterator[str]:
    """Yields what is half written after a kill, of the files that have their final names."""
    for step in steps_in(run):
        try:
            read_weights(step_folder(run, step))
            yield from _digests_differ(step_folder(run, step))
        except (CheckpointError, OSError, ValueError) as error:
            yield str(error)
    for name in ("run.json", REPORT, VAL_REPORT):
        data = _bytes(run / name)
        try:
            if data is not None:
                json.loads(data)
        except ValueError:
            yield f"{name} is half written"
    yield from page_differences(run, absent=True)


def page_differences(run: Path, *, absent: bool = False) -> Iterator[str]:
    """Yields pages that are half written; with `absent` they may be missing."""
    last = f"step-{max(steps_in(run), default=0):06d}/README.md"
    for name, end in (("report.html", b"</html>\n"), ("report.md", b"\n"), (last, b"\n"), (PREDICTIONS, b"}\n")):
        data = _bytes(run / name)
        if data is None and not absent:
            yield f"{name} is missing"
        if data is not None and not data.endswith(end):
            yield f"{name} ends in {data[-20:]!r}"


def leftovers(folder: Path) -> Iterator[str]:
    """Yields files under temporary names that a killed process left for ever."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".part", ".unfinished", ".old"} or path.name.startswith((".step-", ".parts-")):
            yield f"left: {path.relative_to(folder)}"
        if path.name == HOLDER or (path.name.startswith(".") and path.is_file() and path.name != LOCK):
            yield f"left: {path.relative_to(folder)}"


def _of_run(run: Path) -> list[str]:
    kept = [{k: v for k, v in line.items() if k not in _OF_A_START} for line in log_lines(run) if "note" not in line]
    return [json.dumps(line, sort_keys=True) for line in kept]


def _steps(run: Path) -> list[dict[str, Any]]:
    return [line for line in log_lines(run) if "loss" in line]


def _features(cache: Path) -> dict[tuple[str, int], bytes]:
    found: dict[tuple[str, int], bytes] = {}
    for store in sorted((cache / "features").glob("*")):
        for part in parts_in(store):
            array = part.array()
            found |= {row: array[place].tobytes() for place, row in enumerate(part.rows)}
    return found


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digests_differ(folder: Path) -> Iterator[str]:
    saved = json.loads((folder / STATE / "state.json").read_text(encoding="utf-8"))["files"]
    for name, digest in saved.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest() != digest:
                yield f"{folder.name}/{name}: other bytes than were saved"
