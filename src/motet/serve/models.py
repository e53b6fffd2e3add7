"""The models of a service: the multi-task model, and the single-task models beside it that it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.core.model_folder import steps_in
from motet.hub.predict import Predictor
from motet.serve.batching import QueueKey


@dataclass
class ServedModels:
    """Returns the predictor of a queue; single-task models are loaded when they are first asked.

    Args:
        multi: the multi-task model.
        singles: folders of single-task models, by task.
        load: loads the model of such a folder.
    """

    multi: Predictor
    singles: Mapping[str, Path] = field(default_factory=dict)
    load: Callable[[Path], Predictor] | None = None
    _loaded: dict[str, Predictor] = field(default_factory=dict, init=False)

    def __call__(self, key: QueueKey) -> Predictor:
        if key.model == "multi" or self.load is None:
            return self.multi
        if key.task not in self._loaded:
            self._loaded[key.task] = self.load(self.singles[key.task])
        return self._loaded[key.task]


def single_task_folders(run: Path, tasks: Mapping[str, object]) -> dict[str, Path]:
    """Returns the folders of a run's single-task models by task, where `motet baseline` and `motet demo` put them.

    Args:
        run: the folder of the run.
        tasks: its tasks, by name.
    """
    places = [run.with_name(f"{run.name}-single"), run.parent / "single"]
    return {name: place / name for place in reversed(places) for name in tasks if steps_in(place / name)}
