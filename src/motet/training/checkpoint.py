"""Checkpoints of a run, written atomically: a crash leaves a whole checkpoint or none.

A checkpoint is a saved model folder (see `motet.core.model_folder`) with the state of training beside it, under
``state/``:

    optimizer.safetensors   the optimiser's tensors, by parameter and name
    parts/                  instead of it, where each rank holds a part of them (`TrainConfig.sharded`)
    balancer.safetensors    what the balancer remembers, if it does
    state.json              step, rows taken, what the schedule has observed, whose run it is, digests of all files

It is written under another name, synced to the disk file by file, then renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from motet.core import CheckpointError, System
from motet.core.model_folder import STATE, fill, read_weights, step_folder, steps_in, write_model
from motet.core.ranks import broadcast, rank
from motet.core.regular_files import file_size, read_json
from motet.training.balancers.live import LiveBalancer
from motet.training.optimizer_state import is_sharded, load_optimizer_state, write_optimizer_state, write_parts

_FORMAT = 1
_STATE, _BALANCER = "state.json", "balancer.safetensors"
_UNFINISHED = (
    ".run.json.*.part",
    ".report*.part",
    ".predictions.jsonl.*.part",
    ".bootstraps.jsonl.*.part",
    "step-*/.README.md.*.part",
)


@dataclass(frozen=True, kw_only=True)
class Position:
    """The state of a run beside weights and optimiser, as plain data.

    Args:
        step: iterations of the schedule that are done.
        advanced: those of them that had something to do; the learning rate goes by these.
        mixture: `Mixture.state_dict()`.
        log_bytes: length of `log.jsonl`; lines after it are of steps that will run again.
        skipped: bad rows that others were drawn for.
        weights_of: the step that the weights are of, where a run ended with those that scored best; else None.
    """

    step: int
    advanced: int
    mixture: Mapping[str, Any]
    log_bytes: int = 0
    skipped: int = 0
    weights_of: int | None = None


def save_system(system: System, folder: str | Path) -> None:
    """Writes a system as a saved model folder, whole or not at all; a folder of that name is replaced.

    Raises:
        CheckpointError: a full disk, or a folder that cannot be written.
        ConfigError: a configuration or task that cannot be found again by name.
    """
    folder = Path(folder)
    with _written_whole(folder, f"saving {folder}") as unfinished:
        write_model(unfinished, system)


def save(
    run_folder: Path,
    position: Position,
    system: System,
    optimizer: Optimizer,
    *,
    identity: Mapping[str, Any],
    keep_checkpoints: int,
    balancer: Mapping[str, Tensor] | None = None,
) -> None:
    """Writes a step's checkpoint into a run folder and removes all but the latest; rank 0 writes.

    Args:
        run_folder: gets a folder ``step-000200``.
        position: the state of the run.
        system: weights, configuration, tasks, assets.
        optimizer: its state.
        identity: of the run, as plain data; compared when it is loaded.
        keep_checkpoints: number of checkpoints that are kept.
        balancer: what the balancer remembers.

    Raises:
        CheckpointError: a full disk, or a folder that cannot be written; earlier checkpoints are whole.
    """
    if is_sharded(optimizer):
        on_rank_0(lambda: _clear_parts(run_folder))
        write_parts(_parts_folder(run_folder, position.step), optimizer)
    on_rank_0(lambda: _save(run_folder, position, system, optimizer, identity, keep_checkpoints, balancer or {}))


def on_rank_0(work: Callable[[], None]) -> None:
    """Runs a function on rank 0; all ranks wait, and fail with it."""
    failure: str | None = None
    if rank() == 0:
        try:
            work()
        except CheckpointError as error:
            failure = str(error)
    failure = broadcast(failure)
    if failure is not None:
        raise CheckpointError(failure)


def check_same_run(run_folder: Path, *, identity: Mapping[str, Any]) -> None:
    """Checks that a run folder is of this run, before anything in it is changed.

    Raises:
        CheckpointError: its latest checkpoint is of another run, or cannot be read.
    """
    for step in steps_in(run_folder)[-1:]:
        folder = step_folder(run_folder, step)
        _check_identity(_parsed_state(folder)["identity"], json.loads(json.dumps(identity)), folder)


def load(
    run_folder: Path,
    system: System,
    optimizer: Optimizer,
    *,
    identity: Mapping[str, Any],
    balancer: LiveBalancer | None = None,
) -> Position | None:
    """Loads the latest checkpoint of a run folder and returns its position; None if there is none.

    Args:
        run_folder: with folders ``step-000200``.
        system: gets the weights.
        optimizer: gets its state.
        identity: of the run, as plain data.
        balancer: gets what it remembered.

    Raises:
        CheckpointError: a damaged checkpoint, or one of another run.
    """
    steps = steps_in(run_folder)
    if not steps:
        return None
    folder = step_folder(run_folder, steps[-1])
    state = _checked_state(folder)
    _check_identity(state["identity"], json.loads(json.dumps(identity)), folder)
    fill(system, read_weights(folder), strict=True, where=str(folder))
    load_optimizer_state(optimizer, folder / STATE, state["optimizer"])
    if balancer is not None:
        balancer.load_state_dict(balancer_state(folder))
    return Position(**state["position"])


def balancer_state(folder: Path) -> dict[str, Tensor]:
    """Returns what a checkpoint's balancer remembered; empty if that was nothing.

    Raises:
        CheckpointError: a file that cannot be read.
    """
    path = folder / STATE / _BALANCER
    if not path.exists():
        return {}
    try:
        file_size(path)
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: got {error}; want the balancer's state of a checkpoint") from error
    return found


def _save(
    run_folder: Path,
    position: Position,
    system: System,
    optimizer: Optimizer,
    identity: Mapping[str, Any],
    keep: int,
    balancer: Mapping[str, Tensor],
) -> None:
    folder = step_folder(run_folder, position.step)
    if not folder.exists():  # the same step of the same run holds the same
        _write(folder, position, system, optimizer, identity, balancer)
    _remove_old(run_folder, keep)


def _write(
    folder: Path,
    position: Position,
    system: System,
    optimizer: Optimizer,
    identity: Mapping[str, Any],
    balancer: Mapping[str, Tensor],
) -> None:
    with _written_whole(folder, f"checkpoint of step {position.step}") as unfinished:
        write_model(unfinished, system)
        (unfinished / STATE).mkdir()
        if balancer:
            save_file({name: value.contiguous() for name, value in balancer.items()}, unfinished / STATE / _BALANCER)
        plain = write_optimizer_state(unfinished / STATE, optimizer, _parts_folder(folder.parent, position.step))
        state = {
            "format": _FORMAT,
            "position": vars(position),
            "identity": identity,
            "optimizer": plain,
            "files": {str(path.relative_to(unfinished)): _digest(path) for path in _files(unfinished)},
        }
        (unfinished / STATE / _STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _written_whole(folder: Path, what: str) -> Iterator[Path]:
    """Yields a folder to write into, which gets its name once everything in it is on the disk."""
    unfinished = folder.parent / f".{folder.name}.{os.getpid()}.unfinished"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clear(folder.parent, f".{folder.name}.*")
        unfinished.mkdir()
        yield unfinished
        for path in (*_files(unfinished), *_folders(unfinished)):
            _sync(path)
        replaced = folder.parent / f".{folder.name}.{os.getpid()}.old"
        if folder.exists():
            folder.rename(replaced)
        unfinished.rename(folder)
        _sync(folder.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CheckpointError(
            f"{what}: got {reason}; want a folder with room that can be written ({folder.parent}); "
            "earlier checkpoints are whole"
        ) from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def clean(run_folder: Path, *, keep_checkpoints: int) -> None:
    """Removes what killed processes left in a run folder: unfinished files and more checkpoints than are kept.

    Args:
        run_folder: in which no other process writes now.
        keep_checkpoints: number of the latest checkpoints that are kept.

    Raises:
        CheckpointError: a folder that cannot be changed.
    """
    on_rank_0(lambda: _clean(run_folder, keep_checkpoints))


def _clean(run_folder: Path, keep: int) -> None:
    _remove_old(run_folder, keep)
    for left in (path for pattern in _UNFINISHED for path in run_folder.glob(pattern)):
        with contextlib.suppress(OSError):  # it is in nobody's way
            left.unlink()


def _remove_old(run_folder: Path, keep: int) -> None:
    try:
        for step in steps_in(run_folder)[:-keep]:
            _remove(step_folder(run_folder, step))
        _clear(run_folder, ".step-*.old")
        _clear(run_folder, ".step-*.unfinished")
        _clear(run_folder, ".parts-*")
    except OSError as error:
        raise CheckpointError(
            f"old checkpoints in {run_folder}: got {error.strerror or error}; want permission to remove them"
        ) from error


def _parts_folder(run_folder: Path, step: int) -> Path:
    """Returns the folder of the ranks' parts, before rank 0 moves them into a checkpoint."""
    return run_folder / f".parts-{step:06d}"


def _clear_parts(run_folder: Path) -> None:
    try:
        _clear(run_folder, ".parts-*")
    except OSError as error:
        raise CheckpointError(
            f"unfinished parts in {run_folder}: got {error.strerror or error}; want permission to remove them"
        ) from error


def _remove(folder: Path) -> None:
    """Removes a folder; renamed first, so that a kill in between leaves no half folder under its name."""
    gone = folder.parent / f".{folder.name}.{os.getpid()}.old"
    folder.rename(gone)
    shutil.rmtree(gone)


def _clear(folder: Path, pattern: str) -> None:
    """Removes what a killed process left."""
    for left in folder.glob(pattern):
        shutil.rmtree(left)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _folders(folder: Path) -> list[Path]:
    return [*sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True), folder]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path) -> str:
    file_size(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _parsed_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE / _STATE
    try:
        state: dict[str, Any] = read_json(path)
        found = state["format"]
        state["files"], state["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got {error}; want the state of a checkpoint to go on from") from error
    if found != _FORMAT:
        raise CheckpointError(f"{path}: format: got {found!r}; want {_FORMAT}")
    return state


def _checked_state(folder: Path) -> dict[str, Any]:
    state = _parsed_state(folder)
    for name, digest in state["files"].items():
        try:
            found = _digest(folder / name)
        except OSError as error:
            raise CheckpointError(f"{folder / name}: got {error.strerror}; want the file that was saved") from error
        if found != digest:
            raise CheckpointError(f"{folder / name}: got other bytes than were saved; want an undamaged checkpoint")
    return state


def _check_identity(saved: Any, own: Any, folder: Path) -> None:
    difference = next(_differences(saved, own, ""), None)
    if difference is not None:
        where, got, want = difference
        raise CheckpointError(f"{folder}: a checkpoint of another run: {where}: got {got!r}; want {want!r}")


def _differences(saved: Any, own: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    match saved, own:
        case dict(), dict():
            for name in sorted(saved.keys() | own.keys()):
                yield from _differences(saved.get(name), own.get(name), f"{where}.{name}" if where else name)
        case list(), list() if len(saved) == len(own):
            for place, (left, right) in enumerate(zip(saved, own, strict=True)):
                yield from _differences(left, right, f"{where}[{place}]")
        case _:
            if saved != own:
                yield where, saved, own


def tensors_equal(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    """Returns whether two sets of weights are equal bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
