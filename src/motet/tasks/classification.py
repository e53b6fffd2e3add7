"""Image classification."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Label, Task
from motet.core.task import Invariance
from motet.metrics import Accuracy


def classification(
    name: str, names: Sequence[str], *, label: str = "class", hflip: bool = True, crop: bool = True
) -> Task:
    """Returns a classification task over a list of names.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the index.
        hflip: whether a mirrored image has the same class (not so for digits).
        crop: whether a crop of the image has the same class.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> classification("pets", ["cat", "dog"]).main_metric
        'accuracy'
    """
    invariances: dict[Invariance, bool] = {"hflip": hflip, "crop": crop}
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Label(tuple(names)),
        metrics=(Accuracy,),
        category="classification",
        invariant=frozenset(change for change, holds in invariances.items() if holds),
    )
