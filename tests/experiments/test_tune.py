"""A search on val rows: its budget, what a stop leaves, what is pruned, and whose study it is."""

from __future__ import annotations

import builtins
import dataclasses
import json

import pytest
from toys import toy_run

from motet.config.overrides import with_settings
from motet.core import CheckpointError, ConfigError, Report, Result
from motet.core.folder_lock import FolderLock
from motet.experiments.run_grid import HERE, Here, cell_of
from motet.experiments.search_space import search_space
from motet.experiments.trial_round import ROUND, TRIALS, Round
from motet.experiments.tune import STUDY, Trial, best_of, trial_round, tune
from motet.training.errors import TrainingError
from motet.training.run_training import run_training

pytest.importorskip("optuna")
IDENTITY = {"recipe": "toy", "settings": []}


class Clock:
    """Time that passes with training alone."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Machine:
    """Stands for training: ten seconds a trial in five evaluations; the best learning rate scores 90."""

    def __init__(self, clock, *, best=0.1, stop_at=None, fail_at=()):
        self.clock, self.best, self.stop_at, self.fail_at, self.ran = clock, best, stop_at, fail_at, []

    def __call__(self, run, folder, /, *, evaluator):
        assert not run.of_role("test")
        self.ran.append((folder.name, run.train.lr))
        (folder / "step-000006").mkdir(parents=True, exist_ok=True)
        if self.stop_at == len(self.ran):
            raise KeyboardInterrupt
        if len(self.ran) in self.fail_at:
            raise TrainingError("loss: got nan; want a number")
        for part in range(1, 6):
            self.clock.now += 2.0
            report = self.report(run, run.train.steps * part // 5)
            evaluator.watch(report)
        (folder / "report.json").write_text(json.dumps(report.to_dict()))
        return report

    def report(self, run, step):
        value = 90.0 - 100 * abs(run.train.lr - self.best)
        results = tuple(
            Result(task=task.name, source="s", metric="m", value=value, unit="%", higher_is_better=True, count=9)
            for task in run.tasks
        )
        return Report(step=step, role="val", results=results)


def search(machine, folder, *, seconds=75.0, run=None, identity=IDENTITY, place=HERE):
    run, lines = run or toy_run(), []
    trials = tune(
        lambda settings: with_settings(run, settings),
        search_space(run),
        folder,
        seconds=seconds,
        identity=identity,
        train_trial=machine,
        place=place,
        log=lines.append,
        clock=machine.clock,
    )
    return trials, lines


def test_the_recipe_itself_is_first_and_the_last_trial_would_still_have_fitted(tmp_path) -> None:
    clock = Clock()
    machine = Machine(clock)
    trials, lines = search(machine, tmp_path)
    assert machine.ran[0] == ("000", toy_run().train.lr)
    assert trials[0] == Trial(0, "finished", (), 0.0)
    assert clock.now <= 75.0 < clock.now + 10.0
    assert len(trials) == len(machine.ran) == len(lines) > 6
    best = best_of(trials)
    assert best.gain == max(one.gain for one in trials if one.outcome == "finished")
    # Only the best model is kept.
    kept = {path.parent.name for path in (tmp_path / TRIALS).glob("*/step-*")}
    assert kept == {f"{best.number:03d}"}


def test_what_is_behind_the_median_is_pruned_after_a_third(tmp_path) -> None:
    trials, _ = search(Machine(Clock(), best=0.05), tmp_path, seconds=200.0)
    pruned = [one for one in trials if one.outcome == "pruned"]
    assert pruned
    assert all(one.gain is not None and one.gain < 0 for one in pruned)
    assert all(one.outcome != "pruned" for one in trials[:5])


def test_a_stopped_trial_goes_on_in_its_own_folder_with_its_own_settings(tmp_path) -> None:
    clock = Clock()
    with pytest.raises(KeyboardInterrupt):
        search(first := Machine(clock, stop_at=3), tmp_path)
    trials, _ = search(again := Machine(clock), tmp_path, seconds=25.0)
    assert again.ran[0] == first.ran[-1]
    assert [one.number for one in trials] == sorted({one.number for one in trials})
    assert next(one for one in trials if one.number == int(first.ran[-1][0])).outcome == "finished"


def test_a_second_call_draws_other_trials(tmp_path) -> None:
    clock = Clock()
    search(first := Machine(clock), tmp_path, seconds=45.0)
    trials, _ = search(again := Machine(clock), tmp_path, seconds=45.0)
    assert len(trials) == len(first.ran) + len(again.ran)
    rates = [lr for _, lr in (*first.ran, *again.ran)]
    assert len(set(rates)) == len(rates)


def test_time_that_is_over_in_a_trial_leaves_it_open(tmp_path) -> None:
    machine = Machine(Clock())
    trials, _ = search(machine, tmp_path, seconds=10.0, run=toy_run())
    assert [one.outcome for one in trials] == ["finished"]
    clock = machine.clock

    class Slower(Machine):
        def __call__(self, run, folder, /, *, evaluator):
            clock.now += 30.0
            return super().__call__(run, folder, evaluator=evaluator)

    trials, _ = search(Slower(clock), tmp_path, seconds=25.0)
    assert [one.outcome for one in trials] == ["finished", "stopped"]


def test_a_failed_trial_does_not_end_the_search_but_a_failed_recipe_does(tmp_path) -> None:
    trials, _ = search(Machine(Clock(), fail_at=(2,)), tmp_path / "one")
    assert [one.outcome for one in trials[:3]] == ["finished", "failed", "finished"]
    with pytest.raises(TrainingError, match="got nan"):
        search(Machine(Clock(), fail_at=(1,)), tmp_path / "two")


def test_a_study_of_another_recipe_is_refused_and_so_is_a_second_process(tmp_path) -> None:
    search(Machine(Clock()), tmp_path, seconds=5.0)
    with pytest.raises(CheckpointError, match=r"study of another search \(recipe: toy\)"):
        search(Machine(Clock()), tmp_path, identity={"recipe": "other", "settings": []})
    with FolderLock(tmp_path), pytest.raises(CheckpointError, match="which writes in it"):
        search(Machine(Clock()), tmp_path)


def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path) -> None:
    search(Machine(Clock()), tmp_path, seconds=5.0)
    with (tmp_path / STUDY).open("a") as file:
        file.write('{"op_code": 4, "worker')
    (tmp_path / f"{STUDY}.lock").write_text("")
    trials, _ = search(Machine(Clock()), tmp_path, seconds=15.0)
    assert len(trials) == 2
    assert all(json.loads(line) for line in (tmp_path / STUDY).read_text().splitlines())


def test_a_damaged_study_is_one_line(tmp_path) -> None:
    (tmp_path / STUDY).write_text("nothing\nof a study\n")
    with pytest.raises(CheckpointError, match=r"study\.jsonl: got a damaged file"):
        search(Machine(Clock()), tmp_path)


def test_val_rows_and_optuna_are_needed(tmp_path, monkeypatch) -> None:
    run = toy_run()
    without = dataclasses.replace(run, sources=tuple(one for one in run.sources if one.role != "val"))
    with pytest.raises(ConfigError, match="without sources of role 'val'"):
        search(Machine(Clock()), tmp_path, run=without)
    real = builtins.__import__

    def missing(name, *given, **more):
        if name.startswith("optuna"):
            raise ImportError(name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"pip install 'motet\[tune\]'"):
        search(Machine(Clock()), tmp_path)


def test_no_trial_that_finished_is_no_best() -> None:
    with pytest.raises(ConfigError, match="got no finished trial out of 1"):
        best_of([Trial(0, "stopped", (), None)])


def test_a_real_run_is_evaluated_and_watched(tmp_path) -> None:
    def train(run, folder, /, *, evaluator):
        return run_training(run, folder, resume=True, device="cpu", baselines=False, show=False, evaluator=evaluator)

    train.clock = Clock()
    ticks = iter(range(1000))
    train.clock = lambda: next(ticks) * 5.0
    trials, _ = search(train, tmp_path, seconds=30.0)
    assert trials[0].outcome == "finished"
    assert (tmp_path / TRIALS / "000" / "report.json").is_file()


@dataclasses.dataclass(frozen=True)
class Processes:
    """Stands for a place of several processes: the cells of a round in another order, each from the files alone."""

    width: int = 3
    shared: bool = False
    backwards: bool = False

    def run(self, grid, *, log):
        for cell in reversed(grid.cells) if self.backwards else grid.cells:
            if not grid.finished(cell):
                again = trial_round(
                    grid.configure, grid.folder, seconds=1e9, train_trial=grid.train_trial, clock=grid.clock
                )
                again.run(cell_of(again, cell.name))
                log(again.ended(cell, "", 1.0).line)


def test_trials_are_the_same_wherever_they_run(tmp_path) -> None:
    found = [search(Machine(Clock()), tmp_path / str(back), place=Processes(backwards=back))[0] for back in (0, 1)]
    threads, _ = search(Machine(Clock()), tmp_path / "here", place=Here(3))
    assert found[0] == found[1] == threads
    assert len(found[0]) > 6
    assert len({one.settings for one in found[0]}) == len(found[0])


def test_a_process_that_is_started_alike_helps_and_then_goes_on(tmp_path) -> None:
    """While the first has the folder the second runs its trials; when the first dies, the second draws the next."""
    run = toy_run()
    lock, machine, held = FolderLock(tmp_path), Machine(Clock()), []
    space = search_space(run)
    identity = {**IDENTITY, "space": [repr(one) for one in space], "steps": run.train.steps}
    Round({"000": ()}, {}, identity).write(tmp_path)
    assert lock.acquire()

    class Helping(Processes):
        def run(self, grid, *, log):
            held.append(lock._held)
            super().run(grid, log=log)
            lock.release()

    trials, _ = search(machine, tmp_path, place=Helping(width=1, shared=True))
    assert held[0] is True, "it did not help"
    assert machine.ran.count(machine.ran[0]) == 1, "what it has run for the first is not run again"
    assert [one.outcome for one in trials[:1]] == ["finished"]
    assert len(trials) > 3


def test_a_round_of_another_search_is_not_helped(tmp_path) -> None:
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    Round({"000": ()}, {}, {"recipe": "other"}).write(tmp_path)
    with pytest.raises(CheckpointError, match="got the trials of another search"):
        search(Machine(Clock()), tmp_path, place=Processes(shared=True))
    lock.release()


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": {"../x": []}, "medians": [], "identity": {}}'])
def test_a_damaged_round_is_one_line(tmp_path, text) -> None:
    (tmp_path / ROUND).write_text(text)
    with pytest.raises(CheckpointError, match=r"round\.json: got a damaged file"):
        Round.read(tmp_path)


def test_without_a_round_there_is_no_trial_to_run(tmp_path) -> None:
    with pytest.raises(CheckpointError, match="got no trials"):
        trial_round(lambda settings: toy_run(), tmp_path, seconds=1.0, train_trial=Machine(Clock()))
