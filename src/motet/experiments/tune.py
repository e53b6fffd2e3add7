"""A search of a recipe's settings on its val rows, within a given time: a study of optuna in a folder.

<folder>/study.jsonl         the study: every trial, its settings and scores
<folder>/trials/000/         the recipe itself, with which the others are compared
<folder>/trials/001/ ...     one run folder per trial
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from motet.core import CheckpointError, ConfigError
from motet.core.folder_lock import FolderLock
from motet.experiments.run_grid import HERE, Place
from motet.experiments.search_space import Dimension
from motet.experiments.trial_round import BASE, ROUND, TRIALS, Round, TrainTrial, TrialRound
from motet.training.run import Run

if TYPE_CHECKING:
    import optuna

STUDY = "study.jsonl"
_POLL_SECONDS = 1.0
_FIRST_TRIALS = 4  # that are not pruned: a median of fewer says little
_NEVER_PRUNED = 0.3  # of a trial: a low learning rate is behind at first


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Args:
        number: of the trial; 0 is the recipe itself.
        outcome: "finished", "pruned", "failed", or "stopped" where the next call continues it.
        settings: what it changes.
        gain: delta-m over the recipe itself, in percent, on val; of a pruned trial at its last evaluation. None where
            nothing was evaluated.
    """

    number: int
    outcome: str
    settings: tuple[str, ...]
    gain: float | None


def tune(
    configure: Callable[[Sequence[str]], Run],
    space: Sequence[Dimension],
    folder: Path,
    *,
    seconds: float,
    identity: Mapping[str, Any],
    train_trial: TrainTrial,
    place: Place = HERE,
    log: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Trial, ...]:
    """Trains a recipe with other settings until the time is over; a second call goes on with the same study.

    A trial is scored by its delta-m over the recipe itself on the val rows: no test row is read. The trials are drawn
    by optuna's TPE and pruned by its median rule. The last trial is only begun where the longest so far would fit into
    the time that is left.

    Args:
        configure: returns the recipe's run with some settings changed.
        space: what is searched.
        folder: of the study.
        seconds: for all trials of this call.
        identity: of the recipe, as plain data; a study of another one is refused.
        train_trial: trains a run.
        place: where the trials go; as many are drawn together as run at the same time there.
        log: called with one line per trial.
        clock: the time in seconds.

    Returns:
        All trials of the study, in their order.

    Raises:
        ConfigError: no optuna, no val rows, or nothing to search.
        CheckpointError: a study of another recipe, or that another process works on.
    """
    base = configure(())
    if not base.of_role("val"):
        raise ConfigError("tune: got a recipe without sources of role 'val'; want one to choose by")
    folder.mkdir(parents=True, exist_ok=True)
    ends = clock() + seconds
    named = {**identity, "space": [repr(one) for one in space], "steps": base.train.steps}

    def make(trials: Round) -> TrialRound:
        return TrialRound(folder, trials, configure=configure, train_trial=train_trial, ends=ends, clock=clock)

    lock = FolderLock(folder)
    if place.shared:
        _help(lock, folder, named, make, place, log)
    with lock:
        study = _open(folder, named, space)
        longest = max((one.duration.total_seconds() for one in study.trials if one.duration is not None), default=0.0)
        while not _finished(study) or clock() + longest < ends:
            started = clock()
            count = place.width if _finished(study) else 1
            drawn = [study.ask() for _ in range(count)]
            if not _run_round(study, drawn, space, named, make, folder, place, log):
                break
            longest = max(longest, clock() - started)
        return _trials(study)


def trial_round(
    configure: Callable[[Sequence[str]], Run],
    folder: Path,
    *,
    seconds: float,
    train_trial: TrainTrial,
    clock: Callable[[], float] = time.monotonic,
) -> TrialRound:
    """Returns the round that is open in the folder of a search, for a process that runs one of its trials.

    Raises:
        CheckpointError: no such round, or a damaged one.
    """
    current = Round.read(folder)
    if current is None:
        raise CheckpointError(f"{folder}: got no trials; want the folder of a `motet tune`")
    return TrialRound(
        folder, current, configure=configure, train_trial=train_trial, ends=clock() + seconds, clock=clock
    )


def _help(
    lock: FolderLock,
    folder: Path,
    identity: Mapping[str, Any],
    make: Callable[[Round], TrialRound],
    place: Place,
    log: Callable[[str], None],
) -> None:
    """Runs trials that another process draws, as long as it draws some; its lock is free when it has ended or died."""
    while not lock.acquire():
        current = Round.read(folder)
        if current is not None:
            if json.loads(json.dumps(dict(identity))) != current.identity:
                raise CheckpointError(f"{folder / ROUND}: got the trials of another search; want a new --folder")
            grid = make(current)
            if not all(grid.finished(cell) for cell in grid.cells):
                place.run(grid, log=log)
        time.sleep(_POLL_SECONDS)
    lock.release()


def best_of(trials: Sequence[Trial]) -> Trial:
    """Returns the finished trial with the largest gain; of equal ones the first.

    Raises:
        ConfigError: no trial has finished.
    """
    finished = [one for one in trials if one.outcome == "finished" and one.gain is not None]
    if not finished:
        raise ConfigError(f"tune: got no finished trial out of {len(trials)}; want more minutes, or a shorter recipe")
    return max(finished, key=lambda one: (one.gain or 0.0, -one.number))


def _run_round(
    study: optuna.Study,
    drawn: Sequence[optuna.Trial],
    space: Sequence[Dimension],
    identity: Mapping[str, Any],
    make: Callable[[Round], TrialRound],
    folder: Path,
    place: Place,
    log: Callable[[str], None],
) -> bool:
    """Runs the trials of a round and tells the study their ends; returns whether all have ended."""
    from optuna.trial import TrialState

    trials: dict[str, optuna.Trial] = {}
    settings: dict[str, tuple[str, ...]] = {}
    for one in drawn:
        suggested = tuple(dimension.suggest(one) for dimension in space)
        name = one.user_attrs.get("place", f"{one.number:03d}")
        settings[name] = () if name == BASE else suggested  # the recipe itself, to the last digit
        one.set_user_attr("place", name)
        one.set_user_attr("settings", list(settings[name]))
        trials[name] = one
    current = Round(settings, _medians(study, identity["steps"]), identity)
    current.write(folder)
    grid = make(current)
    place.run(grid, log=log)
    # In the order of the trials, whatever order they have ended in: what is drawn next depends on nothing else.
    for name, one in trials.items():
        found = grid.result(name)
        if found is None:
            continue
        for step, value in found.values.items():
            one.report(value, step)
        match found.outcome:
            case "finished":
                study.tell(one, found.gain)
            case "pruned":
                study.tell(one, state=TrialState.PRUNED)
            case _:
                one.set_user_attr("error", found.error)
                study.tell(one, state=TrialState.FAIL)
    _remove_weights(folder, _trials(study))
    return all(grid.result(name) is not None for name in trials)


def _medians(study: optuna.Study, steps: int) -> dict[int, float]:
    """Returns the median gain of the finished trials at each step; none while they are few, or early in a trial."""
    from optuna.trial import TrialState

    done = study.get_trials(states=(TrialState.COMPLETE,))
    if len(done) < _FIRST_TRIALS:
        return {}
    values: dict[int, list[float]] = {}
    for one in done:
        for step, value in one.intermediate_values.items():
            if step >= round(_NEVER_PRUNED * steps):
                values.setdefault(step, []).append(value)
    return {step: median(found) for step, found in values.items()}


def _open(folder: Path, identity: Mapping[str, Any], space: Sequence[Dimension]) -> optuna.Study:
    """Opens or creates the study; trials that were stopped are put first in line, in their own folders."""
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
        from optuna.trial import TrialState
    except ImportError as error:
        raise ConfigError(
            "tune: got no package optuna; want the extra motet[tune] (pip install 'motet[tune]')"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = folder / STUDY
    _mend(path)
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))
        study = optuna.create_study(storage=storage, study_name="tune", load_if_exists=True, direction="maximize")
        known = study.user_attrs.get("identity")
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the study of `motet tune`") from error
    if known is None:
        study.set_user_attr("identity", dict(identity))
    elif known != dict(identity):
        name = next(key for key in identity if known.get(key) != identity[key])
        raise CheckpointError(
            f"{path}: got the study of another search ({name}: {str(known.get(name))[:80]}); want a new --folder"
        )
    # Seeded by the trials so far: a study that goes on must not draw its first trials again. Trials that are drawn
    # together keep away from each other.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials), constant_liar=True)
    if not study.trials:
        study.enqueue_trial({one.name: one.base for one in space}, user_attrs={"place": BASE})
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        place = trial.user_attrs.get("place")
        if place is not None:
            study.enqueue_trial(trial.params, user_attrs={"place": place})
    return study


def _mend(path: Path) -> None:
    """Cuts off a line that a killed process has not finished, and the lock it held; nobody else holds the folder."""
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.is_file():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            path.write_bytes(data[:whole])


def _finished(study: optuna.Study) -> bool:
    return any(one.outcome == "finished" for one in _trials(study))


def _trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Returns the trials by folder; one that was stopped and continued counts once, with its last outcome."""
    from optuna.trial import TrialState

    outcomes = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    found: dict[int, Trial] = {}
    for trial in study.trials:
        if "settings" not in trial.user_attrs:
            continue
        values = list(trial.intermediate_values.values())
        gain = trial.value if trial.state == TrialState.COMPLETE else values[-1] if values else None
        number = int(trial.user_attrs["place"])
        settings = tuple(trial.user_attrs["settings"])
        found[number] = Trial(number, outcomes.get(trial.state, "stopped"), settings, gain)
    return tuple(found[number] for number in sorted(found))


def _remove_weights(folder: Path, trials: Sequence[Trial]) -> None:
    """Removes the checkpoints of trials that are done, except those of the best."""
    done = [one for one in trials if one.outcome in ("finished", "pruned", "failed")]
    best = best_of(done) if any(one.outcome == "finished" for one in done) else None
    for one in done:
        if best is None or one.number != best.number:
            for step in (folder / TRIALS / f"{one.number:03d}").glob("step-*"):
                shutil.rmtree(step)
