"""Which parameters share a learning rate, and which compete for the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from motet.core import ConfigError, System

if TYPE_CHECKING:
    from motet.systems.unit.model import UniT


def parameter_groups(system: System) -> Sequence[Mapping[str, Any]]:
    """The trunk at its rate, the text encoder at its rate, the rest; weight decay on every parameter.

    Source: the official configurations decay all parameters, norms and biases too.

    Raises:
        ConfigError: another system than UniT.
    """
    from motet.systems.unit.model import UniT

    if not isinstance(system, UniT):
        raise ConfigError(f"parameter_groups: got a {type(system).__name__}; want a UniT")
    scales = {"rest": 1.0}
    if system.vision is not None:
        scales["trunk"] = system.vision.trunk.lr_scale
    if system.text is not None:
        scales["text"] = system.text.tower.lr_scale
    groups: dict[str, list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            part = {"vision.trunk": "trunk", "text.tower": "text"}.get(".".join(name.split(".")[:2]), "rest")
            groups.setdefault(part, []).append(parameter)
    return [
        {"name": part, "params": parameters, "lr_scale": scales[part], "decay": True}
        for part, parameters in groups.items()
    ]


def shared_blocks(system: UniT) -> Mapping[str, Sequence[nn.Parameter]]:
    """Trunk, image layers, words, text layers, decoder layers: what at least two tasks read, where it is trained."""
    seeing = sum("image" in task.inputs for task in system.tasks.values())
    reading = sum("text" in task.inputs for task in system.tasks.values())
    blocks: dict[str, Sequence[nn.Module]] = {}
    if system.vision is not None and seeing > 1:
        layers = system.vision.layers
        blocks |= {"trunk": [system.vision.trunk], "image_input": [layers.input]}
        blocks |= {f"image_layer{i}": [layer] for i, layer in enumerate(layers.layers)}
        blocks["image_output"] = [layers.norm, layers.out, layers.out_positions]
    if system.text is not None and reading > 1:
        model = system.text.tower.encoder.model
        blocks["words"] = [model.embeddings]
        blocks |= {f"text_layer{i}": [layer] for i, layer in enumerate(model.encoder.layer)}
        blocks["text_output"] = [system.text.out, system.text.out_positions]
    if system.decoder is not None and len(system.tasks) > 1:
        blocks |= {f"decoder_layer{i}": [layer] for i, layer in enumerate(system.decoder.layers)}
        blocks["decoder_norm"] = [system.decoder.norm]
    found = {
        name: [p for module in modules for p in module.parameters() if p.requires_grad]
        for name, modules in blocks.items()
    }
    return {name: parameters for name, parameters in found.items() if parameters}
