"""A search of a recipe's settings on its val rows, within a given time: a study of optuna in a folder.

<folder>/study.jsonl         the study: every trial, its settings and scores
<folder>/trials/000/         the recipe itself, with which the others are compared
<folder>/trials/001/ ...     one run folder per trial
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from motet.core import CheckpointError, ConfigError, Report, System
from motet.core.folder_lock import FolderLock
from motet.data.source import Source
from motet.evaluation import evaluate
from motet.experiments.lr_search import finished_report, gain_over
from motet.experiments.search_space import Dimension
from motet.training.errors import TrainingError
from motet.training.evaluator import Evaluator
from motet.training.run import Run

if TYPE_CHECKING:
    import optuna

STUDY, TRIALS = "study.jsonl", "trials"
_EVALUATIONS = 5  # of a trial, where the recipe has none: a trial can only be pruned at an evaluation
_FIRST_TRIALS = 4  # that are not pruned: a median of fewer says little
_NEVER_PRUNED = 0.3  # of a trial: a low learning rate is behind at first


class TrainTrial(Protocol):
    """Trains a run with an evaluator of its val rows: `run_training`, or a function of the caller around it."""

    def __call__(self, run: Run, folder: Path, /, *, evaluator: Evaluator) -> Report:
        """Returns the last report; continues a run that was stopped."""
        ...


class Pruned(Exception):
    """A trial that is behind the median of the others at the same step."""


class OutOfTime(Exception):
    """The time of the search is over in the middle of a trial."""


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
    with FolderLock(folder):
        named = {**identity, "space": [repr(one) for one in space], "steps": base.train.steps}
        study = _open(folder, named, space)
        longest = max((one.duration.total_seconds() for one in study.trials if one.duration is not None), default=0.0)
        while not _finished(study) or clock() + longest < ends:
            started = clock()
            drawn = study.ask()
            one = _one_trial(study, drawn, configure, space, folder, ends, train_trial, clock)
            longest = max(longest, clock() - started)
            gain = "" if one.gain is None else f", {one.gain:+.1f} % on val against the recipe"
            log(f"trial {one.number}, {' '.join(one.settings)}: {one.outcome}{gain}, {clock() - started:.0f} s")
            if one.outcome == "stopped":
                break
        return _trials(study)


def best_of(trials: Sequence[Trial]) -> Trial:
    """Returns the finished trial with the largest gain; of equal ones the first.

    Raises:
        ConfigError: no trial has finished.
    """
    finished = [one for one in trials if one.outcome == "finished" and one.gain is not None]
    if not finished:
        raise ConfigError(f"tune: got no finished trial out of {len(trials)}; want more minutes, or a shorter recipe")
    return max(finished, key=lambda one: (one.gain or 0.0, -one.number))


class _WatchedEvaluation:
    """The evaluation of val rows, after which a trial may end."""

    def __init__(
        self, trial: optuna.Trial, own: Report | None, steps: int, ends: float, clock: Callable[[], float]
    ) -> None:
        self.trial, self.own, self.steps, self.ends, self.clock = trial, own, steps, ends, clock

    def __call__(
        self, system: System, sources: Sequence[Source], *, batch_size: int, step: int, workers: int
    ) -> Report:
        report = evaluate(system, sources, batch_size=batch_size, step=step, workers=workers)
        self.watch(report)
        return report

    def watch(self, report: Report) -> None:
        """Raises Pruned or OutOfTime where the trial ends after this report."""
        if self.own is None or report.step == self.steps:  # the recipe itself is never pruned, nor what is done
            return
        tasks = {result.task for result in self.own.results if result.main}
        if tasks <= {result.task for result in report.results if result.main}:
            self.trial.report(gain_over(report, self.own), report.step)
            if self.trial.should_prune():
                raise Pruned
        if self.clock() > self.ends:
            raise OutOfTime


def _one_trial(
    study: optuna.Study,
    drawn: optuna.Trial,
    configure: Callable[[Sequence[str]], Run],
    space: Sequence[Dimension],
    folder: Path,
    ends: float,
    train_trial: TrainTrial,
    clock: Callable[[], float],
) -> Trial:
    from optuna.trial import TrialState

    settings = tuple(one.suggest(drawn) for one in space)
    place = Path(TRIALS) / drawn.user_attrs.get("place", f"{drawn.number:03d}")
    drawn.set_user_attr("place", place.name)
    is_base = place.name == "000"
    settings = () if is_base else settings  # the recipe itself, to the last digit
    drawn.set_user_attr("settings", list(settings))
    own = None if is_base else _report_of(folder / TRIALS / "000")
    try:
        run = _without_test(configure(settings))
        report = finished_report(folder / place, run) or train_trial(
            run, folder / place, evaluator=_WatchedEvaluation(drawn, own, run.train.steps, ends, clock)
        )
        if report.step < run.train.steps:
            raise CheckpointError(
                f"{folder / place}: stopped after step {report.step} of {run.train.steps}; call again"
            )
    except Pruned:
        study.tell(drawn, state=TrialState.PRUNED)
    except OutOfTime:
        return Trial(int(place.name), "stopped", settings, None)  # it stays open: the next call continues it
    except (TrainingError, ConfigError) as error:
        if is_base:
            raise
        drawn.set_user_attr("error", str(error))
        study.tell(drawn, state=TrialState.FAIL)
    else:
        study.tell(drawn, 0.0 if own is None else gain_over(report, own))
    trials = _trials(study)
    _remove_weights(folder, trials)
    return next(one for one in trials if one.number == int(place.name))


def _without_test(run: Run) -> Run:
    every = run.train.evaluate_every or max(1, run.train.steps // _EVALUATIONS)
    return dataclasses.replace(
        run,
        sources=tuple(source for source in run.sources if source.role != "test"),
        train=dataclasses.replace(run.train, evaluate_every=every),
        expect={},
    )


def _report_of(folder: Path) -> Report:
    from motet.hub.load import read_report

    report = read_report(folder)
    if report is None:
        raise CheckpointError(
            f"{folder}: got no report; want that of the recipe itself (remove the study to begin anew)"
        )
    return report


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
    # Seeded by the trials so far: a study that goes on must not draw its first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    study.pruner = optuna.pruners.MedianPruner(
        n_startup_trials=_FIRST_TRIALS, n_warmup_steps=round(_NEVER_PRUNED * identity["steps"])
    )
    if not study.trials:
        study.enqueue_trial({one.name: one.base for one in space}, user_attrs={"place": "000"})
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
