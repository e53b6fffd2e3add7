"""Which parameters share a learning rate, and which the tasks compete for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from motet.core import ConfigError, System
from motet.nn.tower import Finetune, Frozen
from motet.systems.vit_adapters.options import FixedAffinities

if TYPE_CHECKING:
    from motet.systems.vit_adapters.model import ViTAdapters

# As Swin's own code has it, beside biases and norms.
_PLAIN = ("relative_position_bias_table", "logit_scale", "cpb_mlp", "pos_embed", "cls_token")


def parameter_groups(system: System) -> Sequence[Mapping[str, Any]]:
    """Trunk, adapters, decoders, discriminators; of each what decays (kernels) and what does not.

    Raises:
        ConfigError: another system.
    """
    from motet.systems.vit_adapters.model import ViTAdapters

    if not isinstance(system, ViTAdapters):
        raise ConfigError(f"parameter_groups: got a {type(system).__name__}; want a ViTAdapters")
    mode, adapters, adapt = system.config.mode, system.config.adapters, system.config.adapt
    scales = {"rest": 1.0, "trunk": mode.lr_scale if isinstance(mode, Finetune) else 1.0}
    scales["adapters"] = 1.0 if adapters is None else adapters.lr_scale
    scales["discriminators"] = 1.0 if adapt is None else adapt.lr_scale
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            top = name.split(".")[0]
            part = top if top in scales else "rest"
            decays = parameter.ndim > 1 and part != "discriminators" and not any(word in name for word in _PLAIN)
            groups.setdefault((part, decays), []).append(parameter)
    return [
        {"name": part if decays else f"{part}_plain", "params": found, "lr_scale": scales[part], "decay": decays}
        for (part, decays), found in groups.items()
    ]


def freeze(system: ViTAdapters) -> None:
    """Holds the trunk still, but for what its options leave out of that."""
    trunk, config = system.trunk, system.config
    if not isinstance(config.mode, Frozen):
        _hold_replaced(system)
        return
    trunk.requires_grad_(False)
    if "patch embedding" in config.unfrozen:
        trunk.patch_embedding().requires_grad_(True)
    if "adapted blocks" in config.unfrozen:
        for at in system.encoder.adapted:
            trunk.block(*at).requires_grad_(True)
    _hold_replaced(system)


def _hold_replaced(system: ViTAdapters) -> None:
    """Norms that a task-scaled one stands for are not read any more."""
    for at in system.encoder.adapted:
        adapter = None if system.adapters is None else system.adapters.block(*at)
        if adapter is not None and adapter.norm1 is not None:
            for norm in system.trunk.norms(*at):
                norm.requires_grad_(False)


def shared_blocks(system: ViTAdapters) -> Mapping[str, Sequence[nn.Parameter]]:
    """Stages of the trunk where it is trained, then the adapters block by block, then the last norm."""
    if len(system.tasks) < 2:
        return {}
    trunk, adapters = system.trunk, system.adapters
    blocks: dict[str, list[nn.Module]] = {"patches": [trunk.patch_embedding()]}
    for stage, shape in enumerate(trunk.stages):
        blocks[f"stage{stage}"] = [trunk.block(stage, index) for index in range(shape.depth)]
    if adapters is not None:
        if not isinstance(system.config.affinities, FixedAffinities) or system.config.affinities.start != "one-hot":
            blocks["task_embeddings"] = [adapters.embeddings]
        blocks |= {f"adapter{name}": modules for name, modules in adapters.parts().items()}
    blocks["norm"] = [system.norm]
    seen: set[int] = set()
    found: dict[str, list[nn.Parameter]] = {}
    for name, modules in blocks.items():
        for parameter in (p for module in modules for p in module.parameters()):
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                found.setdefault(name, []).append(parameter)
    if any(p.requires_grad for p in trunk.parameters()):
        rest = [p for p in trunk.parameters() if p.requires_grad and id(p) not in seen]
        found |= {"trunk_rest": rest} if rest else {}
    return found
