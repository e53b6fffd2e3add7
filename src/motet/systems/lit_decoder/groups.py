"""Which parameters share a learning rate and a weight decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from motet.core import ConfigError, System
from motet.nn.tower import Tower
from motet.systems.lit_decoder.decoder import Pieces


def parameter_groups(system: System) -> Sequence[Mapping[str, Any]]:
    """Encoder and rest, each cut into kernels, which decay, and all else (biases, norms, embeddings, positions).

    Source: big_vision decays only what is called "kernel".

    Raises:
        ConfigError: another system than one with a `tower`.
    """
    tower = getattr(system, "tower", None)
    if not isinstance(tower, Tower):
        raise ConfigError(f"parameter_groups: got a {type(system).__name__}; want a system of this package")
    kernels = {id(parameter) for module in system.modules() for parameter in _kernels(module)}
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            part = "encoder" if name.startswith("tower.") else "decoder"
            groups.setdefault((part, id(parameter) in kernels), []).append(parameter)
    return [
        {
            "name": f"{part}/{'kernels' if decay else 'others'}",
            "params": parameters,
            "lr_scale": tower.lr_scale if part == "encoder" else 1.0,
            "decay": decay,
        }
        for (part, decay), parameters in groups.items()
    ]


def _kernels(module: nn.Module) -> list[nn.Parameter]:
    match module:
        case nn.Linear() | nn.Conv1d() | nn.Conv2d():
            return [p for p in (module.weight,) if isinstance(p, nn.Parameter)]
        case Pieces():
            return [module.kernel, *module.special_kernel.values()]
    return []
