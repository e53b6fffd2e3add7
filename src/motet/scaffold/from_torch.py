"""Sources of map-style torch data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from motet.core import ConfigError
from motet.data.detect.dataset import DetectedDataset, Kind
from motet.data.image_index import first_readable
from motet.data.readers import TorchRows
from motet.data.source import Source
from motet.scaffold.detected_sources import split_named
from motet.scaffold.plan_tasks import with_training
from motet.scaffold.recipe_plan import plan_recipe
from motet.scaffold.task_plan import TaskPlan

_LABELS = {
    "classification": "class", "captioning": "captions", "question answering": "answers", "text reading": "text",
    "visual entailment": "class", "sentences": "class",
}  # fmt: skip
_ROWS_READ = 20  # at most, to find one that can be read


def from_torch(
    dataset: Any,
    name: str,
    *,
    kind: str = "classification",
    names: Sequence[str] = (),
    image: int | str | None = 0,
    text: int | str | None = None,
    target: int | str = 1,
    image_ids: Sequence[str] | Mapping[str, Sequence[str]] = (),
) -> tuple[Source, ...]:
    """Returns the sources of a map-style torch `Dataset`, whose rows are read as they are needed.

    Give it without random transforms and without normalisation: both are the system's. The data set is no plain data,
    so a run with it is resumed and compared by its recipe (``--recipe``); its model is loaded as any other.

    Args:
        dataset: with `__len__` and `__getitem__`, or a mapping from splits ("train", "val", "test") to one each.
        name: of the task.
        kind: see `from_frame`.
        names: the classes in the order of their indices; those of ``dataset.classes`` by default.
        image: place or key of the image in a row; None for rows without.
        text: place or key of the question or sentence; None for none.
        target: place or key of the annotation.
        image_ids: see `TorchRows`; for several splits by split.

    Raises:
        ConfigError: classes without names, an unknown kind, or no data set.
        DataError: a row that cannot be read.
    """
    datasets = dataset if isinstance(dataset, Mapping) else {"": dataset}
    if (label := _LABELS.get(kind)) is None:
        raise ConfigError(f"kind: got {kind!r}; want one of {', '.join(map(repr, _LABELS))}")
    found = tuple(names) or tuple(map(str, getattr(next(iter(datasets.values())), "classes", ())))
    if label == "class" and not found:
        raise ConfigError("names: got none, and a data set without .classes; want the classes: names=('cat', 'dog')")
    parts = []
    for split, one in datasets.items():
        if not hasattr(one, "__len__") or not hasattr(one, "__getitem__"):
            got = type(one).__name__
            raise ConfigError(f"dataset: got a {got}; want a map-style data set with __len__ and __getitem__")
        ids = image_ids.get(split, ()) if isinstance(image_ids, Mapping) else image_ids
        arguments: dict[str, object] = {"dataset": one, "image": image, "text": text, "labels": {label: target}}
        arguments |= {"name": f"{name}/{split}" if split else name, "image_ids": ids}
        arguments |= {"names": found} if label == "class" else {}
        reader = TorchRows(**cast(Any, arguments))
        first_readable(reader, range(min(_ROWS_READ, len(reader))))
        parts.append(
            DetectedDataset(
                reader=TorchRows.__name__, arguments=arguments, kind=cast(Kind, kind), label=label, rows=len(reader),
                evidence=type(one).__name__, split=split_named(split, alone=len(datasets) == 1),
            )
        )  # fmt: skip
    return plan_recipe([TaskPlan(name, with_training(parts))]).build_sources()
