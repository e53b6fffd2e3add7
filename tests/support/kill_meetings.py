"""Two commands at once: two runs in one folder, two fillings of one store of features."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kill_compare import differences, leftovers
from kill_launch import Running
from kill_trials import PATIENCE, PLACES, Trial, Way, fresh_place

from motet.data.feature_parts import parts_in


def two_runs(trial: Trial, whole: Path, way: Way, rng: random.Random, phase: str) -> Iterator[str]:
    """Starts a run, then another in the same folder; yields what is wrong.

    Args:
        trial: its place must be new.
        whole: the undisturbed run.
        way: of both starts.
        rng: decides whether the second has `--resume`.
        phase: of the first when the second starts; "start" starts both at once.
    """
    first = trial.start(way, world=1, resume=False)
    if phase != "start":
        _wait_for(trial, first, phase)
    second = trial.start(way, world=1, resume=rng.random() < 0.5, name="second")
    codes = {"first": first.wait(PATIENCE), "second": second.wait(PATIENCE)}
    texts = {"first": first.text(), "second": second.text()}
    refused = [name for name, found in codes.items() if found == [2]]
    if sorted(found[0] or 0 for found in codes.values()) != [0, 2] or (phase != "start" and refused != ["second"]):
        yield f"exit codes {codes}: {texts}"
        return
    lines = texts[refused[0]].strip().splitlines()
    if len(lines) != 1 or not lines[0].startswith("motet: run folder"):
        yield f"the refused one prints {lines}"
    yield from differences(whole, trial.place)


def two_fillings(trial: Trial, whole: Path, way: Way, rng: random.Random, *, kill: bool) -> Iterator[str]:
    """Starts two runs that fill one store at once; yields what is wrong.

    Args:
        trial: its place must be new; the other run is in a folder beside it.
        whole: the undisturbed run.
        way: of both starts.
        rng: when the first is killed.
        kill: whether the first is killed while it fills; it is resumed.
    """
    other = replace(trial, place=trial.place.with_name(f"{trial.place.name}-other"), cache=trial.cached())
    fresh_place(other, other.place)
    running = [trial.start(way, world=1, resume=False)]
    if kill:
        _wait_for(trial, running[0], "features")
    running.append(other.start(way, world=1, resume=False))
    if kill:
        time.sleep(rng.uniform(0, 0.8))
        running[0].send(signal.SIGKILL, only=0)
        running[0].wait(PATIENCE)
        running[0] = trial.start(way, world=1, resume=True)
    for one in running:
        if (codes := one.wait(PATIENCE)) != [0]:
            yield f"ends with {codes}: {one.text()[-300:]}"
    yield from differences(whole, trial.place)
    yield from differences(whole, other.place, cache=other.cached())
    yield from leftovers(other.place)
    for store in sorted((trial.cached() / "features").glob("*")):
        rows = [row for part in parts_in(store) for row in part.rows]
        if len(set(rows)) != len(rows):
            yield f"{len(rows) - len(set(rows))} views are stored twice"


def _wait_for(trial: Trial, running: Running, phase: str) -> None:
    view = trial.view(running.since)
    while running.is_alive() and PLACES[view.phase()] < PLACES[phase]:  # type: ignore[index]
        time.sleep(0.002)
