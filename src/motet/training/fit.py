"""The training loop: steps, evaluations and checkpoints in their order."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from motet.core import Batch, CheckpointError, ConfigError, HasTaskStatus, Report, System
from motet.core.model_folder import steps_in
from motet.core.ranks import rank, world
from motet.data.loader import LoadedStep, Loader
from motet.data.mixture import Mixture
from motet.data.source import Source
from motet.evaluation import evaluate, left_out_notes, without_bad_rows
from motet.training import checkpoint
from motet.training.balancers import Balancer, RowMean, loss_keys
from motet.training.best_weights import BestWeights
from motet.training.checkpoint import Position
from motet.training.config import TrainConfig
from motet.training.distributed import broadcast_weights
from motet.training.errors import explain_out_of_memory
from motet.training.evaluator import Evaluator
from motet.training.identity import identity_of
from motet.training.json_files import RUN, make_run_folder, write_json
from motet.training.logging import RunLogger
from motet.training.optim import set_lr
from motet.training.signals import StopSignals
from motet.training.step import SHARED, StepOutcome, TrainStep, check_mixing
from motet.training.trackers import Tracker

if TYPE_CHECKING:
    from motet.training.sharding import Shards


def fit(
    system: System,
    mixture: Mixture,
    config: TrainConfig,
    *,
    balancer: Balancer | None = None,
    held_out: Sequence[Source] = (),
    folder: str | Path,
    resume: bool = False,
    evaluate_at_end: bool = True,
    evaluator: Evaluator = evaluate,
    eval_batch_size: int = 64,
    show: bool = True,
    identity: Mapping[str, Any] | None = None,
    record: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    trackers: Sequence[Tracker] = (),
) -> Report:
    """Trains a system in place.

    Every ``run.train.save_every`` steps, at the end, and on SIGINT or SIGTERM a checkpoint is written into `folder`;
    with `resume` training continues from the latest and ends with the same weights, bit for bit, as if it had not been
    stopped (with as many ranks; with another number the rows are the same and the weights equal to rounding). The
    signal takes effect once the checkpoint is written: by default a KeyboardInterrupt, or the end of the process.

    Args:
        system: on its device; ranks get rank 0's weights.
        mixture: draws the rows of each step.
        config: steps, learning rate, precision, seed.
        balancer: combines several losses into one gradient; `RowMean` by default.
        held_out: "val" sources, evaluated every ``run.train.evaluate_every`` steps and when the schedule requires it.
        folder: of the run, with log, TensorBoard and checkpoints.
        resume: whether to continue from the latest checkpoint in `folder`, if there is one.
        evaluate_at_end: whether to evaluate after the last step.
        evaluator: evaluates the held-out sources.
        eval_batch_size: rows per batch in evaluation.
        show: whether to show a live line on the terminal.
        identity: what a checkpoint must agree on to be continued; by default `identity_of` the other arguments.
        record: of the run, for ``run.json``; it is written once nothing can refuse to continue in `folder` any more.
        notes: lines for the log, before the first step.
        trackers: get the numbers of the log.

    Returns:
        The last evaluation, with the samples seen by source. When a signal stopped the run and its handler returned,
        its `step` is below ``run.train.steps``, and a note says so.

    Raises:
        ConfigError: a schedule that mixes what the system cannot mix, a held-out source of another role, or a balancer
            that does not fit the tasks.
        CheckpointError: checkpoints in `folder` without `resume`, or of another run; a disk that is full.
        TrainingError: a loss that is not finite, or out of memory.
        DataError: a bad row, when bad rows stop the run.
    """
    folder = Path(folder)
    for source in held_out:
        if source.role != "val":
            raise ConfigError(f"train: held_out: source {source.name!r}: got role {source.role!r}; want 'val'")
    device = next(system.parameters()).device
    # Dropout can only read the global generator; the caller's state is restored.
    with torch.random.fork_rng([device] if device.type == "cuda" else []), StopSignals() as signals:
        balancer = balancer or RowMean()
        loop = _FitLoop(system, mixture, config, balancer, held_out, folder, evaluator, eval_batch_size)
        if identity is not None:
            loop.identity = identity
        loop.start(resume=resume)
        if record is not None:
            write_json(folder / RUN, record)
        with RunLogger(
            folder,
            steps=config.steps,
            start=loop.step,
            log_bytes=loop.log_bytes,
            show=show and rank() == 0,
            trackers=trackers,
        ) as logger:
            for note in notes:
                logger.note(note)
            report = loop.run(logger, signals, evaluate_at_end)
        signals.share()
    return report


class _FitLoop:
    """The parts and the state of one call of `fit`."""

    def __init__(
        self,
        system: System,
        mixture: Mixture,
        config: TrainConfig,
        balancer: Balancer,
        held_out: Sequence[Source],
        folder: Path,
        evaluator: Evaluator,
        eval_batch_size: int,
    ) -> None:
        self.system, self.mixture, self.config, self.folder = system, mixture, config, folder
        self.held_out, self.eval_batch_size = held_out, eval_batch_size
        self.evaluator = evaluator
        self.device = next(system.parameters()).device
        groups = system.parameter_groups()
        whole = [parameter for group in groups for parameter in group["params"]]
        self.shards: Shards | None = None  # imported where it is used: FSDP2 takes two seconds
        if config.sharded and world() > 1:
            self.shards = pkgutil.resolve_name("motet.training.sharding:Shards")(system)
        self.optimizer = config.optimizer.build(
            groups if self.shards is None else self.shards.groups(groups),
            lr=config.lr,
            weight_decay=config.weight_decay,
        )
        self.balancer = balancer.start(system)
        self.train_step = TrainStep(
            system, self.optimizer, self.balancer, config, self.device, parameters=whole, shards=self.shards
        )
        self.identity: Mapping[str, Any] = identity_of(system, mixture, config, balancer)
        self.step = self.advanced = self.skipped = self.log_bytes = 0
        self.report = Report()
        self.left_out: dict[str, tuple[str, ...]] | None = None  # per held-out source, once its rows were read
        self.best: BestWeights | None = None
        self.weights_of: int | None = None  # the step of the weights, if not the last
        self.pending: list[StepOutcome] = []
        self.task_status: dict[str, str] = {}

    def start(self, *, resume: bool) -> None:
        """Creates the folder and loads the latest checkpoint."""
        make_run_folder(self.folder)
        if steps_in(self.folder) and not resume:
            raise CheckpointError(
                f"run folder {self.folder}: got checkpoints in it; want an empty folder, or --resume to go on"
            )
        position = checkpoint.load(
            self.folder, self.system, self.optimizer, identity=self.identity, balancer=self.balancer
        )
        if position is not None:
            self.step, self.advanced = position.step, position.advanced
            self.skipped, self.log_bytes = position.skipped, position.log_bytes
            self.weights_of = position.weights_of
            self.mixture.load_state_dict(dict(position.mixture))
            self.task_status = self._current_task_status()
        if self.step > self.config.steps:
            raise CheckpointError(
                f"run folder {self.folder}: got a checkpoint after {self.step:,} steps; want at most the "
                f"{self.config.steps:,} of the run"
            )
        if resume:
            checkpoint.clean(self.folder, keep_checkpoints=self.config.keep_checkpoints)
        broadcast_weights(self.system)
        if self.shards is not None:
            self.shards.update()
        if self.config.final_weights == "best" and self.held_out:
            self.best = BestWeights(self.folder)

    def run(self, logger: RunLogger, signals: StopSignals, evaluate_at_end: bool) -> Report:
        """Runs segments: steps, then an evaluation that a schedule may depend on."""
        config = self.config
        loader = Loader(
            self.mixture,
            self.system.processor,
            rank=rank(),
            world=world(),
            workers=config.workers,
            parts=config.micro_batches,
            on_bad_row=config.on_bad_row,
        )
        self.system.train()
        self._log_task_status(logger)
        evaluated = -1
        if self.best is not None and not self.step and config.steps and self.best.report is None:
            self._evaluate(tuple(self.system.tasks), logger)
        while self.step < config.steps:
            end = self._segment_end()
            for ready in loader.segment(self.step, end):
                stop = self._do_step(ready, logger, signals)
                if self.step == end and (due := self._due(end, evaluate_at_end)):
                    self._flush(logger)
                    self._evaluate(due, logger)
                    evaluated = end
                self._log_task_status(logger)
                if self.step == config.steps:
                    self._return_to_best()
                if stop or self.step == config.steps or (config.save_every and self.step % config.save_every == 0):
                    self._save(logger)
                if stop and self.step < config.steps:
                    note = f"stopped by a signal after step {self.step} of {config.steps}; --resume goes on"
                    logger.note(note, show=False)  # on the terminal the signal's handler says it, once
                    return self._final_report(note)
        if self.best is not None:
            self.best.remove()
        if not config.steps and not steps_in(self.folder):
            self._save(logger)  # another run's weights without training are saved like any other model
        if evaluate_at_end and self.held_out and evaluated != config.steps:
            # A finished run is evaluated again; log and schedule have the first evaluation already.
            self._leave_out_bad_rows(logger)
            self.report = self._evaluated(self.held_out)
        return self._final_report()

    def _do_step(self, ready: LoadedStep, logger: RunLogger, signals: StopSignals) -> bool:
        """Does one step; returns whether to stop after it."""
        before, after = self.mixture.consumed, ready.planned.consumed
        check_mixing(self.system, ready)
        for line in ready.skipped:
            logger.note(f"step {self.step + 1}: skipped a row of {line}")
        factor = self.config.lr_schedule.factor(self.advanced, self.config.steps)
        updates: list[list[Batch]] = [list(batch) for batch in ready.batches]
        if ready.planned.update == "joint":
            updates = [[part for batch in updates for part in batch]]
        self.step += 1
        stop = False
        if any(after[name] != before[name] for name in after):
            set_lr(self.optimizer, factor)
            largest = max((len(part) for batch in ready.batches for part in batch), default=0)
            with explain_out_of_memory(self.step, self.device, largest):
                values = [
                    self.train_step.update(
                        self.step - 1, number, parts, signals.number is not None, 0 if number else len(ready.skipped)
                    )
                    for number, parts in enumerate(updates)
                ]
                rows = {name: after[name] - before[name] for name in after}
                stop = self._record(values, self.config.lr * factor, rows, logger)
            self.advanced += 1
        self.mixture.consumed = dict(after)
        return stop

    def _record(
        self, values: list[tuple[Tensor, tuple[str, ...]]], lr: float, rows: Mapping[str, int], logger: RunLogger
    ) -> bool:
        """Logs the metrics; on a GPU one step late, so that it never waits. Every rank reads the same values."""
        keys = loss_keys(self.system)
        shared = 2 * len(keys) + SHARED
        summed = torch.stack([one[:shared] for one, _ in values]).sum(0)
        norm = torch.stack([one[shared] for one, _ in values]).max()
        last, aux = values[-1]
        whole = torch.cat([summed, norm[None], last[shared + 1 :]])
        self.pending.append(StepOutcome.start(self.step, whole, keys, aux, lr, rows))
        late = 1 if self.device.type == "cuda" else 0
        stop = False
        while len(self.pending) > late:
            stop = self._read(self.pending.pop(0), logger) or stop
        return stop

    def _flush(self, logger: RunLogger) -> None:
        """Reads all pending metrics: nothing is evaluated or saved before the losses so far are known to be finite."""
        while self.pending:
            self._read(self.pending.pop(0), logger)

    def _read(self, outcome: StepOutcome, logger: RunLogger) -> bool:
        metrics = outcome.read()
        self.skipped += metrics.skipped
        logger.log_step(metrics, self.skipped)
        return metrics.stop

    def _leave_out_bad_rows(self, logger: RunLogger) -> None:
        """Reads the held-out rows once and leaves out those that cannot be read, where bad rows are skipped."""
        if self.config.on_bad_row == "stop" or self.left_out is not None:
            return
        kept: list[Source] = []
        self.left_out = {}
        for source in self.held_out:
            source, self.left_out[source.name] = without_bad_rows(
                source, self.system.processor, workers=self.config.workers
            )
            kept.append(source)
            for line in self.left_out[source.name]:
                logger.note(f"left out of the evaluation: {line}")
        self.held_out = kept

    def _evaluate(self, due: Sequence[str], logger: RunLogger) -> None:
        self._leave_out_bad_rows(logger)
        sources = [
            dataclasses.replace(source, tasks=tasks)
            for source in self.held_out
            if (tasks := tuple(task for task in source.tasks if task.name in due))
        ]
        if not sources:
            return
        self.report = self._evaluated(sources)
        if self.step:
            self.mixture.schedule.observe(self.report)
        logger.log_report(self.report)
        if self.best is not None and set(due) == set(self.system.tasks):
            self.best.consider(self.report, self.system)

    def _return_to_best(self) -> None:
        """Sets the weights to those of the best evaluation, if the last one was not."""
        if self.best is None or self.best.report is None or self.best.report.step == self.step:
            return
        self._gather()
        self.best.restore(self.system)
        self.report, self.weights_of = self.best.report, self.best.report.step
        if self.shards is not None:
            self.shards.update()

    def _evaluated(self, sources: Sequence[Source]) -> Report:
        self._gather()
        self.system.eval()
        report = self.evaluator(
            self.system, sources, batch_size=self.eval_batch_size, step=self.step, workers=self.config.workers
        )
        self.system.train()
        return report

    def _gather(self) -> None:
        if self.shards is not None:
            self.shards.gather()

    def _current_task_status(self) -> dict[str, str]:
        schedule = self.mixture.schedule
        return dict(schedule.task_status(self.step)) if isinstance(schedule, HasTaskStatus) else {}

    def _log_task_status(self, logger: RunLogger) -> None:
        """Logs the tasks whose status changed."""
        now = self._current_task_status()
        changed = {task: word for task, word in now.items() if self.task_status.get(task) != word}
        if changed:
            logger.log_task_status(self.step, changed)
        self.task_status = now

    def _save(self, logger: RunLogger) -> None:
        self._flush(logger)
        logger.flush(self.skipped)
        self._gather()
        position = Position(
            step=self.step,
            advanced=self.advanced,
            mixture=self.mixture.state_dict(),
            log_bytes=logger.log_bytes,
            skipped=self.skipped,
            weights_of=self.weights_of,
        )
        checkpoint.save(
            self.folder,
            position,
            self.system,
            self.optimizer,
            identity=self.identity,
            keep_checkpoints=self.config.keep_checkpoints,
            balancer=self.balancer.state_dict(),
        )

    def _segment_end(self) -> int:
        """Returns the next step after which something may be evaluated: rows may be read ahead until there."""
        for step in range(self.step + 1, self.config.steps):
            if self._due(step, False):
                return step
        return self.config.steps

    def _due(self, step: int, at_end: bool) -> tuple[str, ...]:
        every = self.config.evaluate_every
        if (every and step % every == 0) or ((at_end or self.best) and step == self.config.steps):
            return tuple(self.system.tasks)
        return tuple(self.mixture.schedule.due(step))

    def _final_report(self, *notes: str) -> Report:
        self._gather()
        best = f"ends with the weights of step {self.weights_of}, which scored best on the val sources"
        notes = (*notes, best) if self.weights_of is not None else notes
        skipped = (f"{self.skipped} bad rows skipped, others drawn",) if self.skipped else ()
        return dataclasses.replace(
            self.report,
            step=self.step,
            samples_seen=dict(self.mixture.consumed),
            notes=(*self.report.notes, *skipped, *left_out_notes(self.left_out or {}), *notes),
        )
