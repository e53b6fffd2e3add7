"""Published weights to the folder of a saved model, with a report of what became of each weight."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from motet.core import CheckpointError, MotetError, System, Task
from motet.core.build_limit import at_most
from motet.core.model_folder import WeightMatch
from motet.hub.load import save_pretrained
from motet.nn.pretrained.release import Release, open_release
from motet.recipes.published import published_model
from motet.recipes.published.model import ExtraFiles, PublishedModel
from motet.systems import build_system
from motet.systems.published import fill_published
from motet.training.initial_weights import as_match, initial_system
from motet.training.run import Published, Run

REPORT = "import.json"
# What arrays of other shapes, or of none, lead to.
_DAMAGED = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class ImportReport:
    """The report of an import: which published weights were loaded, left, and missing.

    Args:
        weights: the file that was read.
        form: its form.
        licence: of the release, as its authors state it.
        match: names that were loaded, that kept new values, and that were left.
        tasks: that the model answers.
        notes: what of the release is not in the model, and why.
    """

    weights: str
    form: str
    licence: str
    match: WeightMatch
    tasks: tuple[Task, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        tasks = [task.name for task in self.tasks]
        return {
            **{n: getattr(self, n) for n in ("weights", "form", "licence", "notes")},
            **asdict(self.match),
            "tasks": tasks,
        }

    def lines(self) -> tuple[str, ...]:
        """Returns it as lines of text."""
        match = self.match
        missing = [f"missing, new values: {len(match.missing)}: {_first(match.missing)}"] if match.missing else []
        left = [f"left: {len(match.unused)}: {_first(match.unused)}"] if match.unused else []
        loaded = f"loaded: {len(match.matched)} weights of {self.form} ({self.licence})"
        return (loaded, *left, *missing, *(f"note: {note}" for note in self.notes))


def import_release(
    name: str | Path, folder: Path, *, revision: str | None = None, given: ExtraFiles | None = None
) -> ImportReport:
    """Builds the model of a release, fills it, and saves it.

    Args:
        name: a file, a folder with one file of weights, or ``owner/name`` on the Hub.
        folder: of the saved model.
        revision: a branch, tag or commit on the Hub.
        given: files that are not part of the release.

    Raises:
        CheckpointError: weights of no known form, or that no model can be made of, or a folder that is in use.
        ConfigError: an encoder alone, or a file that has to be given.
    """
    _check_new(folder)
    release = open_release(name, revision=revision)
    system, found = model_of(release, given or ExtraFiles())
    _save(system, folder, release, found)
    return found


def model_of(release: Release, given: ExtraFiles) -> tuple[System, ImportReport]:
    """Builds the model of a release and fills it.

    Args:
        release: see `open_release`.
        given: files that are not part of the release.

    Raises:
        CheckpointError: weights that no model can be made of.
        ConfigError: an encoder alone, or a file that has to be given.
    """
    try:
        made = published_model(release, given)
        # Sizes come from arrays of others: without memory, a model that is too large for its weights is found at once.
        with torch.device("meta"):
            _built(made, release)
        system = _built(made, release)
        match = as_match(fill_published(system, release, heads=made.heads, names=made.names))
    except MotetError:
        raise
    except _DAMAGED as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise CheckpointError(f"{release.path}: got {got}; want a complete file of {release.form.name}") from error
    return system.eval(), _import(release, match, made.tasks, made.notes)


def _built(made: PublishedModel, release: Release) -> System:
    count = len(release.tensors) + len(release.arrays)
    with torch.random.fork_rng([]), at_most(count, release.numbers, where=release.path):
        torch.manual_seed(0)
        return build_system(made.config, made.tasks, texts=lambda: (), assets=made.assets)


def import_into(
    run: Run, name: str | Path, folder: Path, *, revision: str | None = None, given: ExtraFiles
) -> ImportReport:
    """Saves the system of a run with published weights, as the training of the run would begin.

    Args:
        run: whose system it is.
        name: see `import_release`.
        folder: of the saved model.
        revision: a branch, tag or commit on the Hub.
        given: files that are not part of the release.

    Raises:
        CheckpointError: see `import_release`.
        ConfigError: a system that takes no weights of this form.
    """
    _check_new(folder)
    start = Published(name, names=given.names, revision=revision)
    release = open_release(name, revision=revision)
    system, match = initial_system(replace(run, start=start), torch.device("cpu"))
    assert match is not None  # it starts from the release
    found = _import(release, match, run.tasks, ())
    _save(system, folder, release, found)
    return found


def _import(release: Release, match: WeightMatch, tasks: Sequence[Task], notes: Sequence[str]) -> ImportReport:
    return ImportReport(str(release.path), release.form.name, release.form.licence, match, tuple(tasks), tuple(notes))


def _check_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(f"{folder}: got one that is not empty; want a new folder")


def _save(system: System, folder: Path, release: Release, found: ImportReport) -> None:
    credit = f"Weights of {release.form.name}, {release.form.source}, {release.form.licence}"
    save_pretrained(system, folder, credit=(credit,))
    (folder / REPORT).write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")


def _first(names: Sequence[str], count: int = 5) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
