"""Builds the system of a saved model that may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from motet.core import CheckpointError, MotetError, System, Task
from motet.core.build_limit import at_most
from motet.core.codec import to_json
from motet.core.model_folder import SavedModel
from motet.systems import build_system

_ALWAYS_SIZE = 10**6  # a whole number of a configuration that needs no weights: a length, a seed
# What layers raise for sizes that no layer has, when a saved configuration was changed.
_CANNOT_BE_BUILT = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


def built_system(saved: SavedModel, tasks: Sequence[Task], tensors: int, numbers: int) -> System:
    """Builds the system of a saved model, which is to be filled with weights of a known size.

    Args:
        saved: the model.
        tasks: the saved ones, or others in their place.
        tensors: number of tensors that were saved.
        numbers: numbers in them.

    Raises:
        CheckpointError: sizes that no such model has.
    """
    if (size := _largest(to_json(saved.config))) > max(_ALWAYS_SIZE, numbers):
        got = f"the number {size}"
        raise CheckpointError(f"{saved.folder}: config.json: got {got}; want sizes of a model of {numbers:,} numbers")
    try:
        with at_most(tensors, numbers, where=saved.folder):
            return build_system(saved.config, tasks, texts=_no_texts(saved), assets=saved.assets)
    except MotetError:
        raise
    except KeyError as error:
        raise CheckpointError(f"{saved.folder}: assets: got no {error}; want all files that were saved") from error
    except _CANNOT_BE_BUILT as error:
        words = " ".join(str(error).split())[:200]
        got = f"{type(error).__name__}: {words}"
        raise CheckpointError(f"{saved.folder}: config.json: got {got}; want the sizes that were saved") from error


def _largest(plain: Any) -> int:
    """Returns the largest whole number in JSON values."""
    match plain:
        case bool():
            return 0
        case int():
            return abs(plain)
        case list():
            return max(map(_largest, plain), default=0)
        case dict():
            return max(map(_largest, plain.values()), default=0)
    return 0


def _no_texts(saved: SavedModel) -> Any:
    def texts() -> Iterable[str]:
        raise CheckpointError(f"{saved.folder}: assets: got no tokenizer; want the one saved with the model")

    return texts
