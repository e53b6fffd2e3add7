"""Loading of systems from saved model folders and run folders, and saving with a model card."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from motet.core import CheckpointError, ConfigError, Report, System, Task
from motet.core.codec import to_json
from motet.core.model_folder import (
    WeightMatch,
    check_class_names,
    fill,
    read_model,
    read_weights,
    write_model,
)
from motet.core.printable import printable
from motet.core.regular_files import read_json
from motet.hub.card import model_card
from motet.nn.module_source import with_modules
from motet.systems.build_saved import built_system
from motet.training.run_data import code_files
from motet.training.saved_names import saved_names

log = logging.getLogger("motet.hub")
CARD = "README.md"


def load_system(
    folder: str | Path,
    *,
    tasks: Sequence[Task] | None = None,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
) -> System:
    """Loads a saved system, in eval mode on the CPU.

    Args:
        folder: a saved model, or a run, of which the last step is loaded, or an ONNX export, which only predicts.
        tasks: in place of the saved tasks: parameters of the same name keep their saved weights, the others are newly
            initialised. Names that did not match are logged; `load_system_with_match` returns them.
        trust: your own packages, modules or .py files whose tasks, metrics and systems may be imported.
        parts: by name the built modules that the model was trained with (`motet.wrap`).

    Raises:
        CheckpointError: a missing or damaged file, a name that is not trusted, weights that do not fit.
        ConfigError: `tasks` for an exported model.
        UnsupportedTask: one of `tasks` that the system does not support.
    """
    from motet.hub.exported import load_onnx, runs_by_onnx

    if runs_by_onnx(folder):
        if tasks is not None:
            raise ConfigError(f"{folder}: tasks: got {len(tasks)}; want None: an exported model has its own")
        return load_onnx(folder, trust=trust)
    system, matched = load_system_with_match(folder, tasks=tasks, trust=trust, parts=parts)
    for line in matched.lines():
        log.warning("%s: %s", folder, line)
    return system


def load_system_with_match(
    folder: str | Path,
    *,
    tasks: Sequence[Task] | None = None,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
) -> tuple[System, WeightMatch]:
    """Loads as `load_system` does, and returns the names that matched and those that did not too."""
    saved = read_model(folder, saved_names(trust, code_files(folder)))
    if parts:
        saved = replace(saved, config=with_modules(saved.config, parts))
    weights = read_weights(saved.folder)
    numbers = sum(weight.numel() for weight in weights.values())
    system = built_system(saved, saved.tasks if tasks is None else tasks, len(weights), numbers)
    check_class_names(system, saved.folder, weights)
    matched = fill(system, weights, strict=tasks is None, where=str(saved.folder))
    return system.eval(), matched


def save_pretrained(
    system: System, folder: str | Path, *, report: Report | None = None, credit: Iterable[str] = (), name: str = ""
) -> Path:
    """Saves a system with its model card, to be loaded, copied or pushed to the Hub.

    Args:
        system: any system.
        folder: made if it does not exist; files of an earlier save are replaced.
        report: scores for the card.
        credit: licence lines of the training data, for the card.
        name: on the card; the folder's name by default.

    Raises:
        CheckpointError: a full disk, or a folder that cannot be written; files of an earlier save are whole.
        ConfigError: a task or configuration that cannot be found again by its name.
    """
    folder = Path(folder)
    saved_names().check(to_json((system.config, tuple(system.tasks.values()))))
    card = model_card(system, name=name or folder.resolve().name, report=report, credit=tuple(credit))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=".unfinished") as made:
            write_model(Path(made), system)
            (Path(made) / CARD).write_text(printable(card), encoding="utf-8")
            for path in sorted(path for path in Path(made).rglob("*") if path.is_file()):
                place = folder / path.relative_to(made)
                place.parent.mkdir(parents=True, exist_ok=True)
                path.replace(place)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CheckpointError(
            f"saving {folder}: got {reason}; want a folder with room that can be written; earlier files are whole"
        ) from error
    return folder


def read_report(run_folder: str | Path) -> Report | None:
    """Reads the last report of a run folder; None where there is none yet.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = Path(run_folder) / "report.json"
    if not path.exists():
        return None
    try:
        return Report.from_dict(read_json(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want a report that motet wrote") from error
