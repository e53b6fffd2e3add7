"""Stops the building of a system that would become larger than the weights that are to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from motet.core.errors import CheckpointError

_TIMES = 4  # a part may be built and replaced by another
_ALWAYS_TENSORS, _ALWAYS_NUMBERS = 2_000, 2**25


@contextmanager
def at_most(tensors: int, numbers: int, *, where: str | Path) -> Iterator[None]:
    """Raises as soon as the modules built within a `with` block have many more parameters than were saved.

    Sizes in a saved configuration are only numbers: a width of a million, or a billion layers, would take the
    machine's memory before any weight is compared.

    Args:
        tensors: number of tensors that were saved.
        numbers: numbers in them.
        where: the folder, for the error.

    Raises:
        CheckpointError: four times as many, and more than 2,000 tensors or 33 million numbers.
    """
    most = (max(_TIMES * tensors, _ALWAYS_TENSORS), max(_TIMES * numbers, _ALWAYS_NUMBERS))
    built = [0, 0]

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        del module, name
        if parameter is None:
            return
        built[0] += 1
        built[1] += parameter.numel()
        if built[0] > most[0] or built[1] > most[1]:
            got = f"sizes of a model of more than {built[0]:,} tensors and {built[1]:,} numbers"
            raise CheckpointError(f"{where}: config.json: got {got}; want those of the {numbers:,} that were saved")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()
