"""Reads and writes the folder of a saved model, in the same way for training, `hub` and the Hugging Face Hub.

    model.safetensors   all parameters and buffers
    config.json         the system's configuration, and the digests of its assets
    tasks.json          the tasks, with all that is needed to predict and evaluate them again
    assets/             files that belong to the model (a trained tokeniser)

Training state (optimiser, schedule, samples seen) is in ``state/`` beside them; `training.checkpoint` handles it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from motet.core.codec import from_json, to_json
from motet.core.errors import CheckpointError
from motet.core.metric import Metric
from motet.core.plain_json import parse_json
from motet.core.printable import printable
from motet.core.regular_files import file_bytes, file_size
from motet.core.saved_names import SavedNames, is_own
from motet.core.system import System, SystemConfig
from motet.core.task import Task

FORMAT = 1
WEIGHTS, CONFIG, TASKS, ASSETS, STATE = "model.safetensors", "config.json", "tasks.json", "assets", "state"
_STEP = re.compile(r"step-(\d+)")
_MAX_NAMES = 8  # listed in one message


@dataclass(frozen=True)
class SavedModel:
    """The configuration, tasks and assets of a saved model, before a system is built from them."""

    folder: Path
    config: SystemConfig
    tasks: tuple[Task, ...]
    assets: Mapping[str, bytes]


def step_folder(run_folder: Path, step: int) -> Path:
    """Returns the folder of a saved step in a run folder: ``step-000200``."""
    return run_folder / f"step-{step:06d}"


def steps_in(run_folder: Path) -> tuple[int, ...]:
    """Returns the saved steps of a run folder, ascending; incomplete ones have another name and are left out."""
    if not run_folder.is_dir():
        return ()
    found = (_STEP.fullmatch(entry.name) for entry in run_folder.iterdir() if entry.is_dir())
    return tuple(sorted(int(match[1]) for match in found if match))


def model_folder(folder: str | Path) -> Path:
    """Returns the folder of the model: the given one, or the last saved step of a run folder.

    Raises:
        CheckpointError: the folder does not exist, or holds no saved model.
    """
    folder = Path(folder)
    if not folder.is_dir():
        got = "a file" if folder.exists() else "no such folder"
        raise CheckpointError(f"model folder {folder}: got {got}; want the folder of a saved model or of a run")
    if (folder / CONFIG).exists():
        return folder
    steps = steps_in(folder)
    if not steps:
        raise CheckpointError(
            f"model folder {folder}: got no {CONFIG} and no step-...; want the folder of a saved model or of a run"
        )
    return step_folder(folder, steps[-1])


def write_model(folder: Path, system: System) -> None:
    """Writes a system into an existing or new folder; not atomic, so callers write to a temporary name and rename it.

    Raises:
        ConfigError: a configuration or task with a class or function that cannot be imported by name.
    """
    from safetensors.torch import save_file

    write_description(folder, system)
    save_file(_storable(system.state_dict()), folder / WEIGHTS, metadata={"format": "pt"})


def write_description(folder: Path, system: System) -> None:
    """Writes what `write_model` does without the weights: configuration, tasks and assets.

    Raises:
        ConfigError: a configuration or task with a class or function that cannot be imported by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    assets = dict(system.assets())
    config = {
        "format": FORMAT,
        "system": to_json(system.config),
        "assets": {name: _digest(data) for name, data in assets.items()},
    }
    tasks = [to_json(task) for task in system.tasks.values()]
    _write_json(folder / CONFIG, config)
    _write_json(folder / TASKS, tasks)
    for name, data in assets.items():
        path = folder / ASSETS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_model(folder: str | Path, names: SavedNames) -> SavedModel:
    """Reads a saved model folder, or the last step of a run folder, without its weights.

    Args:
        folder: a saved model or a run.
        names: the tasks, metrics and systems that the model may name.

    Raises:
        CheckpointError: a missing or damaged file, another format, or a name that may not be imported.
    """
    folder = model_folder(folder)
    raw = _read_json(folder / CONFIG, dict)
    if raw.get("format") != FORMAT:
        raise CheckpointError(f"{folder / CONFIG}: format: got {raw.get('format')!r}; want {FORMAT}")
    saved_tasks = _read_json(folder / TASKS, list)
    try:
        names.check_trusted([raw.get("system"), saved_tasks])
    except CheckpointError as error:
        raise CheckpointError(f"model folder {folder}: {error}") from error
    config, tasks = from_json(raw.get("system"), names), from_json(saved_tasks, names)
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise CheckpointError(f"{folder / CONFIG}: system: got {type(config).__name__}; want a system's configuration")
    for task in tasks:
        if not isinstance(task, Task):
            raise CheckpointError(f"{folder / TASKS}: got a {type(task).__name__}; want a list of tasks")
        check_called_parts(task, folder / TASKS)
    return SavedModel(folder, config, tasks, _assets(folder, raw))


def saved_task_names(folder: str | Path) -> tuple[str, ...]:
    """Reads the names of a saved model's tasks, or of the last step's of a run folder, and nothing else of it.

    Raises:
        CheckpointError: a missing or damaged file.
    """
    path = model_folder(folder) / TASKS
    tasks = _read_json(path, list)
    names = [task.get("name") if isinstance(task, dict) else None for task in tasks]
    if not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{path}: got a task without a name; want a list of tasks")
    return tuple(map(str, names))


def read_assets(folder: Path) -> dict[str, bytes]:
    """Reads the files that belong to a saved model, by name.

    Raises:
        CheckpointError: a missing or damaged file, or a name outside the folder.
    """
    return _assets(folder, _read_json(folder / CONFIG, dict))


def _assets(folder: Path, config: Mapping[str, Any]) -> dict[str, bytes]:
    digests = config.get("assets", {})
    if not isinstance(digests, dict) or not all(isinstance(digest, str) for digest in digests.values()):
        raise CheckpointError(f"{folder / CONFIG}: assets: got {type(digests).__name__}; want names and their digests")
    return {name: _read_asset(folder / ASSETS, name, digest) for name, digest in digests.items()}


def check_called_parts(task: Task, where: Path) -> None:
    """Checks what a decoded task calls: its metrics and its loss.

    Raises:
        CheckpointError: a metric that is no metric class, or a loss that is a class or cannot be called.
    """
    for metric in task.metrics:
        made_outside = isinstance(metric, FunctionType) and not is_own(metric.__module__)
        if not made_outside and not (isinstance(metric, type) and issubclass(metric, Metric)):
            raise CheckpointError(f"{where}: task {task.name!r}: metrics: got {metric!r}; want a class of metrics")
    if task.loss is not None and (isinstance(task.loss, type) or not callable(task.loss)):
        raise CheckpointError(f"{where}: task {task.name!r}: loss: got {task.loss!r}; want a function")


def read_weights(folder: str | Path) -> dict[str, Tensor]:
    """Reads the parameters and buffers of a saved model folder, or of the last step of a run folder, on the CPU.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = model_folder(folder) / WEIGHTS
    try:
        file_size(path)
        weights: dict[str, Tensor] = load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: got no such file; want the model's weights") from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want a complete safetensors file") from error
    return weights


@dataclass(frozen=True)
class WeightMatch:
    """Names of a system's parameters and buffers, compared with those of saved weights.

    Args:
        matched: names in both.
        missing: names of the system that the weights lack; they stay as they were initialised.
        unused: names of the weights that the system does not have.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Returns one line for the missing names and one for the unused names, with the first of each."""
        kinds = (("missing in the saved weights", self.missing), ("unused, not in this system", self.unused))
        return tuple(f"{len(names)} {kind}: {_first(names)}" for kind, names in kinds if names)


def _first(names: Sequence[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def fill(system: System, weights: Mapping[str, Tensor], *, strict: bool, where: str) -> WeightMatch:
    """Copies weights into a system by name.

    Args:
        system: filled in place.
        weights: by name.
        strict: whether every name must match.
        where: the file or folder, for error messages.

    Raises:
        CheckpointError: a shape that differs, or with `strict` a missing or unused name.
    """
    own = system.state_dict()
    for name in (name for name in own if name in weights):
        if own[name].shape != weights[name].shape:
            got, want = tuple(weights[name].shape), tuple(own[name].shape)
            raise CheckpointError(f"{where}: {name}: got shape {got}; want {want}")
    matched = WeightMatch(
        matched=tuple(name for name in own if name in weights),
        missing=tuple(name for name in own if name not in weights),
        unused=tuple(name for name in weights if name not in own),
    )
    if strict and (matched.missing or matched.unused):
        raise CheckpointError(f"{where}: got weights that do not fit the system: {'; '.join(matched.lines())}")
    with torch.no_grad():
        for name in matched.matched:
            own[name].copy_(weights[name])
    return matched


def check_class_names(system: System, folder: str | Path, transferred: Collection[str]) -> None:
    """Raises if rows of another model's weights belong to other class names than in this system.

    No shape shows that two lists of names of one length differ, so this compares the names of the tasks.

    Args:
        system: the system that is to be initialised.
        folder: the saved model that the weights come from.
        transferred: names of the weights that are to be storages.

    Raises:
        CheckpointError: a task whose class names differ, or differ in order, where a weight has one row per name.
    """
    folder = model_folder(folder)
    for task in _read_json(folder / TASKS, list):
        now = system.tasks.get(task["name"])
        heads = system.answer_weights(task["name"]) if now is not None else ()
        weights = [name for name in transferred if name.startswith(heads)] if heads else []
        old, new = tuple(task["target"].get("names", ())), tuple(getattr(getattr(now, "target", None), "names", ()))
        if weights and old != new:
            place = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
            raise CheckpointError(
                f"{folder}: task {task['name']!r}: got {len(old)} names, {_at(old, place)} at index {place}; want "
                f"these {len(new)}, with {_at(new, place)} there, or its weights left out: {', '.join(weights)}"
            )


def _at(names: Sequence[str], place: int) -> str:
    return repr(names[place]) if place < len(names) else "none"


def _storable(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors that safetensors accepts: it refuses shared memory (tied weights), so one of them is storages."""
    storages: set[int] = set()
    stored = {}
    for name, tensor in state.items():
        value = tensor.detach().cpu().contiguous()
        place = value.untyped_storage().data_ptr()
        stored[name] = value.clone() if place in storages else value
        storages.add(place)
    return stored


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _write_json(path: Path, data: Any) -> None:
    path.write_text(printable(json.dumps(data, indent=1, ensure_ascii=False)) + "\n", encoding="utf-8")


def _read_json(path: Path, kind: type) -> Any:
    try:
        data = parse_json(file_bytes(path))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: got no such file; want a complete saved model") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want valid JSON") from error
    if not isinstance(data, kind):
        raise CheckpointError(f"{path}: got a {type(data).__name__}; want a {kind.__name__}")
    return data


def _read_asset(folder: Path, name: str, digest: str) -> bytes:
    path = folder / name
    # By its name alone: in the Hub's cache every file is a link to one elsewhere. What it leads to has to have the
    # digest that was saved, so no content comes in that the model's maker did not have.
    if "\0" in name or "\\" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise CheckpointError(f"{folder}: asset: got {name!r}; want a name inside this folder")
    try:
        data = file_bytes(path)
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror or error}; want the file saved with the model") from error
    if _digest(data) != digest:
        raise CheckpointError(f"{path}: got other bytes than were saved; want the file saved with the model")
    return data
