"""Which parameters share a learning rate, which decay, and which the tasks compete for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from motet.core import ConfigError, System
from motet.systems.uni_perceiver.targets import is_visual

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver


def parameter_groups(system: System) -> Sequence[Mapping[str, Any]]:
    """The picture encoder at its rate and the rest, each in two groups where some of it decays and some does not.

    Norms, biases, embeddings, scales and gates do not decay.

    Source: the official configurations.

    Raises:
        ConfigError: another system than Uni-Perceiver.
    """
    from motet.systems.uni_perceiver.model import UniPerceiver

    if not isinstance(system, UniPerceiver):
        raise ConfigError(f"parameter_groups: got a {type(system).__name__}; want a UniPerceiver")
    scales = {"rest": 1.0, "trunk": 1.0 if system.trunk is None else system.trunk.lr_scale}
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            part = "trunk" if name.startswith("trunk.") else "rest"
            groups.setdefault((part, decays(name, parameter)), []).append(parameter)
    return [
        {"name": part if decay else f"{part}_plain", "params": parameters, "lr_scale": scales[part], "decay": decay}
        for (part, decay), parameters in groups.items()
    ]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether weight decay holds for a parameter."""
    table = name.startswith(("embedding.words", "embedding.positions", "embedding.frames"))
    return parameter.ndim > 1 and not name.endswith((".bias", "_prompts")) and "_gate." not in name and not table


def shared_blocks(system: UniPerceiver) -> Mapping[str, Sequence[nn.Parameter]]:
    """Inputs, then of each layer attention and feed-forward part, then what is compared; what two tasks read."""
    if len(system.tasks) < 2:
        return {}
    seeing = sum(is_visual(task) for task in system.tasks.values())
    embedding = system.embedding
    blocks: dict[str, list[nn.Module | nn.Parameter | None]] = {}
    if seeing > 1:
        blocks |= {"trunk": [system.trunk], "pictures": [embedding.patches, embedding.frames]}
    blocks["words"] = [embedding.words, embedding.positions, embedding.text_type, embedding.norm]
    for i, layer in enumerate(system.encoder.blocks):
        blocks[f"attention{i}"] = [layer.norm1, layer.attention_gate, layer.qkv, layer.out, layer.scale1]
        blocks[f"mlp{i}"] = [layer.norm2, layer.mlp_gate, layer.up, layer.down, layer.scale2]
    blocks["similarity"] = [system.similarity.norm, system.similarity.project]
    found = {name: [p for part in parts for p in _parameters(part)] for name, parts in blocks.items()}
    return {name: parameters for name, parameters in found.items() if parameters}


def _parameters(part: nn.Module | nn.Parameter | None) -> list[nn.Parameter]:
    if part is None:
        return []
    found = [part] if isinstance(part, nn.Parameter) else list(part.parameters())
    return [parameter for parameter in found if parameter.requires_grad]
