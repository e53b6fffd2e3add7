"""Experiment trackers beside the log: trackio, Weights & Biases and MLflow, each by its own library.

All three work without a network: trackio and MLflow by a local database, Weights & Biases by ``WANDB_MODE=offline``.
Addresses, projects and keys are those of each library's own environment variables.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, get_args

from motet.core import ConfigError
from motet.core.regular_files import read_json
from motet.training.json_files import write_json
from motet.training.run import Run

TrackerName: TypeAlias = Literal["trackio", "wandb", "mlflow"]
STATE = "tracking.json"
_PROJECT = "motet"


class Tracker(ABC):
    """One run in a tracker.

    A run that is continued repeats the steps since its checkpoint, with the same numbers: what was sent is not sent
    again, as trackers cannot take it back.

    Args:
        name: of the library.
        folder: of the run; ``tracking.json`` in it has the tracker's own id of the run, and the last step sent.
        config: of the run, plain values by name.
    """

    def __init__(self, name: TrackerName, folder: Path, config: Mapping[str, Any]) -> None:
        self.name, self.folder, self.config, self._is_open = name, folder, dict(config), False
        self._sent = int(_state(folder).get(name, {}).get("step", -1))

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Adds values of one step, by ``task/metric``; of a step that was sent before, nothing."""
        if step < self._sent or not values:
            return
        self._start()
        self.send(values, step)
        if step > self._sent:
            self._sent = step
            self.remember(step=step)

    def remember(self, **values: str | int) -> None:
        """Keeps values for the next start of the run."""
        state = _state(self.folder)
        write_json(self.folder / STATE, state | {self.name: state.get(self.name, {}) | values})

    def remembered_id(self) -> str | None:
        """Returns the tracker's id of the run; None at its first start."""
        found = _state(self.folder).get(self.name, {}).get("id")
        return None if found is None else str(found)

    def add_page(self, path: Path) -> None:
        """Adds a file of the run, such as its report page."""
        self._start()
        self.add_file(path)

    def end(self, *, finished: bool) -> None:
        """Ends the run's part in the tracker; `finished` where nothing stopped it."""
        if self._is_open:
            self.close(finished=finished)

    def _start(self) -> None:
        # Not before the first number: until then the run may be refused, and its folder has to stay empty.
        if not self._is_open:
            self.open()
            self._is_open = True

    @abstractmethod
    def open(self) -> None:
        """Begins the run, or goes on with it."""

    @abstractmethod
    def send(self, values: Mapping[str, float], step: int) -> None:
        """Sends values of one step."""

    @abstractmethod
    def add_file(self, path: Path) -> None:
        """Sends a file."""

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """Ends it."""


class TrackioTracker(Tracker):
    """A run in trackio, in the folder ``TRACKIO_DIR``; it keeps no files."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        super().__init__("trackio", folder, config)
        self._library = _library("trackio")

    def open(self) -> None:
        project = os.environ.get("TRACKIO_PROJECT", _PROJECT)
        self._library.init(project=project, name=self.folder.name, config=self.config, resume="allow", embed=False)

    def send(self, values: Mapping[str, float], step: int) -> None:
        self._library.log(dict(values), step=step)

    def add_file(self, path: Path) -> None:
        del path

    def close(self, *, finished: bool) -> None:
        del finished
        self._library.finish()


class WandbTracker(Tracker):
    """A run in Weights & Biases."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        super().__init__("wandb", folder, config)
        self._library = _library("wandb")

    def open(self) -> None:
        self._run = self._library.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=self.folder.name,
            id=self.remembered_id(),
            resume="allow",
            config=self.config,
            dir=str(self.folder),
        )
        self.remember(id=self._run.id)

    def send(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def add_file(self, path: Path) -> None:
        artifact = self._library.Artifact(name=f"{self._run.id}-{path.stem}", type="report")
        artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def close(self, *, finished: bool) -> None:
        self._run.finish(exit_code=0 if finished else 1)


class MlflowTracker(Tracker):
    """A run in MLflow, at ``MLFLOW_TRACKING_URI``."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        super().__init__("mlflow", folder, config)
        self._entities, self._library = _library("mlflow.entities"), _library("mlflow")

    def open(self) -> None:
        self._client = self._library.MlflowClient()
        self.id = self.remembered_id() or self._created()

    def _created(self) -> str:
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT)
        known = self._client.get_experiment_by_name(experiment)
        experiment_id = self._client.create_experiment(experiment) if known is None else known.experiment_id
        run_id = str(self._client.create_run(experiment_id, run_name=self.folder.name).info.run_id)
        self.remember(id=run_id)
        params = [self._entities.Param(_mlflow_name(name), str(value)) for name, value in self.config.items()]
        for start in range(0, len(params), 100):  # its limit per call
            self._client.log_batch(run_id, params=params[start : start + 100])
        return run_id

    def send(self, values: Mapping[str, float], step: int) -> None:
        now = int(1000 * time.time())
        metrics = [self._entities.Metric(_mlflow_name(name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self.id, metrics=metrics)

    def add_file(self, path: Path) -> None:
        self._client.log_artifact(self.id, str(path))

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self.id, status="FINISHED" if finished else "KILLED")


def checked_names(names: Sequence[str]) -> tuple[TrackerName, ...]:
    """Returns names of trackers, each once.

    Raises:
        ConfigError: another name.
    """
    known: tuple[TrackerName, ...] = get_args(TrackerName)
    if unknown := sorted(set(names) - set(known)):
        raise ConfigError(f"track: got {', '.join(unknown)}; want one of {', '.join(known)}")
    return tuple(name for name in known if name in names)


@contextmanager
def opened_trackers(names: Sequence[TrackerName], folder: Path, run: Run) -> Iterator[tuple[Tracker, ...]]:
    """Yields the trackers of a run, and closes them at the end.

    Args:
        names: of the libraries.
        folder: of the run.
        run: its configuration is sent once.

    Raises:
        ConfigError: an unknown name, or a library that is not installed.
    """
    config, finished = flat_config(run), False
    with ExitStack() as closing:
        trackers: list[Tracker] = []
        for name in checked_names(names):
            tracker = _tracker(name, folder, config)
            closing.callback(lambda one: one.end(finished=finished), tracker)
            trackers.append(tracker)
        yield tuple(trackers)
        finished = True


def _tracker(name: TrackerName, folder: Path, config: Mapping[str, Any]) -> Tracker:
    match name:
        case "trackio":
            return TrackioTracker(folder, config)
        case "wandb":
            return WandbTracker(folder, config)
        case "mlflow":
            return MlflowTracker(folder, config)
        case other:
            assert_never(other)


def flat_config(run: Run) -> dict[str, Any]:
    """Returns the plain values of a run's system and training by dotted names: ``train.steps``, ``system.width``."""
    found: dict[str, Any] = {"tasks": ", ".join(dict.fromkeys(t.name for source in run.sources for t in source.tasks))}
    for part, value in (("system", run.system), ("train", run.train)):
        _flatten(part, value, found)
    return found


def _flatten(name: str, value: Any, into: dict[str, Any]) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if not dataclasses.fields(value):
            into[name] = type(value).__name__
        for field in dataclasses.fields(value):
            _flatten(f"{name}.{field.name}", getattr(value, field.name), into)
    elif isinstance(value, bool | int | float | str):
        into[name] = value
    elif value is not None:
        into[name] = str(value)[:500]


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".")[0]
        want = {"mlflow": "mlflow-skinny"}.get(package, package)
        raise ConfigError(f"--track {package}: got no package {error.name}; want it: pip install {want}") from error


def _state(folder: Path) -> dict[str, Any]:
    """Returns what `tracking.json` of a run has; nothing where it is not whole."""
    try:
        found = read_json(folder / STATE)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _mlflow_name(name: str) -> str:
    """Returns a name with the signs that MLflow allows alone."""
    return "".join(sign if sign.isalnum() or sign in "_-. /" else "_" for sign in name)
