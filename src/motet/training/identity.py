"""The identity of a run: what decides its result, and so what a checkpoint must agree on to be continued."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from motet.core import System
from motet.core.codec import to_json
from motet.data.mixture import Mixture
from motet.training.balancers import Balancer
from motet.training.config import TrainConfig
from motet.training.lr_schedules import depends_on_length
from motet.training.run import Run

# Fields of the train config that may change when a run is resumed.
_MAY_CHANGE = {
    "workers",
    "save_every",
    "keep_checkpoints",
    "evaluate_every",
    "compile",
    "micro_batches",
    "on_bad_row",
    "sharded",
}


def identity_of(system: System, mixture: Mixture, config: TrainConfig, balancer: Balancer) -> dict[str, Any]:
    """Returns a run's identity as plain data; `fit` refuses the checkpoint of another run."""
    # A learning rate that does not depend on the length lets a run go on past its first end, if it ends with the last
    # weights.
    fixed = depends_on_length(config.lr_schedule) or config.final_weights == "best"
    free = _MAY_CHANGE | (set() if fixed else {"steps"})
    return {
        "system": to_json(system.config),
        "tasks": [to_json(task) for task in system.tasks.values()],
        "train": {name: value for name, value in to_json(config).items() if name not in free},
        "balancer": to_json(balancer) if dataclasses.is_dataclass(balancer) else type(balancer).__qualname__,
        "sources": mixture.fingerprints(),
        "mixture_seed": mixture.seed,
    }


def identity_of_run(run: Run, system: System, mixture: Mixture) -> dict[str, Any]:
    """Returns the identity of a run with its schedule, the parts of its sources and its stored features."""
    identity = identity_of(system, mixture, run.train, run.balancer)
    sources: dict[str, Mapping[str, Any]] = identity["sources"]
    for source in run.of_role("train"):
        sources[source.name] = {
            **sources[source.name],
            "tasks": [task.name for task in source.tasks],
            "weight": source.weight,
            "compose": to_json(source.compose, whole=False),
        }
    views = run.features.views if run.features is not None and run.stores_features else None
    return identity | {"schedule": to_json(run.schedule, whole=False), "stored_views": views}
