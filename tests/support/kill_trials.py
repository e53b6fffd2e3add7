"""Kills of a run at moments drawn from a seed, resumed until it ends, compared with an undisturbed run."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import kill_recipes
from kill_compare import broken, close_differences, differences
from kill_launch import Forked, Fresh, Running
from kill_phases import Phase, View

Variant: TypeAlias = Literal["plain", "workers", "ranks", "other ranks"]
Way: TypeAlias = Forked | Fresh
PATIENCE = 240.0
"""Seconds that a command may take on a busy machine."""
RECIPES = Path(kill_recipes.__file__)
_STOPS = {signal.SIGTERM: 143, signal.SIGINT: 130}
_CLOSE = 1e-3
"""Largest relative difference of a step's loss where the number of ranks changed; rounding makes some 4e-6."""


@dataclass(frozen=True)
class Trial:
    """A run to kill.

    Args:
        system: the name of its recipe in `kill_recipes`.
        variant: loader workers, two ranks, or another number of ranks after a kill.
        place: gets `run/` and `cache/`.
        cache: shared with another trial; None for one of its own.
    """

    system: str
    variant: Variant
    place: Path
    cache: Path | None = None

    def start(self, way: Way, *, world: int, resume: bool, name: str = "stderr") -> Running:
        """Starts the command that trains it."""
        settings = [part for text in self.settings() for part in ("--set", text)]
        target = f"{RECIPES}:{self.system}"
        arguments = ["train", target, "--folder", str(self.place / "run"), "--device", "cpu", *settings]
        self.place.mkdir(parents=True, exist_ok=True)
        return way.start(
            [*arguments, *(["--resume"] if resume else [])],
            {"MOTET_CACHE": str(self.cached()), "OMP_NUM_THREADS": "1"},
            self.place / name,
            world,
        )

    def cached(self) -> Path:
        """The folder of the store of features."""
        return self.cache or self.place / "cache"

    def settings(self) -> list[str]:
        found = ["train.workers=2"] if self.variant == "workers" else []
        if self.variant == "other ranks" and self.system in ("lit_decoder", "unit"):  # the others are as they should be
            found += ["train.precision=float32"]
            found += ["system.dropout=0"] if self.system == "lit_decoder" else []
        return found

    def worlds(self) -> tuple[int, int]:
        """The number of ranks before and after the first kill."""
        match self.variant:
            case "ranks":
                return 2, 2
            case "other ranks":
                return 1, 2
            case _:
                return 1, 1

    def view(self, since: float) -> View:
        run = getattr(kill_recipes, self.system)()
        return View(self.place / "run", self.cached() / "features", since, run.train.steps, run.train.evaluate_every)


@dataclass
class Kill:
    """One kill and what came of it.

    Args:
        system, variant, way: of the run.
        number: the signal.
        victims: "all" processes, or "one".
        phase, step: when it was killed, from its folder.
        code: exit codes of its processes.
        found: what is wrong; empty for nothing.
    """

    system: str
    variant: str
    way: str
    number: str
    victims: str
    phase: Phase = "start"
    step: int = 0
    code: list[int | None] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def reference(trial: Trial, folder: Path, way: Way) -> Path:
    """Trains the undisturbed run that a trial must end like, if a folder does not have it yet; returns its place."""
    # Loader workers change nothing, so theirs is the run without.
    variant: Variant = "ranks" if trial.variant == "ranks" else "plain"
    if trial.variant == "other ranks" and trial.settings():
        variant = trial.variant
    whole = replace(trial, variant=variant, place=folder / f"{trial.system}-{variant.replace(' ', '-')}")
    finished = whole.place / "finished"
    if not finished.exists():
        running = whole.start(way, world=whole.worlds()[0], resume=False)
        codes = running.wait(PATIENCE)
        if codes != [0] * len(codes):
            raise RuntimeError(f"{whole}: {codes} {running.text()}")
        finished.touch()
    return whole.place


def killed_chain(trial: Trial, whole: Path, ways: Callable[[], Way], rng: random.Random, kills: int) -> Iterator[Kill]:
    """Kills a run up to so many times, resumes it each time, and yields each kill once the run has ended."""
    chain: list[Kill] = []
    first, after = trial.worlds()
    for number in range(kills):
        way = ways()
        world = after if chain else first
        running = trial.start(way, world=world, resume=number > 0)
        view = trial.view(running.since)
        moment = Moment.drawn(rng, view, fresh=isinstance(way, Fresh))
        moment.wait(view, running)
        if not running.is_alive():
            break
        kill = _kill(trial, way, running, view, rng, world)
        kill.found += [f"after the kill: {text}" for text in broken(trial.place / "run")]
        chain.append(kill)
    if not chain:
        return
    way = ways()
    running = trial.start(way, world=after, resume=True)
    codes = running.wait(PATIENCE)
    ends = list(_wrong_end(codes, running.text()))
    compare = differences(whole, trial.place)
    if trial.variant == "other ranks":
        compare = close_differences(whole, trial.place, _CLOSE)
    wrong = [*ends, *(compare if not ends else ())]
    for kill in chain:
        kill.found += wrong
        yield kill


def _kill(trial: Trial, way: Way, running: Running, view: View, rng: random.Random, world: int) -> Kill:
    number = rng.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), (70, 18, 12))[0]
    victims = rng.choice(("all", "one")) if number == signal.SIGKILL else "all"
    if world > len(running.processes):  # torchrun's ranks outlive it, and the folder is theirs
        victims = "all"
    kill = Kill(trial.system, trial.variant, type(way).__name__.lower(), number.name, victims)
    only = rng.randrange(len(running.processes)) if victims == "one" else None
    kill.phase, kill.step = view.phase(), view.step()[0]
    running.send(number, only=only)
    kill.code = running.wait(PATIENCE)
    if number == signal.SIGKILL and world == 1:  # nothing has moved since, so this is exact
        kill.phase, kill.step = view.phase(), view.step()[0]
    if None in kill.code:
        kill.found.append("hangs after the kill")
    text = running.text()
    if "Traceback" in text and not _is_of_others(text):
        kill.found.append(f"traceback after the kill: {text[-300:]}")
    if "a bug of motet" in text:
        kill.found.append(f"after the kill: {text[-400:]}")
    if number in _STOPS and world == 1 and kill.code[0] not in (0, _STOPS[number], -number):
        kill.found.append(f"code {kill.code[0]} after {number.name}: {text[-300:]}")
    if number in _STOPS and kill.code[0] == _STOPS[number] and text.count("motet: stopped by") != 1:
        kill.found.append(f"no line after {number.name}: {text[-300:]}")
    return kill


def _is_of_others(text: str) -> bool:
    """Returns whether Python itself was stopped, before the program had begun, or torchrun was."""
    return ("motet.cli.main" not in text and "KeyboardInterrupt" in text) or "SignalException" in text


def _wrong_end(codes: Sequence[int | None], text: str) -> Iterator[str]:
    if any(code != 0 for code in codes):
        yield f"resume ends with {list(codes)}: {text[-400:]}"
    if "Traceback" in text:
        yield f"resume: traceback: {text[-300:]}"


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after a phase is first seen, at a step at the earliest.

    Args:
        phase: to wait for.
        step: of phases that come again and again.
        seconds: after that.
    """

    phase: Phase
    step: int
    seconds: float

    @classmethod
    def drawn(cls, rng: random.Random, view: View, *, fresh: bool) -> Moment:
        """Draws one of the phases that are to come."""
        at = view.step()[0]
        phases: list[Phase] = ["set-up", "features", "evaluation", "page"]
        # A run is past its steps after one late kill, so these are drawn more often while there are any.
        phases += ["steps", "checkpoint"] * 3 if at < view.steps else []
        phases += ["start"] if fresh else []
        phase = rng.choice(phases)
        step = rng.randint(min(at + 1, view.steps), min(at + view.steps // 2, view.steps))
        longest = {"start": 6.0, "set-up": 1.0, "features": 1.0, "steps": 0.1, "checkpoint": 0.06, "evaluation": 0.4}
        return cls(phase, step, rng.uniform(0, longest.get(phase, 2.0)))

    def wait(self, view: View, running: Running) -> None:
        """Waits for it, or until the processes have ended."""
        while running.is_alive() and not self._is_reached(view):
            time.sleep(0.002)
        end = time.monotonic() + self.seconds
        while running.is_alive() and time.monotonic() < end:
            time.sleep(0.002)

    def _is_reached(self, view: View) -> bool:
        now = view.phase()
        if self.phase in ("steps", "checkpoint", "evaluation") and now in ("steps", "checkpoint", "evaluation"):
            return (now == self.phase and view.step()[0] >= min(self.step, view.steps)) or (
                # The last of them is seen only if it lasts; what comes after it is late enough.
                now == "evaluation" and view.step()[0] == view.steps
            )
        return PLACES[now] >= PLACES[self.phase]


# Features are stored in the middle of the set-up, or are there already.
PLACES: dict[Phase, int] = {
    "start": 0, "set-up": 1, "features": 2, "steps": 3, "checkpoint": 3, "evaluation": 3, "page": 4, "end": 5,
}  # fmt: skip


def fresh_place(trial: Trial, place: Path) -> Trial:
    """Returns the trial in an empty place."""
    shutil.rmtree(place, ignore_errors=True)
    return replace(trial, place=place)
