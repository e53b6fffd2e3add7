"""A saved model folder, or a run folder (its last step), to a system; and a system to a folder to be passed on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, Report, System, Task
from motet.core.model_folder import (
    SavedModel,
    WeightMatch,
    check_class_names,
    fill,
    read_model,
    read_weights,
    write_model,
)
from motet.hub.card import model_card

log = logging.getLogger("motet.hub")
CARD = "README.md"


def load_system(folder: str | Path, *, tasks: Sequence[Task] | None = None, trust: Sequence[str] = ()) -> System:
    """The system that was saved, in eval mode on the CPU.

    Args:
        folder: a saved model, or a run, whose last step is taken.
        tasks: other tasks than the saved ones: what has a name in both keeps its weights, the rest starts fresh. What
            did not match is logged; `load_system_with_match` returns it.
        trust: packages or modules of one's own whose tasks, metrics and systems may be imported.

    Raises:
        CheckpointError: a missing or damaged file, a name that is not trusted, weights that do not fit.
        UnsupportedTask: one of `tasks` that the system cannot answer.
    """
    system, matched = load_system_with_match(folder, tasks=tasks, trust=trust)
    for line in matched.lines():
        log.warning("%s: %s", folder, line)
    return system


def load_system_with_match(
    folder: str | Path, *, tasks: Sequence[Task] | None = None, trust: Sequence[str] = ()
) -> tuple[System, WeightMatch]:
    """As `restore`, with the names that matched and those that did not."""
    saved = read_model(folder, trust=trust)
    asked = saved.tasks if tasks is None else tasks
    try:
        system = saved.config.build(asked, texts=_no_texts(saved), assets=saved.assets)
    except KeyError as error:
        raise CheckpointError(f"{saved.folder}: assets: got no {error}; want all that were saved") from error
    weights = read_weights(saved.folder)
    check_class_names(system, saved.folder, weights)
    matched = fill(system, weights, strict=tasks is None, where=str(saved.folder))
    return system.eval(), matched


def save_pretrained(
    system: System, folder: str | Path, *, report: Report | None = None, credit: Iterable[str] = (), name: str = ""
) -> Path:
    """Writes a system with its card, ready to be restored, copied or pushed.

    Args:
        system: a system.
        folder: made if it is not there; files of an earlier save are replaced.
        report: numbers for the card.
        credit: licence lines of the data it was trained on, for the card.
        name: what the card calls it; the folder's name by default.

    Raises:
        ConfigError: a task or configuration that cannot be found again by name.
    """
    folder = Path(folder)
    write_model(folder, system)
    card = model_card(system, name=name or folder.resolve().name, report=report, credit=tuple(credit))
    (folder / CARD).write_text(card, encoding="utf-8")
    return folder


def read_report(run_folder: str | Path) -> Report | None:
    """The last report of a run folder; None when there is none yet.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = Path(run_folder) / "report.json"
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Report.from_dict(data)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want a report") from error


def _no_texts(saved: SavedModel) -> Any:
    def texts() -> Iterable[str]:
        raise CheckpointError(f"{saved.folder}: assets: got no tokeniser; want the one saved with the model")

    return texts
